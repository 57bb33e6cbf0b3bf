"""Everything that is expected to happen, with its time."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "expectations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("alarm_at", Instant(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=True),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("missed_at", Instant(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("report_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", "slot"),
    )
    op.create_index("ix_expectations_state", "expectations", ["state", "alarm_at"])
    op.create_index("ix_expectations_open", "expectations", ["subject", "kind", "settled_at"])
    op.create_index("ix_expectations_report_id", "expectations", ["report_id"])
    op.create_table(
        "missed_reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_missed_reports_closed_at", "missed_reports", ["closed_at"])
