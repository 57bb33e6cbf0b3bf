"""Deadlines: rows with a due time, claimed by a guarded update, so that none fires twice and none is lost."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DeadlineRow, RunRow


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that is due."""

    id: str
    organization_id: str
    kind: str
    subject: str
    due_at: datetime


def add(session: Session, organization_id: str, kind: str, subject: str, due_at: datetime) -> None:
    """Open a deadline; one per kind and subject."""
    deadline_id = derived_id("due", kind, subject)
    insert_new(
        session, DeadlineRow, id=deadline_id, organization_id=organization_id, kind=kind, subject=subject, due_at=due_at
    )


def rearm(session: Session, organization_id: str, kind: str, subject: str, due_at: datetime) -> None:
    """Let the deadline of that kind and subject be due then, whether it is new, open, or fired before."""
    which = (DeadlineRow.kind == kind) & (DeadlineRow.subject == subject)
    statement = update(DeadlineRow).where(which).values(state="open", due_at=due_at, settled_at=None)  # type: ignore[arg-type]  # a column expression
    if not won(session, statement):
        add(session, organization_id, kind, subject, due_at)


def begin(session: Session, organization_id: str, kind: str, subject: str, due_at: datetime) -> None:
    """Open a deadline unless it is open: one that is keeps its time, one that fired before comes again."""
    which = (DeadlineRow.kind == kind, DeadlineRow.subject == subject, DeadlineRow.state != "open")
    again = update(DeadlineRow).where(*which).values(state="open", due_at=due_at, settled_at=None)  # type: ignore[arg-type]  # column expressions
    if not won(session, again):
        add(session, organization_id, kind, subject, due_at)


def due(
    session: Session,
    now: datetime,
    limit: int = 100,
    *,
    of: Collection[str] | None = None,
    but: Collection[str] = (),
) -> list[Deadline]:
    """Return the open deadlines whose time has come, oldest first; of these kinds only, or of all but those."""
    # Columns, not rows: after an outage these are thousands, and the object layer would be most of the cost.
    statement = (
        select(  # type: ignore[call-overload]  # more columns than the library's overloads have
            col(DeadlineRow.id),
            col(DeadlineRow.organization_id),
            col(DeadlineRow.kind),
            col(DeadlineRow.subject),
            col(DeadlineRow.due_at),
        )
        .where(DeadlineRow.state == "open", col(DeadlineRow.due_at) <= now)
        .order_by(col(DeadlineRow.due_at))
        .limit(limit)
    )
    if of is not None:
        statement = statement.where(col(DeadlineRow.kind).in_(of))
    if but:
        statement = statement.where(col(DeadlineRow.kind).not_in(but))
    return [Deadline(*row) for row in session.exec(statement)]


def is_due(session: Session, deadline_id: str, now: datetime) -> bool:
    """Whether the deadline is still open and due: another process may have moved it a moment ago."""
    which = (DeadlineRow.id == deadline_id, DeadlineRow.state == "open", col(DeadlineRow.due_at) <= now)
    return session.exec(select(DeadlineRow.id).where(*which)).first() is not None


def fire(session: Session, deadline_id: str, now: datetime) -> bool:
    """Claim the deadline; return whether this one fires it."""
    return _settle(session, DeadlineRow.id == deadline_id, "fired", now)


def postpone(session: Session, deadline_id: str, due_at: datetime) -> bool:
    """Set a later time, because what it waits for is still under way; return whether it was open."""
    statement = (
        update(DeadlineRow)
        .where(col(DeadlineRow.id) == deadline_id, col(DeadlineRow.state) == "open")
        .values(due_at=due_at)
    )
    return won(session, statement)


def hasten(session: Session, kind: str, subject: str, now: datetime) -> bool:
    """Let the deadline be due now, because what it waits for has happened; return whether one was open."""
    which = (DeadlineRow.kind == kind, DeadlineRow.subject == subject, DeadlineRow.state == "open")
    return won(session, update(DeadlineRow).where(*which).values(due_at=now))  # type: ignore[arg-type]  # column expressions


def close(session: Session, kind: str, subject: str, now: datetime) -> bool:
    """Close the deadline because what it waited for happened."""
    return _settle(session, (DeadlineRow.kind == kind) & (DeadlineRow.subject == subject), "closed", now)


def close_of_source(session: Session, kind: str, source_id: str, now: datetime) -> None:
    """Close every open deadline of the kind that a run of the source has."""
    own = select(RunRow.id).where(RunRow.source_id == source_id)
    _settle(session, (col(DeadlineRow.kind) == kind) & col(DeadlineRow.subject).in_(own), "closed", now)


def _settle(session: Session, which: object, state: str, now: datetime) -> bool:
    statement = (
        update(DeadlineRow)
        .where(which, col(DeadlineRow.state) == "open")  # type: ignore[arg-type]  # a column expression, built above
        .values(state=state, settled_at=now)
    )
    return won(session, statement)
