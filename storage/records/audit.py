"""The audit: who did what to which object, hash-chained per organization so that a changed row is found."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Select, func
from sqlmodel import Session, col, select

from storage.facts.ids import new_id
from storage.records.inserts import insert
from storage.records.lookups import look
from storage.tables import AuditRow

FIRST_HASH = "0" * 64


def record(
    session: Session,
    organization_id: str,
    actor: str,
    action: str,
    object_id: str,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Append an entry to the organization's chain, in the transaction of the effect itself."""
    last = look(session, _end_of_chain(), organization=organization_id).first()
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, FIRST_HASH)
    said = dict(detail or {})
    insert(
        session,
        AuditRow,
        id=new_id("aud"),
        organization_id=organization_id,
        sequence=sequence,
        at=now,
        actor=actor,
        action=action,
        object_id=object_id,
        detail=said,
        previous_hash=previous,
        hash=_hash(previous, [organization_id, sequence, now.isoformat(), actor, action, object_id, said]),
    )


@cache
def _end_of_chain() -> Select[Any]:
    entries = AuditRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    return (
        sqlalchemy.select(entries.c.sequence, entries.c.hash)
        .where(entries.c.organization_id == sqlalchemy.bindparam("organization"))
        .order_by(entries.c.sequence.desc())
        .limit(1)
    )


def broken_entries(session: Session, organization_id: str) -> list[int]:
    """Return the sequence numbers whose hash or link is wrong."""
    broken = []
    previous = FIRST_HASH
    statement = select(AuditRow).where(AuditRow.organization_id == organization_id).order_by(col(AuditRow.sequence))
    for position, row in enumerate(session.exec(statement), 1):
        if row.sequence != position or row.previous_hash != previous or row.hash != entry_hash(row):
            broken.append(row.sequence)
        previous = row.hash
    return broken


def said_since(session: Session, organization_id: str, action: str, object_id: str, since: datetime) -> list[AuditRow]:
    """Return the entries of that action on that object from that instant on."""
    statement = select(AuditRow).where(
        AuditRow.organization_id == organization_id,
        AuditRow.action == action,
        AuditRow.object_id == object_id,
        col(AuditRow.at) >= since,
    )
    return list(session.exec(statement))


def newest(session: Session, organization_id: str, limit: int) -> list[AuditRow]:
    """Return the newest entries of the organization, newest first."""
    statement = (
        select(AuditRow)
        .where(AuditRow.organization_id == organization_id)
        .order_by(col(AuditRow.sequence).desc())
        .limit(limit)
    )
    return list(session.exec(statement))


def entries(session: Session, organization_id: str) -> int:
    """Return how many entries the organization has."""
    statement = select(func.count()).select_from(AuditRow).where(AuditRow.organization_id == organization_id)
    return session.exec(statement).one()


def entry_hash(row: AuditRow) -> str:
    """Hash everything that the entry says, with the hash before it."""
    said = [row.organization_id, row.sequence, row.at.isoformat(), row.actor, row.action, row.object_id, row.detail]
    return _hash(row.previous_hash, said)


def _hash(previous: str, said: list[object]) -> str:
    body = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256((previous + body).encode()).hexdigest()
