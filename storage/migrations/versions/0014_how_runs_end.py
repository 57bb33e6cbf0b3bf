"""How each run ended, which streams a run reads alone, and the newest load of a source by its own time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("result", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("only", sa.JSON(), nullable=True))
        # What is newest is asked by when it was loaded: a run that could not read a stream has that one's older as-of.
        batch_op.drop_index("ix_runs_source_as_of")
        batch_op.create_index("ix_runs_source_loaded", ["source_id", "loaded_at"], unique=False)
