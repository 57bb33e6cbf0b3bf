"""Orders that were read, and what became of each."""

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that needs it."""
