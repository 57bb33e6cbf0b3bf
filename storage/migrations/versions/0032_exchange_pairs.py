"""Exchange pairs, their runs and what each file held."""

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that needs it."""
