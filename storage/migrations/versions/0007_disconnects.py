"""Disconnecting on purpose: who did it, what is left to be done about it, and since when no data is left."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disconnects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("erase_data", sa.Boolean(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("grant", sa.LargeBinary(), nullable=True),
        sa.Column("tokens_due_at", Instant(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("data_erased_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_disconnects_organization_id", "disconnects", ["organization_id"])
    op.create_index("ix_disconnects_source_id", "disconnects", ["source_id"])
    unfinished = sa.text("ended_at is null")
    op.create_index(
        "ix_disconnects_unfinished", "disconnects", ["next_at"], sqlite_where=unfinished, postgresql_where=unfinished
    )
    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disconnected_by", sa.String(), nullable=True))
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("data_erased_at", Instant(), nullable=True))
