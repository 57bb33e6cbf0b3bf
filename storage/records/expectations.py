"""The ledger of what is expected: opened by what makes it due, closed by what meets it, swept by its alarm time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from storage.facts.expectations import Expectation, ExpectationKind, ExpectationState, Expected, ReportSum
from storage.facts.ids import derived_id
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import DeliveryRow, ExpectationRow

_EXPECTED = col(ExpectationRow.state) == ExpectationState.EXPECTED
_UNSETTLED = col(ExpectationRow.settled_at).is_(None)


def expect(session: Session, wanted: Expected) -> bool:
    """Open an expectation; return whether it is new."""
    return _add(session, wanted, ExpectationState.EXPECTED, None)


def note_missed(session: Session, wanted: Expected, now: datetime) -> bool:
    """Write down the absence of something whose own row says when it was due; return whether it is new."""
    return _add(session, wanted, ExpectationState.MISSED, now)


def meet(session: Session, kind: ExpectationKind, subject: str, until: datetime, now: datetime) -> None:
    """Close what was expected of the subject by then: met in its time, or missed and made up."""
    mine = (ExpectationRow.kind == kind, ExpectationRow.subject == subject, _UNSETTLED)
    open_rows = session.exec(select(ExpectationRow.id, ExpectationRow.alarm_at, ExpectationRow.state).where(
        *mine, col(ExpectationRow.due_at) <= until
    )).all()  # fmt: skip
    for row_id, alarm_at, state in open_rows:
        in_time = state == ExpectationState.EXPECTED and now <= alarm_at
        if in_time:
            _settle(session, row_id, now, state=ExpectationState.MET)
        elif state == ExpectationState.EXPECTED:
            _settle(session, row_id, now, state=ExpectationState.MISSED, missed_at=now)
        else:
            _settle(session, row_id, now)


def void(session: Session, expectation_id: str, now: datetime) -> bool:
    """Wait for it no more; what is missed already is settled by that. Return whether it was open."""
    values = (col(ExpectationRow.id) == expectation_id, _UNSETTLED)
    missed = update(ExpectationRow).where(*values, ~_EXPECTED).values(settled_at=now)
    dropped = update(ExpectationRow).where(*values).values(state=ExpectationState.VOID, settled_at=now)
    return won(session, missed) or won(session, dropped)


def met(session: Session, expectation_id: str, now: datetime) -> bool:
    """Close one that happened; return whether it was open and in time."""
    return _settle(session, expectation_id, now, state=ExpectationState.MET)


def postpone(session: Session, expectation_id: str, alarm_at: datetime) -> bool:
    """Look again later, because what it waits for is held up by something that has a time of its own."""
    return _change(session, expectation_id, _EXPECTED, alarm_at=alarm_at)


def miss(session: Session, expectation_id: str, now: datetime) -> bool:
    """Claim the absence; return whether this one did, of all who saw it."""
    return _change(session, expectation_id, _EXPECTED, state=ExpectationState.MISSED, missed_at=now)


def beat(session: Session, wanted: Expected) -> None:
    """Push the next beat of a process; one that was missed meanwhile is made up, and a new one is expected."""
    moved = (
        update(ExpectationRow)
        .where(col(ExpectationRow.kind) == wanted.kind, col(ExpectationRow.subject) == wanted.subject, _EXPECTED)
        .values(due_at=wanted.due_at, alarm_at=wanted.alarm_at)
    )
    if not won(session, moved):
        meet(session, wanted.kind, wanted.subject, wanted.due_at, wanted.due_at)
        expect(session, wanted)


def due(session: Session, now: datetime, limit: int = 200) -> list[Expectation]:
    """Return what should have happened by now, oldest first."""
    statement = select(ExpectationRow).where(_EXPECTED, col(ExpectationRow.alarm_at) <= now)
    return _facts(session, statement.order_by(col(ExpectationRow.alarm_at)).limit(limit))


def kinds_missed(session: Session) -> list[ExpectationKind]:
    """Return the kinds of what did not happen and nobody was told of."""
    statement = select(ExpectationRow.kind).where(ExpectationRow.state == ExpectationState.MISSED).distinct()
    return sorted(map(ExpectationKind, session.exec(statement)))


def first_missed(session: Session, kind: ExpectationKind) -> str | None:
    """Return the id of the oldest of that kind that nobody was told of."""
    statement = select(ExpectationRow.id).where(
        ExpectationRow.state == ExpectationState.MISSED, ExpectationRow.kind == kind
    )
    return session.exec(statement.order_by(col(ExpectationRow.alarm_at), ExpectationRow.id).limit(1)).first()


def still_missing(session: Session, limit: int = 500) -> list[Expectation]:
    """Return what support was told of and has not come yet."""
    statement = select(ExpectationRow).where(ExpectationRow.state == ExpectationState.REPORTED, _UNSETTLED)
    return _facts(session, statement.order_by(col(ExpectationRow.alarm_at)).limit(limit))


def of_subject(session: Session, kind: ExpectationKind, subject: str) -> list[Expectation]:
    """Return everything that was expected of the subject, oldest first."""
    statement = select(ExpectationRow).where(ExpectationRow.kind == kind, ExpectationRow.subject == subject)
    return _facts(session, statement.order_by(col(ExpectationRow.due_at)))


def unsettled(session: Session, kind: ExpectationKind, subjects: Collection[str]) -> dict[str, list[Expectation]]:
    """Return what is open of these subjects, missed or not yet due."""
    found: dict[str, list[Expectation]] = {}
    if subjects:
        statement = select(ExpectationRow).where(ExpectationRow.kind == kind, _UNSETTLED)
        for one in _facts(session, statement.where(col(ExpectationRow.subject).in_(subjects))):
            found.setdefault(one.subject, []).append(one)
    return found


def open_of(session: Session, kind: ExpectationKind) -> list[Expectation]:
    """Return what is open of a kind of which there are few."""
    return _facts(session, select(ExpectationRow).where(ExpectationRow.kind == kind, _UNSETTLED))


def any_of(session: Session, kind: ExpectationKind, slot: str) -> bool:
    """Whether anything of that slot was ever expected, of a kind of which there are few."""
    found = select(ExpectationRow.id).where(ExpectationRow.kind == kind, ExpectationRow.slot == slot)
    return session.exec(found.limit(1)).first() is not None


def count_missed(session: Session, since: datetime) -> int:
    """Return how much was missed since then, of all kinds."""
    states = (ExpectationState.MISSED, ExpectationState.REPORTED)
    statement = select(func.count()).where(col(ExpectationRow.state).in_(states), col(ExpectationRow.alarm_at) >= since)
    return session.exec(statement).one()


def sum_of(session: Session, report_id: str) -> ReportSum | None:
    """Add up what one report speaks of; None where there is nothing."""
    one = ExpectationRow
    statement = select(  # type: ignore[call-overload]  # more columns than the library's overloads have
        one.kind,
        func.count(),
        func.count(col(one.settled_at)),
        func.max(one.settled_at),
        func.min(one.due_at),
        func.max(one.due_at),
    )
    row = session.exec(statement.where(one.report_id == report_id).group_by(one.kind)).first()
    return ReportSum(ExpectationKind(row[0]), *row[1:]) if row is not None else None


def count_of(session: Session, report_id: str) -> int:
    """Return of how much one report speaks."""
    return session.exec(select(func.count()).where(ExpectationRow.report_id == report_id)).one()


def sources_of(session: Session, report_id: str, since: datetime | None, limit: int) -> tuple[list[str], int]:
    """Return the sources that a report is about, those due first in front, and how many there are.

    With `since` only those of what was missed after it.
    """
    which = _of_report(report_id, since, col(ExpectationRow.source_id).is_not(None))
    first = select(ExpectationRow.source_id).where(*which).group_by(col(ExpectationRow.source_id))
    found = session.exec(
        first.order_by(func.min(ExpectationRow.due_at), col(ExpectationRow.source_id)).limit(limit)
    ).all()
    count = session.exec(select(func.count(func.distinct(ExpectationRow.source_id))).where(*which)).one()
    return [source_id for source_id in found if source_id is not None], count


def messages_of(session: Session, report_id: str, since: datetime | None) -> tuple[tuple[str, int], ...]:
    """Return the kinds of the messages that a report is about with their numbers, most first; or since then."""
    statement = (
        select(DeliveryRow.kind, func.count())
        .join(ExpectationRow, col(ExpectationRow.subject) == DeliveryRow.id)
        .where(*_of_report(report_id, since, ExpectationRow.kind == ExpectationKind.DELIVERY))
        .group_by(DeliveryRow.kind)
    )
    return tuple(session.exec(statement.order_by(func.count().desc(), DeliveryRow.kind)).all())


def another_company_joined(session: Session, report_id: str, since: datetime) -> bool:
    """Whether a report is, since then, about a company that it was not about before; or about nobody's."""
    first = func.min(ExpectationRow.missed_at)
    statement = (
        select(first)
        .where(ExpectationRow.report_id == report_id)
        .group_by(col(ExpectationRow.organization_id))
        .having(first > since)
    )
    return session.exec(statement.limit(1)).first() is not None


