"""QuickBooks Desktops that call us, their visits, and the orders that wait for one."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = ("user_name", "password", "owner_id", "file_id", "company_path", "company_name", "other_path", "other_name")
    op.create_table(
        "web_connectors",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("called_at", Instant(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("wrong_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_web_connectors_source_id", "web_connectors", ["source_id"])
    op.create_table(
        "web_connector_sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("registration_id", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("outstanding", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["registration_id"], ["web_connectors.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket"),
    )
    op.create_index("ix_web_connector_sessions_registration_id", "web_connector_sessions", ["registration_id"])
    # One visit at a time, whoever calls at the same moment.
    op.create_index(
        "ix_web_connector_sessions_live",
        "web_connector_sessions",
        ["registration_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    found = ("found_id", "found_edit", "target_id", "number", "reason")
    op.create_table(
        "desktop_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("registration_id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("request_id", "order_no")),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "body", "before", "state", "step")),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("queued_at", Instant(), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in found),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["registration_id"], ["web_connectors.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_desktop_requests_of", "desktop_requests", ["registration_id", "state"])
