"""Exchange pairs, their runs and what each file held."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ACTIVE = "state IN ('queued', 'waiting', 'building', 'publishing')"


def upgrade() -> None:
    op.create_table(
        "exchange_pairs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("books_id", sa.String(), nullable=False),
        sa.Column("pair", sa.String(), nullable=False),
        sa.Column("on", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("paused_at", Instant(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("missed_since", Instant(), nullable=True),
        sa.Column("last", sa.JSON(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["books_id"], ["sources.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "pair"),
    )
    op.create_index("ix_exchange_pairs_organization_id", "exchange_pairs", ["organization_id"])
    op.create_index("ix_exchange_pairs_books_id", "exchange_pairs", ["books_id"])
    op.create_index("ix_exchange_pairs_due_at", "exchange_pairs", ["due_at"])
    op.create_table(
        "exchange_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("books_id", sa.String(), nullable=False),
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("pair", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("slot_at", Instant(), nullable=False),
        sa.Column("deadline", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("as_of", Instant(), nullable=True),
        sa.Column("snapshot", sa.BigInteger(), nullable=True),
        sa.Column("books_run", sa.String(), nullable=False),
        sa.Column("mapping", sa.String(), nullable=False),
        sa.Column("night", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rows_before", sa.Integer(), nullable=True),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("archived_as", sa.String(), nullable=False),
        sa.Column("gap", sa.Boolean(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=True),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("of_run", sa.String(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["pair_id"], ["exchange_pairs.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pair_id", "slot"),
    )
    op.create_index("ix_exchange_runs_organization_id", "exchange_runs", ["organization_id"])
    op.create_index(
        "ix_exchange_runs_active",
        "exchange_runs",
        ["pair_id"],
        unique=True,
        sqlite_where=sa.text(_ACTIVE),
        postgresql_where=sa.text(_ACTIVE),
    )
    op.create_index("ix_exchange_runs_next", "exchange_runs", ["state", "next_at"])
    op.create_index("ix_exchange_runs_history", "exchange_runs", ["pair_id", "requested_at"])
    op.create_table(
        "exchange_rows",
        sa.Column("pair_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("night", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pair_id"], ["exchange_pairs.id"]),
        sa.PrimaryKeyConstraint("pair_id", "key"),
    )
    op.create_table(
        "exchange_rejects",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["exchange_runs.id"]),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
