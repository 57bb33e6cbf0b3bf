"""How grants come to be, what is wrong with them, webhooks, access requests and installations."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installations",
        sa.Column("enterprise_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("bot_user_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("installed_by", sa.String(), nullable=False),
        sa.Column("installed_at", Instant(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("enterprise_id", "team_id"),
    )
    op.create_table(
        "webhooks",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "event_id"),
    )
    with op.batch_alter_table("webhooks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhooks_at"), ["at"], unique=False)

    op.create_table(
        "incidents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["sources.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("incidents", schema=None) as batch_op:
        batch_op.create_index("ix_incidents_due", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_incidents_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(
            "uq_open_incident",
            ["source_id", "kind"],
            unique=True,
            sqlite_where=sa.text("resolved_at is null"),
            postgresql_where=sa.text("resolved_at is null"),
        )

    op.create_table(
        "access_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("access_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_requests_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(
            "uq_open_access_request",
            ["organization_id"],
            unique=True,
            sqlite_where=sa.text("settled_at is null"),
            postgresql_where=sa.text("settled_at is null"),
        )

    op.create_table(
        "flows",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("link_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=True),
        sa.Column("code_hash", sa.String(), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("signin_hash", sa.String(), nullable=True),
        sa.Column("nonce_hash", sa.String(), nullable=True),
        sa.Column("state_hash", sa.String(), nullable=True),
        sa.Column("verifier", sa.LargeBinary(), nullable=True),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("grant", sa.LargeBinary(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("company", sa.String(), nullable=True),
        sa.Column("connected_source_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connected_source_id"],
            ["sources.id"],
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["members.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["sources.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("link_hash"),
        sa.UniqueConstraint("signin_hash"),
        sa.UniqueConstraint("state_hash"),
    )
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.create_index(
            "ix_flows_open",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("state in ('linked', 'proven', 'sent', 'returned')"),
            postgresql_where=sa.text("state in ('linked', 'proven', 'sent', 'returned')"),
        )
        batch_op.create_index(batch_op.f("ix_flows_organization_id"), ["organization_id"], unique=False)

    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hard_expires_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("region", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("environment", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("connected_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("connected_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("proven_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("erase_due_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("erase_data", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("refresh_allowed_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("group_roles", sa.String(), server_default="", nullable=False))
