"""Who may do what is in the audit from now on; what is there already is written down as it was found.

Without this a check of the members against the audit would call everybody from before a forgery. The words and the
hash are those of `storage.records.authority` and `storage.records.audit` at the time of this migration.
"""

import hashlib
import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from storage.facts.ids import new_id
from storage.tables.columns import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_FIRST = "0" * 64

_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.String),
    sa.column("organization_id", sa.String),
    sa.column("sequence", sa.Integer),
    sa.column("at", Instant),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("object_id", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("previous_hash", sa.String),
    sa.column("hash", sa.String),
)


def upgrade() -> None:
    connection = op.get_bind()
    for organization in connection.execute(
        sa.text("SELECT id, group_roles, slack_admins, refresh_allowed_at FROM organizations ORDER BY id")
    ).all():
        people = sa.text(
            "SELECT id, role, team_id, user_id FROM members WHERE organization_id = :id AND removed_at IS NULL"
        )
        found = {
            f"member {row.id}": f"{row.role} {row.team_id}/{row.user_id}"
            for row in connection.execute(people, {"id": organization.id})
        }
        if organization.group_roles:
            found["user groups"] = organization.group_roles
        if organization.slack_admins:
            found["slack admins"] = "yes"
        if organization.refresh_allowed_at is not None:
            found["refresh access"] = "yes"
        _say(connection, organization.id, found)
    listed = connection.execute(sa.text("SELECT team_id, user_id FROM support_people WHERE removed_at IS NULL"))
    _say(connection, "operator", {f"support {row.team_id}/{row.user_id}": "listed" for row in listed})


def _say(connection: sa.Connection, chain: str, found: dict[str, str]) -> None:
    if not found:
        return
    ends = sa.text("SELECT sequence, hash FROM audit WHERE organization_id = :chain ORDER BY sequence DESC LIMIT 1")
    last = connection.execute(ends, {"chain": chain}).first()
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, _FIRST)
    now = datetime.now(UTC)
    detail = {"authority": found}
    said = [chain, sequence, now.isoformat(), "operator", "as_found", chain, detail]
    body = json.dumps(said, sort_keys=True, ensure_ascii=False)
    connection.execute(
        _AUDIT.insert().values(
            id=new_id("aud"),
            organization_id=chain,
            sequence=sequence,
            at=now,
            actor="operator",
            action="as_found",
            object_id=chain,
            detail=detail,
            previous_hash=previous,
            hash=hashlib.sha256((previous + body).encode()).hexdigest(),
        )
    )
