"""Sessions of QuickBooks Desktop's Web Connector."""

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the part that needs it."""
