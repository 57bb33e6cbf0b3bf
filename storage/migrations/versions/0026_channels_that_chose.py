"""What channels chose to be told, and how much an organization was told lately."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deliveries") as batch:
        batch.create_index("ix_deliveries_sent", ["organization_id", "sent_at"])
    op.create_table(
        "channel_subscriptions",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("team_id", "channel_id", "source_id", "topic"),
    )
    op.create_index("ix_channel_subscriptions_topic", "channel_subscriptions", ["organization_id", "topic"])
