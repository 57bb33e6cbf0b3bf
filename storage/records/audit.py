"""The audit: who did what to which object, hash-chained per organization so that a changed row is found."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.facts.ids import new_id
from storage.records.inserts import insert
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
    last = session.exec(
        select(AuditRow)
        .where(AuditRow.organization_id == organization_id)
        .order_by(col(AuditRow.sequence).desc())
        .limit(1)
    ).first()
    row = AuditRow(
        id=new_id("aud"),
        organization_id=organization_id,
        sequence=last.sequence + 1 if last else 1,
        at=now,
        actor=actor,
        action=action,
        object_id=object_id,
        detail=dict(detail or {}),
        previous_hash=last.hash if last else FIRST_HASH,
        hash="",
    )
    row.hash = entry_hash(row)
    insert(session, AuditRow, **row.model_dump())


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


def entries(session: Session, organization_id: str) -> int:
    """Return how many entries the organization has."""
    statement = select(func.count()).select_from(AuditRow).where(AuditRow.organization_id == organization_id)
    return session.exec(statement).one()


def entry_hash(row: AuditRow) -> str:
    """Hash everything that the entry says, with the hash before it."""
    body = json.dumps(
        [row.organization_id, row.sequence, row.at.isoformat(), row.actor, row.action, row.object_id, row.detail],
        sort_keys=True,
        ensure_ascii=False,
    )
    return hashlib.sha256((row.previous_hash + body).encode()).hexdigest()
