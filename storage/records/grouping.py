"""Incidents that share a message, that come back, and that wait for the fleet check."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from storage.facts.incidents import Incident, IncidentKind
from storage.records.guarded import won
from storage.records.incidents import as_incident
from storage.tables import IncidentRow

#: Kinds that share one message where they come close together.
SHARED = (IncidentKind.LATE, IncidentKind.FAILING)


def told(session: Session, incident_id: str, now: datetime, lead_id: str | None) -> None:
    """Note that people are told, by its own message or by the one of another incident."""
    _set(session, incident_id, told_at=now, lead_id=lead_id, held_by=None)


def hold(session: Session, incident_id: str, alarm_id: str) -> None:
    """Let the incident wait until it is clear whose fault it is."""
    _set(session, incident_id, held_by=alarm_id)


def lead_since(session: Session, organization_id: str, since: datetime, source_id: str) -> Incident | None:
    """Return the incident whose message may tell of a new one as well.

    That is one of the same source that is not over, else the organization's newest that began since then.
    """
    shared = select(IncidentRow).where(
        IncidentRow.organization_id == organization_id,
        col(IncidentRow.kind).in_(SHARED),
        col(IncidentRow.told_at).is_not(None),
    )
    own = shared.where(IncidentRow.source_id == source_id, col(IncidentRow.resolved_at).is_(None))
    row = session.exec(own.order_by(col(IncidentRow.opened_at))).first()
    if row is None:
        newer = shared.where(col(IncidentRow.lead_id).is_(None), col(IncidentRow.opened_at) > since)
        row = session.exec(newer.order_by(col(IncidentRow.opened_at))).first()
    if row is None:
        return None
    if row.lead_id is None:
        return as_incident(row)
    lead = session.get(IncidentRow, row.lead_id)
    return as_incident(lead) if lead else None


def group_of(session: Session, lead_id: str) -> list[Incident]:
    """Return the incident and all that share its message, oldest first."""
    statement = (
        select(IncidentRow)
        .where((col(IncidentRow.id) == lead_id) | (col(IncidentRow.lead_id) == lead_id))
        .order_by(col(IncidentRow.opened_at), col(IncidentRow.id))
        .execution_options(populate_existing=True)
    )
    return [as_incident(row) for row in session.exec(statement)]


def lately_over(
    session: Session, source_id: str, kind: IncidentKind, *, ended_since: datetime, opened_since: datetime
) -> Incident | None:
    """Return the incident of the source that ended a moment ago, where it did not begin too long ago."""
    statement = (
        select(IncidentRow)
        .where(
            IncidentRow.source_id == source_id,
            IncidentRow.kind == kind,
            col(IncidentRow.resolved_at) >= ended_since,
            col(IncidentRow.opened_at) >= opened_since,
            col(IncidentRow.told_at).is_not(None),
        )
        .order_by(col(IncidentRow.resolved_at).desc())
    )
    row = session.exec(statement).first()
    return as_incident(row) if row else None


def reopen(session: Session, incident_id: str) -> bool:
    """Let an incident that was over go on, once more; return whether this one did."""
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.id) == incident_id, col(IncidentRow.resolved_at).is_not(None))
        .values(resolved_at=None, resolution=None, times=IncidentRow.times + 1)
    )
    return won(session, statement)


def open_of(session: Session, source_id: str, kinds: Sequence[IncidentKind] = SHARED) -> list[Incident]:
    """Return the open incidents of those kinds of the source."""
    statement = select(IncidentRow).where(
        IncidentRow.source_id == source_id, col(IncidentRow.kind).in_(kinds), col(IncidentRow.resolved_at).is_(None)
    )
    return [as_incident(row) for row in session.exec(statement)]


def held_by(session: Session, alarm_id: str, limit: int = 100) -> list[Incident]:
    """Return open incidents that wait for that alarm, oldest first."""
    statement = (
        select(IncidentRow)
        .where(IncidentRow.held_by == alarm_id, col(IncidentRow.resolved_at).is_(None))
        .order_by(col(IncidentRow.opened_at))
        .limit(limit)
    )
    return [as_incident(row) for row in session.exec(statement)]


def count_held(session: Session, alarm_id: str) -> int:
    """Return how many open incidents wait for that alarm."""
    statement = select(func.count()).where(col(IncidentRow.held_by) == alarm_id, col(IncidentRow.resolved_at).is_(None))
    return session.exec(statement).one()


def _set(session: Session, incident_id: str, **values: object) -> None:
    session.connection().execute(update(IncidentRow).where(col(IncidentRow.id) == incident_id).values(**values))
