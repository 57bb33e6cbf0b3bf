"""Renewals that begin at Amazon."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "renewals_begun",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("nonce_hash", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("login", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_index("ix_renewals_begun_expires_at", "renewals_begun", ["expires_at"])
    with op.batch_alter_table("flows", schema=None) as batch_op:
        batch_op.add_column(sa.Column("login", sa.LargeBinary(), nullable=True))
