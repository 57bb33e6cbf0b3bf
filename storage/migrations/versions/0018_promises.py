"""How fresh each source must be, by which calendar, and what the fleet check holds."""

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
