"""What an organization calls its metrics: Metric, Goal or Objective."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("metric_noun", sa.String(), nullable=False, server_default="Metric"))
