"""What people said of results and answers: a thumb up or down, and the words beside it, sealed."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("refresh_id", sa.String(), nullable=True),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ux_feedback_subject", "feedback", ["member_id", "subject"], unique=True)
    op.create_index("ix_feedback_organization_at", "feedback", ["organization_id", "at"])
    op.create_index("ix_feedback_refresh_id", "feedback", ["refresh_id"])
