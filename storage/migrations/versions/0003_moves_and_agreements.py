"""When a run last moved, what a person agreed to about a held read, and runs that support was called about."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moved_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("agreed", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("escalated_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_by", sa.String(), nullable=True))

    with op.batch_alter_table("refresh_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("left_at", Instant(), nullable=True))