def report(session: Session, kind: ExpectationKind, report_id: str) -> int:
    """Put under a report what nobody was told of; return how much that was."""
    told = update(ExpectationRow).where(
        col(ExpectationRow.state) == ExpectationState.MISSED, col(ExpectationRow.kind) == kind
    )
    values = told.values(state=ExpectationState.REPORTED, report_id=report_id)
    return session.connection().execute(values).rowcount


def _of_report(report_id: str, since: datetime | None, *more: Any) -> tuple[Any, ...]:
    which = (ExpectationRow.report_id == report_id, *more)
    return which if since is None else (*which, col(ExpectationRow.missed_at) > since)


def clock_beat(session: Session) -> datetime | None:
    """Return when the next beat of the clock that beat last is due; None when none beats."""
    statement = select(func.max(ExpectationRow.due_at)).where(
        ExpectationRow.kind == ExpectationKind.HEARTBEAT,
        col(ExpectationRow.state) != ExpectationState.VOID,
    )
    return session.exec(statement).one()


def oldest_alarm(session: Session) -> datetime | None:
    """Return the earliest alarm time of everything that is still expected."""
    return session.exec(select(func.min(ExpectationRow.alarm_at)).where(_EXPECTED)).one()


def any_old(session: Session, before: datetime) -> bool:
    """Whether there is anything for `forget_met`, without the write lock."""
    states = (ExpectationState.MET, ExpectationState.VOID)
    old = select(ExpectationRow.id).where(col(ExpectationRow.state).in_(states), col(ExpectationRow.alarm_at) < before)
    return session.exec(old.limit(1)).first() is not None


