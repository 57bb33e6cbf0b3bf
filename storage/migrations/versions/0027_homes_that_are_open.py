"""Who opened the App Home lately, and whether anything has changed since it was drawn."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "home_views",
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("showing", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("drawn_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("team_id", "user_id"),
    )
    op.create_index("ix_home_views_organization_id", "home_views", ["organization_id"])
    op.create_index("ix_home_views_changed_at", "home_views", ["changed_at"])
    op.create_index("ix_home_views_drawn", "home_views", ["team_id", "drawn_at"])
