"""Who is told what, where and when; what became of each message."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deliveries") as batch:
        batch.add_column(sa.Column("reply", sa.Text(), nullable=True))
        batch.add_column(sa.Column("settled_at", Instant(), nullable=True))
        batch.add_column(sa.Column("repeats", sa.String(), nullable=True))
        batch.create_index("ix_deliveries_member", ["member_id", "created_at"])
        batch.create_index("ix_deliveries_repeats", ["repeats"])
        batch.create_index("ix_deliveries_destination", ["destination", "sent_at"])
