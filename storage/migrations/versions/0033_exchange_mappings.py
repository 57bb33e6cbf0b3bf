"""What organizations changed in the mapping of a pair."""

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that needs it."""
