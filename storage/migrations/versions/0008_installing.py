"""Installing into several workspaces, and roles that Slack user groups give."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installs_begun",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_index("ix_installs_begun_expires_at", "installs_begun", ["expires_at"])
    with op.batch_alter_table("installations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("organization_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("refused_at", Instant(), nullable=True))
        batch_op.create_foreign_key("fk_installations_organization_id", "organizations", ["organization_id"], ["id"])
    op.create_index("ix_installations_team_id", "installations", ["team_id"])
    with op.batch_alter_table("workspaces", schema=None) as batch_op:
        batch_op.add_column(sa.Column("enterprise_id", sa.String(), nullable=True))
    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("slack_admins", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.add_column(sa.Column("group_role", sa.String(), nullable=True))
