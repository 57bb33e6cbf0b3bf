"""Versions of an organization's mapping: the next one is written by whoever saw the one before, and none is lost."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.records.inserts import insert_new
from storage.tables import ExchangeMappingRow


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """One version."""

    number: int
    profile: str
    profile_version: int
    layer: str
    restored: int
    written_by: str
    written_at: datetime


def current(session: Session, organization_id: str) -> KeptMapping | None:
    """Return the version that is in force; None before the first."""
    newest = versions(session, organization_id, limit=1)
    return newest[0] if newest else None


def versions(session: Session, organization_id: str, limit: int | None = None) -> list[KeptMapping]:
    """Return all versions, the newest first."""
    statement = (
        select(ExchangeMappingRow)
        .where(ExchangeMappingRow.organization_id == organization_id)
        .order_by(col(ExchangeMappingRow.number).desc())
    )
    return [_kept(row) for row in session.exec(statement.limit(limit) if limit else statement)]


def version(session: Session, organization_id: str, number: int) -> KeptMapping | None:
    """Return one version of this organization."""
    row = session.get(ExchangeMappingRow, (organization_id, number))
    return _kept(row) if row is not None else None


def save(
    session: Session,
    organization_id: str,
    seen: int,
    *,
    profile: str,
    profile_version: int,
    layer: str,
    written_by: str,
    now: datetime,
    restored: int = 0,
) -> bool:
    """Write the version after the one that was seen (0: none); False when somebody else wrote one meanwhile."""
    newest = current(session, organization_id)
    if (newest.number if newest else 0) != seen:
        return False
    return insert_new(
        session,
        ExchangeMappingRow,
        organization_id=organization_id,
        number=seen + 1,
        profile=profile,
        profile_version=profile_version,
        layer=layer,
        restored=restored,
        written_by=written_by,
        written_at=now,
    )


def _kept(row: ExchangeMappingRow) -> KeptMapping:
    return KeptMapping(
        row.number, row.profile, row.profile_version, row.layer, row.restored, row.written_by, row.written_at
    )
