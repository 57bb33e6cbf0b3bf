"""Events are looked for by their account: the newest one, and one that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("settled_at is null")


def upgrade() -> None:
    op.create_index("ix_webhooks_account", "webhooks", ["provider", "account", "at"])
    op.create_index("ix_webhooks_open", "webhooks", ["provider", "account"], sqlite_where=_OPEN, postgresql_where=_OPEN)
