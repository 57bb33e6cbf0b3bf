"""Installations: begun by one browser, stored whole, renewed by compare-and-swap, closed when the app is removed."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.sql.dml import Update
from sqlmodel import Session, col, select

from storage.facts.installations import Installation, InstallKey, Serving
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import InstallationRow, InstallBegunRow, WorkspaceRow


def begin(session: Session, state_hash: str, browser_hash: str, now: datetime, expires_at: datetime) -> None:
    """Remember what a browser was sent to Slack with; what nobody came back with is forgotten."""
    session.connection().execute(delete(InstallBegunRow).where(col(InstallBegunRow.expires_at) <= now))
    insert(session, InstallBegunRow, state_hash=state_hash, browser_hash=browser_hash, expires_at=expires_at)


def claim(session: Session, state_hash: str, browser_hash: str, now: datetime) -> bool:
    """Take a state, once: in time, and in the browser that it was made for."""
    taken = session.connection().execute(
        delete(InstallBegunRow)
        .where(col(InstallBegunRow.state_hash) == state_hash, col(InstallBegunRow.browser_hash) == browser_hash)
        .where(col(InstallBegunRow.expires_at) > now)
    )
    return bool(taken.rowcount)


def find(session: Session, key: InstallKey) -> Installation | None:
    """Return the installation as it is now."""
    row = session.get(InstallationRow, (key.enterprise_id, key.team_id), populate_existing=True)
    return _fact(row) if row else None


def active(session: Session) -> list[Installation]:
    """Return every installation that was not removed."""
    statement = (
        select(InstallationRow)
        .where(col(InstallationRow.removed_at).is_(None))
        .order_by(InstallationRow.enterprise_id, InstallationRow.team_id)
    )
    return [_fact(row) for row in session.exec(statement)]


def serving(session: Session, team_id: str) -> Serving | None:
    """Return what serves a workspace; None for one that is not ours, or closed."""
    workspace = session.get(WorkspaceRow, team_id, populate_existing=True)
    if workspace is None or workspace.closed_at is not None:
        return None
    return Serving(team_id, of_team(session, team_id, workspace.enterprise_id), workspace.bot_token)


def of_team(session: Session, team_id: str, enterprise_id: str | None) -> Installation | None:
    """Return the workspace's own installation, else its enterprise's; None where neither is there."""
    own = (
        select(InstallationRow)
        .where(InstallationRow.team_id == team_id, col(InstallationRow.removed_at).is_(None))
        .order_by(col(InstallationRow.installed_at).desc())
    )
    row = session.exec(own).first()
    if row is None and enterprise_id:
        row = session.get(InstallationRow, (enterprise_id, ""))
    return _fact(row) if row is not None and row.removed_at is None else None


def put(session: Session, found: Installation) -> None:
    """Store an installation, over the one that was there; its version must be the next one."""
    row = session.get(InstallationRow, (found.key.enterprise_id, found.key.team_id), with_for_update=True)
    if row is None:
        row = InstallationRow(enterprise_id=found.key.enterprise_id, team_id=found.key.team_id, **_values(found))
    else:
        for name, value in _values(found).items():
            setattr(row, name, value)
    session.add(row)
    session.flush()


def renewed(session: Session, before: Installation, tokens: bytes, expires_at: datetime | None) -> bool:
    """Store renewed tokens; False when the installation moved on meanwhile."""
    statement = _guarded(before).values(
        tokens=tokens, expires_at=expires_at, version=before.version + 1, refused_at=None
    )
    return won(session, statement)


def resealed(session: Session, before: Installation, tokens: bytes) -> bool:
    """Store the same tokens, sealed anew; False when the installation moved on meanwhile."""
    return won(session, _guarded(before).values(tokens=tokens, version=before.version + 1))


def refused(session: Session, before: Installation, now: datetime) -> bool:
    """Note that Slack refuses to renew; the tokens stay. False when the installation moved on meanwhile."""
    return won(session, _guarded(before).values(refused_at=now))


def removed(session: Session, before: Installation, now: datetime) -> bool:
    """Close the installation and erase its tokens; False when it moved on meanwhile."""
    return won(session, _guarded(before).values(tokens=None, removed_at=now, version=before.version + 1))


def _guarded(before: Installation) -> Update:
    return update(InstallationRow).where(
        col(InstallationRow.enterprise_id) == before.key.enterprise_id,
        col(InstallationRow.team_id) == before.key.team_id,
        col(InstallationRow.version) == before.version,
        col(InstallationRow.removed_at).is_(None),
    )


def _values(found: Installation) -> dict[str, Any]:
    return {
        "app_id": found.app_id,
        "bot_user_id": found.bot_user_id,
        "scopes": ",".join(sorted(found.scopes)),
        "tokens": found.tokens,
        "version": found.version,
        "expires_at": found.expires_at,
        "installed_by": found.installed_by,
        "installed_at": found.installed_at,
        "removed_at": found.removed_at,
        "name": found.name,
        "organization_id": found.organization_id,
        "refused_at": found.refused_at,
    }


def _fact(row: InstallationRow) -> Installation:
    return Installation(
        key=InstallKey(row.enterprise_id, row.team_id),
        app_id=row.app_id,
        bot_user_id=row.bot_user_id,
        scopes=frozenset(filter(None, row.scopes.split(","))),
        tokens=row.tokens,
        version=row.version,
        expires_at=row.expires_at,
        installed_by=row.installed_by,
        installed_at=row.installed_at,
        removed_at=row.removed_at,
        name=row.name,
        organization_id=row.organization_id,
        refused_at=row.refused_at,
    )
