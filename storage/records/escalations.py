"""What support is called about: a refresh that people wait for, or a first read that nobody asked for (a run)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from storage.facts.runs import Run
from storage.records import refreshes, runs
from storage.records.guarded import won
from storage.tables import RefreshRow, RunRow


@dataclass(frozen=True, slots=True)
class Escalated:
    """How the thing that a support post names stands."""

    organization_id: str
    #: None: support was not called about it
    escalated_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    finished_at: datetime | None


def is_run(subject: str) -> bool:
    """Whether the subject is a run rather than a refresh; our ids say what they name."""
    return subject.startswith("run_")


def find(session: Session, subject: str) -> Escalated | None:
    """Return how it stands, whosever it is; for support, who are authorized by the post that names it."""
    row: RefreshRow | RunRow | None
    if is_run(subject):
        row = session.get(RunRow, subject, populate_existing=True)
    else:
        row = session.get(RefreshRow, subject, populate_existing=True)
    if row is None:
        return None
    return Escalated(
        organization_id=row.organization_id,
        escalated_at=row.escalated_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        finished_at=row.finished_at,
    )


def runs_of(session: Session, subject: str) -> list[Run]:
    """Return the runs that it is about."""
    if is_run(subject):
        return [runs.run(session, subject)]
    return [run for _, run, _ in refreshes.runs_of(session, subject)]


def mark(session: Session, subject: str, now: datetime) -> bool:
    """Note that support is called; return whether this one is the first, and it is not over."""
    table = _table(subject)
    statement = (
        update(table)
        .where(col(table.id) == subject, col(table.escalated_at).is_(None), col(table.finished_at).is_(None))
        .values(escalated_at=now)
    )
    return won(session, statement)


def acknowledge(session: Session, subject: str, name: str, now: datetime) -> bool:
    """Note who in support took it on; only the first, and only while it is not over."""
    table = _table(subject)
    statement = (
        update(table)
        .where(
            col(table.id) == subject,
            col(table.acknowledged_at).is_(None),
            col(table.finished_at).is_(None),
            col(table.escalated_at).is_not(None),
        )
        .values(acknowledged_at=now, acknowledged_by=name)
    )
    return won(session, statement)


def _table(subject: str) -> type[RefreshRow] | type[RunRow]:
    return RunRow if is_run(subject) else RefreshRow
