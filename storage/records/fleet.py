"""Fleet alarms, and how all sources did lately: evidence by index, for the moment in which an alarm is due."""

from datetime import datetime

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from storage.facts.fleet import FleetAlarm, Standing
from storage.facts.ids import new_id
from storage.facts.runs import RunState
from storage.records.grouping import SHARED
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DeadlineRow, FleetAlarmRow, IncidentRow, RunRow, SourceRow


def standings(session: Session, lateness: str, since: datetime, now: datetime) -> list[Standing]:
    """Return how each source did that ended a run, turned late, or has an alarm since then; `lateness`: its deadlines'.

    What is wrong counts before what went well: a source whose newest run failed, that is past its time by now, or that
    has an alarm open.
    """
    found: dict[str, Standing] = {}
    runs = (
        select(SourceRow.id, SourceRow.organization_id, SourceRow.provider, RunRow.state)
        .join(RunRow, col(RunRow.source_id) == col(SourceRow.id))
        .where(
            col(RunRow.finished_at) >= since,
            col(RunRow.finished_at) <= now,
            col(RunRow.state).in_((RunState.READY, RunState.FAILED)),
        )
        .order_by(col(RunRow.finished_at), col(RunRow.requested_at))
    )
    for source_id, organization_id, provider, state in session.exec(runs):
        found[source_id] = Standing(source_id, organization_id, provider, state == RunState.FAILED)
    late = (
        select(SourceRow.id, SourceRow.organization_id, SourceRow.provider)
        .join(DeadlineRow, col(DeadlineRow.subject) == col(SourceRow.id))
        .where(DeadlineRow.kind == lateness, DeadlineRow.state == "open", col(DeadlineRow.due_at) <= now)
    )
    wrong = (
        select(SourceRow.id, SourceRow.organization_id, SourceRow.provider)
        .join(IncidentRow, col(IncidentRow.source_id) == col(SourceRow.id))
        .where(
            col(IncidentRow.kind).in_(SHARED),
            col(IncidentRow.resolved_at).is_(None),
            or_(col(IncidentRow.opened_at) >= since, col(IncidentRow.held_by).is_not(None)),
        )
    )
    for source_id, organization_id, provider in (*session.exec(late), *session.exec(wrong)):
        found[source_id] = Standing(source_id, organization_id, provider, bad=True)
    return list(found.values())


def open_alarms(session: Session) -> list[FleetAlarm]:
    """Return the alarms that are open."""
    rows = session.exec(select(FleetAlarmRow).where(col(FleetAlarmRow.closed_at).is_(None)))
    return [as_alarm(row) for row in rows]


def open_alarm(session: Session, scope: str, bad: int, seen: int, organizations: int, now: datetime) -> str | None:
    """Open the alarm of that scope and return its id; None when one is open already."""
    alarm_id = new_id("flt")
    new = insert_new(
        session,
        FleetAlarmRow,
        id=alarm_id,
        scope=scope,
        opened_at=now,
        bad=bad,
        seen=seen,
        organizations=organizations,
    )
    return alarm_id if new else None


def find(session: Session, alarm_id: str) -> FleetAlarm | None:
    """Return the alarm as it is now."""
    statement = select(FleetAlarmRow).where(FleetAlarmRow.id == alarm_id).execution_options(populate_existing=True)
    row = session.exec(statement).first()
    return as_alarm(row) if row else None


def count_again(session: Session, alarm_id: str, bad: int, seen: int, organizations: int) -> None:
    """Note how many stand badly now."""
    which = col(FleetAlarmRow.id) == alarm_id
    values = {"bad": bad, "seen": seen, "organizations": organizations}
    session.connection().execute(update(FleetAlarmRow).where(which).values(**values))


def close(session: Session, alarm_id: str, now: datetime) -> bool:
    """End the alarm; return whether this one did."""
    which = (col(FleetAlarmRow.id) == alarm_id, col(FleetAlarmRow.closed_at).is_(None))
    return won(session, update(FleetAlarmRow).where(*which).values(closed_at=now))


def count_outcome(session: Session, alarm_id: str, *, released: bool) -> None:
    """Count an alarm of a customer that waited: told after all, or not needed any more."""
    column = FleetAlarmRow.released if released else FleetAlarmRow.dropped
    values = {"released" if released else "dropped": column + 1}
    session.connection().execute(update(FleetAlarmRow).where(col(FleetAlarmRow.id) == alarm_id).values(**values))


def waited_for(session: Session) -> list[str]:
    """Return the ids of the alarms, open or not, for which incidents wait."""
    statement = (
        select(IncidentRow.held_by)
        .where(col(IncidentRow.held_by).is_not(None), col(IncidentRow.resolved_at).is_(None))
        .distinct()
    )
    return [held_by for held_by in session.exec(statement) if held_by is not None]


def last_closed(session: Session, scope: str, since: datetime) -> FleetAlarm | None:
    """Return the alarm of that scope that ended last, since then."""
    statement = (
        select(FleetAlarmRow)
        .where(FleetAlarmRow.scope == scope, col(FleetAlarmRow.closed_at) >= since)
        .order_by(col(FleetAlarmRow.closed_at).desc())
    )
    row = session.exec(statement).first()
    return as_alarm(row) if row else None


def as_alarm(row: FleetAlarmRow) -> FleetAlarm:
    """Turn a row into a fact."""
    return FleetAlarm(
        id=row.id,
        scope=row.scope,
        opened_at=row.opened_at,
        bad=row.bad,
        seen=row.seen,
        organizations=row.organizations,
        closed_at=row.closed_at,
        released=row.released,
        dropped=row.dropped,
    )
