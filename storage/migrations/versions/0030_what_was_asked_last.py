"""What each person asked last in each thread, so that a follow-up outlives the process; gone after a day."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asked_last",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("channel_id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("team_id", "user_id", "channel_id", "thread"),
    )
    op.create_index("ix_asked_last_organization_id", "asked_last", ["organization_id"])
    op.create_index("ix_asked_last_asked_at", "asked_last", ["asked_at"])
