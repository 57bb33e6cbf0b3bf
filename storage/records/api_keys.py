"""Keys of programs: only a hash is kept; found by id, within an organization for people, anywhere for the gate."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.api_keys import ApiKey, KeyScope
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import ApiKeyRow


def add(session: Session, key: ApiKey, hashed: str) -> None:
    """Keep a key by the hash of its secret part."""
    insert(
        session,
        ApiKeyRow,
        id=key.id,
        organization_id=key.organization_id,
        member_id=key.member_id,
        name=key.name,
        hash=hashed,
        scopes=",".join(sorted(key.scopes)),
        created_at=key.created_at,
    )


def all_of(session: Session, organization_id: str) -> list[ApiKey]:
    """Return the keys of an organization that are not revoked, the newest first."""
    statement = select(ApiKeyRow).where(
        ApiKeyRow.organization_id == organization_id, col(ApiKeyRow.revoked_at).is_(None)
    )
    return [_as_key(row) for row in session.exec(statement.order_by(col(ApiKeyRow.created_at).desc()))]


def one_of(session: Session, organization_id: str, key_id: str) -> ApiKey | None:
    """Return the organization's key of that id, revoked or not."""
    row = session.get(ApiKeyRow, key_id, populate_existing=True)
    return _as_key(row) if row is not None and row.organization_id == organization_id else None


def shown(session: Session, key_id: str) -> tuple[ApiKey, str] | None:
    """Return the key of that id with the hash that is kept of it, whosesoever it is."""
    row = session.get(ApiKeyRow, key_id, populate_existing=True)
    return (_as_key(row), row.hash) if row is not None else None


def revoke(session: Session, key_id: str, now: datetime) -> bool:
    """Let the key open nothing any more; False when it was revoked before."""
    mine = (col(ApiKeyRow.id) == key_id, col(ApiKeyRow.revoked_at).is_(None))
    return won(session, update(ApiKeyRow).where(*mine).values(revoked_at=now))


def used(session: Session, key_id: str, now: datetime) -> None:
    """Note when it was used last."""
    won(session, update(ApiKeyRow).where(col(ApiKeyRow.id) == key_id).values(used_at=now))


def _as_key(row: ApiKeyRow) -> ApiKey:
    scopes = frozenset(KeyScope(one) for one in row.scopes.split(",") if one)
    return ApiKey(
        row.id, row.organization_id, row.member_id, row.name, scopes, row.created_at, row.used_at, row.revoked_at
    )