def is_open(session: Session, report_id: str) -> bool:
    """Whether anything that the report speaks of is still missing."""
    found = select(ExpectationRow.id).where(ExpectationRow.report_id == report_id, _UNSETTLED)
    return session.exec(found.limit(1)).first() is not None


def forget_met(session: Session, before: datetime, limit: int = 1000) -> int:
    """Remove what happened in its time, of which its run or message is the evidence; return how many."""
    states = (ExpectationState.MET, ExpectationState.VOID)
    old = (
        select(ExpectationRow.id)
        .where(col(ExpectationRow.state).in_(states), col(ExpectationRow.alarm_at) < before)
        .limit(limit)
    )
    return session.connection().execute(delete(ExpectationRow).where(col(ExpectationRow.id).in_(old))).rowcount


def _add(session: Session, wanted: Expected, state: ExpectationState, missed_at: datetime | None) -> bool:
    return insert_new(
        session,
        ExpectationRow,
        id=derived_id("exp", wanted.kind, wanted.subject, wanted.slot),
        kind=wanted.kind,
        subject=wanted.subject,
        slot=wanted.slot,
        due_at=wanted.due_at,
        alarm_at=wanted.alarm_at,
        organization_id=wanted.organization_id,
        source_id=wanted.source_id,
        state=state,
        missed_at=missed_at,
    )


def _settle(session: Session, expectation_id: str, now: datetime, **values: object) -> bool:
    which = _EXPECTED if values else ~_EXPECTED
    return _change(session, expectation_id, which, settled_at=now, **values)


def _change(session: Session, expectation_id: str, which: Any, **values: object) -> bool:
    statement = update(ExpectationRow).where(col(ExpectationRow.id) == expectation_id, which, _UNSETTLED)
    return won(session, statement.values(**values))


def _facts(session: Session, statement: Any) -> list[Expectation]:
    rows: Sequence[ExpectationRow] = session.exec(statement).all()
    return [
        Expectation(
            id=row.id,
            kind=ExpectationKind(row.kind),
            subject=row.subject,
            slot=row.slot,
            due_at=row.due_at,
            alarm_at=row.alarm_at,
            organization_id=row.organization_id,
            source_id=row.source_id,
            state=ExpectationState(row.state),
            missed_at=row.missed_at,
            settled_at=row.settled_at,
            report_id=row.report_id,
        )
        for row in rows
    ]
