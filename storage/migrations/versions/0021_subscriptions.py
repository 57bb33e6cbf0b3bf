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
    op.create_table(
        "subscriptions",
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("ways", sa.String(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("member_id", "source_id", "topic"),
    )
    op.create_index("ix_subscriptions_topic", "subscriptions", ["organization_id", "topic"])
