"""Thousands of deadlines in one instant: none holds up an escalation, nor another that cannot be fired."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func
from sqlmodel import col, select

from jobs.draining import BUDGET, TOGETHER, Draining
from storage.facts.clock import OffsetClock
from storage.records import deadlines
from storage.records.deadlines import Deadline
from storage.sessions import Database, Session
from storage.tables import DeadlineRow, OrganizationRow

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
#: what a late source costs here, on the tests' clock
COST = timedelta(milliseconds=5)
COUNT = 10_000 if os.environ.get("SOAK") else 600
#: so many fit into one look, and the transaction that was begun before its end
A_LOOK = int(BUDGET / COST) + TOGETHER


class Book:
    """Fires by claiming, on a clock that each one moves, and counts the transactions."""

    def __init__(self, database: Database, *, broken: str = "") -> None:
        self.database, self.broken = database, broken
        self.clock = OffsetClock(base=lambda: NOON)
        self.fired: list[str] = []
        self.commits = 0
        event.listen(database.engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self.commits += 1

    def fire(self, session: Session, deadline: Deadline, now: datetime) -> None:
        if deadline.subject == self.broken:
            raise KeyError(deadline.subject)
        if deadlines.fire(session, deadline.id, now):
            self.fired.append(deadline.subject)
            self.clock.advance(COST)

    def left(self, now: datetime) -> int:
        open_ones = (col(DeadlineRow.state) == "open", col(DeadlineRow.due_at) <= now)
        statement = select(func.count()).select_from(DeadlineRow).where(*open_ones)
        return self.database.in_read(lambda session: session.exec(statement).one())


def late(database: Database, count: int) -> None:
    """Write that many late sources of companies with forty each, and one escalation that became due in their middle."""

    def row(number: int, kind: str = "lateness") -> dict[str, object]:
        due_at = NOON - timedelta(seconds=count - number)
        subject = f"{kind}.{number}"
        return {"id": f"due_{subject}", "organization_id": f"org_{number // 40}", "kind": kind, "subject": subject,
                "due_at": due_at, "state": "open"}  # fmt: skip

    def write(session: Session) -> None:
        companies = [{"id": f"org_{number}", "name": "A company", "timezone": "UTC", "created_at": NOON}
                     for number in range(count // 40 + 1)]  # fmt: skip
        session.connection().execute(OrganizationRow.__table__.insert(), companies)  # type: ignore[attr-defined]  # SQLModel's declared table
        rows = [*map(row, range(count)), row(count // 2, "escalation")]
        session.connection().execute(DeadlineRow.__table__.insert(), rows)  # type: ignore[attr-defined]  # SQLModel's declared table

    database.in_write(write)


@pytest.mark.parametrize("urgent, first", [({"escalation"}, True), (set[str](), False)], ids=["first", "in order"])
async def test_an_escalation_fires_in_the_next_look_however_many_are_late(
    database: Database, urgent: set[str], *, first: bool
) -> None:
    late(database, COUNT)
    book = Book(database)
    draining = Draining(database, book.clock, book.fire, urgent=urgent)
    await draining.sweep()
    # The twin, to which all are the same, fires the oldest of the late ones and nothing else.
    assert (book.fired[0] == f"escalation.{COUNT // 2}") is first
    assert (f"escalation.{COUNT // 2}" in book.fired) is first
    assert 0 < len(book.fired) <= A_LOOK + 1


async def test_what_is_late_goes_by_companies_and_a_look_takes_its_time_and_no_more(sqlite_database: Database) -> None:
    late(sqlite_database, COUNT)
    book = Book(sqlite_database)
    draining = Draining(sqlite_database, book.clock, book.fire, urgent={"escalation"})
    looks = 0
    while book.left(NOON):
        await draining.sweep()
        looks += 1
        assert len(book.fired) <= looks * A_LOOK + 1
    assert len(book.fired) == len(set(book.fired)) == COUNT + 1
    assert looks <= COUNT / (A_LOOK - TOGETHER) + 1
    assert book.commits <= COUNT / TOGETHER + 2


class InOneGo(Draining):
    """The twin: one that cannot be fired ends the look."""

    async def sweep(self) -> None:
        for one in self._database.in_read(lambda session: deadlines.due(session, NOON)):
            self._database.in_write(lambda session, one=one: self._fire(session, one, NOON))  # type: ignore[misc]  # a default keeps the loop's value


@pytest.mark.parametrize("kind, rest", [(Draining, 79), (InOneGo, 0)])
async def test_one_that_cannot_be_fired_holds_up_no_other(
    sqlite_database: Database, kind: type[Draining], rest: int, caplog: pytest.LogCaptureFixture
) -> None:
    late(sqlite_database, 80)
    book = Book(sqlite_database, broken="lateness.0")
    draining = kind(sqlite_database, book.clock, book.fire, urgent={"escalation"})
    if kind is InOneGo:
        with pytest.raises(KeyError):
            await draining.sweep()
        assert len(book.fired) == rest
        return
    await draining.sweep()
    assert len(set(book.fired)) == rest + 1
    assert book.left(NOON) == 0
    book.broken = ""
    book.clock.advance(timedelta(minutes=1))
    await draining.sweep()
    assert "lateness.0" in book.fired
