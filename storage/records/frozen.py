"""Marks on what stands still because its source is disconnected: written with the disconnect, gone with its end."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from storage.facts.dependents import Dependent, DependentKind, Frozen
from storage.facts.sources import Source
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import FrozenRow, OrganizationRow


def freeze(
    session: Session, source: Source, found: Sequence[Dependent], reason: str, now: datetime, as_of: datetime | None
) -> None:
    """Mark the dependents; of one that is marked already only the reason changes, since and as-of stay."""
    for one in found:
        key = {"source_id": source.id, "kind": one.kind.value, "dependent": one.id}
        since = {"organization_id": source.organization_id, "name": one.name, "since": now, "as_of": as_of}
        if not insert_new(session, FrozenRow, **key, **since, reason=reason):
            same = [col(getattr(FrozenRow, name)) == value for name, value in key.items()]
            won(session, update(FrozenRow).where(*same).values(reason=reason))


def thaw(session: Session, source_id: str) -> list[Frozen]:
    """Take the marks of a source away, and return them."""
    found = of_sources(session, [source_id]).get(source_id, [])
    if found:
        session.connection().execute(delete(FrozenRow).where(col(FrozenRow.source_id) == source_id))
        session.expire_all()
    return found


def of_sources(session: Session, source_ids: Sequence[str]) -> dict[str, list[Frozen]]:
    """Return what is frozen of these sources, by source id."""
    found: dict[str, list[Frozen]] = {}
    if not source_ids:
        return found
    wanted = (
        select(FrozenRow, OrganizationRow.metric_noun)
        .join(OrganizationRow, col(OrganizationRow.id) == FrozenRow.organization_id)
        .where(col(FrozenRow.source_id).in_(source_ids))
    )
    for row, noun in session.exec(wanted.order_by(FrozenRow.kind, FrozenRow.name, FrozenRow.dependent)):
        found.setdefault(row.source_id, []).append(_fact(row, noun))
    return found


def is_frozen(session: Session, kind: DependentKind, dependent_id: str) -> bool:
    """Whether that one stands still, whichever of its sources it is for."""
    statement = select(FrozenRow.source_id).where(FrozenRow.kind == kind, FrozenRow.dependent == dependent_id)
    return session.exec(statement.limit(1)).first() is not None


def rename(session: Session, kind: DependentKind, dependent_id: str, name: str) -> None:
    """Give one that stands still another name, as people changed it meanwhile."""
    which = (col(FrozenRow.kind) == kind, col(FrozenRow.dependent) == dependent_id)
    won(session, update(FrozenRow).where(*which).values(name=name))


def nothing_left(session: Session, source_id: str, reason: str | None = None) -> None:
    """Note that the data they were frozen at was erased; `reason`: why they stand still, in words that say so."""
    values: dict[str, str | None] = {"as_of": None} | ({"reason": reason} if reason else {})
    won(session, update(FrozenRow).where(col(FrozenRow.source_id) == source_id).values(**values))


def _fact(row: FrozenRow, noun: str) -> Frozen:
    return Frozen(Dependent(DependentKind(row.kind), row.dependent, row.name, noun), row.reason, row.since, row.as_of)
