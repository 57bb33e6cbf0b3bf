"""Escalations: policy, the book of their calls, expiry of who has them in hand. Incidents: in hand, snoozed, muted."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

#: Whom the version before this one had called is not called again because of the new book.
_ALREADY = """
INSERT INTO escalation_calls (subject, kind, number, organization_id, due_at, at, name, audited)
SELECT id, 'step', {number}, organization_id, escalated_at, escalated_at, '', false
FROM {table} WHERE escalated_at IS NOT NULL
"""


def upgrade() -> None:
    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("escalation_policy", sa.Text(), nullable=True))
    for table in ("refreshes", "runs"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("policy", sa.Text(), nullable=True))
            batch_op.add_column(sa.Column("acknowledged_until", Instant(), nullable=True))
    open_ = sa.text("finished_at is null")
    op.create_index("ix_refreshes_open", "refreshes", ["requested_at"], sqlite_where=open_, postgresql_where=open_)
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acknowledged_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_until", Instant(), nullable=True))
        batch_op.add_column(sa.Column("snoozed_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("snoozed_until", Instant(), nullable=True))
    with op.batch_alter_table("sources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mutes", sa.Text(), nullable=True))
    op.create_table(
        "escalation_calls",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("audited", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("subject", "kind", "number"),
    )
    op.create_index("ix_escalation_calls_organization_id", "escalation_calls", ["organization_id"])
    for table in ("refreshes", "runs"):
        for number in (0, 1):
            op.execute(_ALREADY.format(table=table, number=number))
