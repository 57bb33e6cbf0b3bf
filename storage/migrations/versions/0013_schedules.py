"""Schedules by the wall clock, and when a schedule was set."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("schedule_rule", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("scheduled_at", Instant(), nullable=True))
