"""Incidents: at most one open one per source and kind, by a partial unique index."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from storage.facts.ids import new_id
from storage.facts.incidents import Incident, IncidentKind, Resolution
from storage.records import home_views
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import IncidentRow


def open_one(
    session: Session,
    organization_id: str,
    source_id: str,
    kind: IncidentKind,
    reason: str,
    now: datetime,
    *,
    remind_at: datetime | None,
) -> str | None:
    """Open an incident and return its id; None when one is open already. Take the organization's lock first."""
    if find_open(session, source_id, kind) is not None:
        return None
    incident_id = new_id("inc")
    insert(
        session,
        IncidentRow,
        id=incident_id,
        organization_id=organization_id,
        source_id=source_id,
        kind=kind,
        reason=reason,
        opened_at=now,
        due_at=remind_at,
        told_at=now if remind_at else None,
    )
    home_views.changed(session, organization_id, now)
    return incident_id


def find_open(session: Session, source_id: str, kind: IncidentKind) -> Incident | None:
    """Return the open incident of the source, if there is one."""
    statement = select(IncidentRow).where(
        IncidentRow.source_id == source_id, IncidentRow.kind == kind, col(IncidentRow.resolved_at).is_(None)
    )
    row = session.exec(statement).first()
    return as_incident(row) if row else None


def find(session: Session, incident_id: str) -> Incident | None:
    """Return the incident as it is now."""
    statement = select(IncidentRow).where(IncidentRow.id == incident_id).execution_options(populate_existing=True)
    row = session.exec(statement).first()
    return as_incident(row) if row else None


def resolve(session: Session, incident_id: str, resolution: Resolution, now: datetime) -> bool:
    """End the incident; return whether this one did."""
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.id) == incident_id, col(IncidentRow.resolved_at).is_(None))
        .values(resolved_at=now, resolution=resolution, due_at=None)
    )
    if not won(session, statement):
        return False
    home_views.changed_by_incident(session, incident_id, now)
    return True


def due(session: Session, now: datetime, limit: int = 100) -> list[Incident]:
    """Return the open incidents whose reminder is due."""
    statement = (
        select(IncidentRow)
        .where(col(IncidentRow.due_at) <= now, col(IncidentRow.resolved_at).is_(None))
        .order_by(col(IncidentRow.due_at))
        .limit(limit)
    )
    return [as_incident(row) for row in session.exec(statement)]


def acknowledge(session: Session, incident_id: str, name: str, now: datetime, until: datetime) -> bool:
    """Note who takes it on; only while it is not over and nobody has it. What is due next is put off until then."""
    free = col(IncidentRow.acknowledged_until).is_(None) | (col(IncidentRow.acknowledged_until) <= now)
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.id) == incident_id, col(IncidentRow.resolved_at).is_(None), free)
        .values(acknowledged_at=now, acknowledged_by=name, acknowledged_until=until, due_at=until)
    )
    return won(session, statement)


def snooze(session: Session, incident_id: str, name: str, until: datetime) -> bool:
    """Note who wants to hear nothing of it until then, when it is told again; only while it is not over."""
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.id) == incident_id, col(IncidentRow.resolved_at).is_(None))
        .values(snoozed_by=name, snoozed_until=until, due_at=until)
    )
    return won(session, statement)


def put_off(session: Session, incident_id: str, until: datetime | None) -> None:
    """Let it be told (again) then, and not before, while it is not over; None: not by itself. Nothing else holds it."""
    statement = (
        update(IncidentRow)
        .where(col(IncidentRow.id) == incident_id, col(IncidentRow.resolved_at).is_(None))
        .values(due_at=until, held_by=None)
    )
    won(session, statement)


def count_told(session: Session, source_id: str, kinds: Sequence[IncidentKind], since: datetime) -> int:
    """Return how many alarms of those kinds were told about the source since then."""
    statement = select(func.count()).where(
        IncidentRow.source_id == source_id, col(IncidentRow.kind).in_(kinds), col(IncidentRow.told_at) >= since
    )
    return session.exec(statement).one()


def count_reminder(session: Session, incident: Incident, next_at: datetime | None) -> bool:
    """Take the reminder that is due; return whether this one has it."""
    statement = (
        update(IncidentRow)
        .where(
            col(IncidentRow.id) == incident.id,
            col(IncidentRow.reminders) == incident.reminders,
            # Somebody may have put it off a moment ago.
            col(IncidentRow.due_at) == incident.due_at,
            col(IncidentRow.resolved_at).is_(None),
        )
        .values(reminders=incident.reminders + 1, due_at=next_at)
    )
    return won(session, statement)


def as_incident(row: IncidentRow) -> Incident:
    """Turn a row into a fact."""
    return Incident(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        kind=IncidentKind(row.kind),
        reason=row.reason,
        opened_at=row.opened_at,
        due_at=row.due_at,
        reminders=row.reminders,
        resolved_at=row.resolved_at,
        resolution=Resolution(row.resolution) if row.resolution else None,
        told_at=row.told_at,
        lead_id=row.lead_id,
        times=row.times,
        held_by=row.held_by,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        acknowledged_until=row.acknowledged_until,
        snoozed_by=row.snoozed_by,
        snoozed_until=row.snoozed_until,
    )
