"""How many codes were sent for a flow, and when an unconfirmed grant is to be given up at the provider."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.add_column(sa.Column("codes_sent", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("said", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("revoke_due_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("revoke_tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("run_id", sa.String(), nullable=True))
        batch_op.create_index("ix_flows_browser_hash", ["browser_hash"], unique=False)
        batch_op.create_index("ix_flows_revoke_due_at", ["revoke_due_at"], unique=False)
        batch_op.create_index("ix_flows_run_id", ["run_id"], unique=False)
