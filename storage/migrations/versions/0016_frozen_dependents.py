"""What stands still because its source is disconnected; schedules of sources that are so already are marked now."""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ALREADY = """
INSERT INTO frozen_dependents (source_id, kind, dependent, organization_id, name, reason, since, as_of)
SELECT s.id, 'schedule', s.id, s.organization_id,
       CASE WHEN s.mode = 'push' THEN 'new files are looked for'
            WHEN s.schedule_rule IS NOT NULL THEN 'at its time of day'
            ELSE 'every ' || s.schedule_minutes || ' minutes' END,
       coalesce(c.reason, 'disconnected'), c.since,
       (SELECT max(r.source_as_of) FROM runs r WHERE r.source_id = s.id AND r.state = 'ready'
           AND (s.data_erased_at IS NULL OR r.ready_at > s.data_erased_at))
FROM sources s JOIN connections c ON c.source_id = s.id
WHERE c.state = 'disconnected' AND (s.mode = 'push' OR coalesce(s.schedule_rule, '') <> 'off')
"""


def upgrade() -> None:
    op.create_table(
        "frozen_dependents",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("dependent", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("as_of", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"]),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("source_id", "kind", "dependent"),
    )
    op.create_index("ix_frozen_dependents_dependent", "frozen_dependents", ["kind", "dependent"])
    op.create_index("ix_frozen_dependents_organization_id", "frozen_dependents", ["organization_id"])
    op.execute(_ALREADY)
