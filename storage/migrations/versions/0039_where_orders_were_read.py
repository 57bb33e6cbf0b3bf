"""Of which view the place is up to which orders were read: in another one it says nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("exchange_order_cursors") as batch_op:
        batch_op.add_column(sa.Column("place", sa.String(), nullable=False, server_default=""))
