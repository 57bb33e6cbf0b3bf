"""Who asked for access to refreshes, and what for."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_askers",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("again", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["access_requests.id"]),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"]),
        sa.PrimaryKeyConstraint("request_id", "member_id"),
    )
