"""When a channel has its metrics, which state of a metric receivers were told, and since when calculations fail."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("metric_posts") as batch_op:
        batch_op.add_column(sa.Column("weekday", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("at", sa.String(), nullable=False, server_default="09:00"))
    with op.batch_alter_table("metrics") as batch_op:
        batch_op.add_column(sa.Column("told_state", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("metric_turns") as batch_op:
        batch_op.add_column(sa.Column("failing_since", Instant(), nullable=True))
        batch_op.add_column(sa.Column("failure", sa.String(), nullable=False, server_default=""))
