"""First reads that take several runs: the newest period first, and in the end all that the company holds."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import Collected, mark, open_session
from connectors.decode import Record
from connectors.intake import Intake
from connectors.limits import Rate, Unlimited
from connectors.past import Slice, Slicing, Span
from connectors.quickbooks.company import Company
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.quickbooks.documents import TRANSFERS
from connectors.quickbooks.heads import keys_of
from connectors.quickbooks.past import MovedError, Past
from connectors.quickbooks.reading import Reader
from connectors.quickbooks.statements import ENTITIES
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from storage.facts.past import Older
from tests.connectors.equality import assert_same
from tests.connectors.worlds import QUICK, REALM, World, quickbooks_world

#: the 20th of September: months begin and end far from it
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
SMALL = Slicing(above=1000, most=250)
#: transfers of this month: more than two pages
NEW = 2200
MONTHS, EACH = 40, 20
NAME = TRANSFERS.name
TRANSFER = next(entity for entity in ENTITIES if entity.name == "Transfer")


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock(NOW - datetime.now(UTC))


@pytest.fixture
def app(clock: OffsetClock) -> QuickBooks:
    app = QuickBooks.generated(seed=5, invoices=6, clock=clock)
    new = [transfer(number, date(2026, 9, 1 + number % 20), clock) for number in range(7000, 7000 + NEW)]
    old = [
        transfer(10_000 + month * 100 + number, month_before(month + 1, 1 + number % 28), clock)
        for month in range(MONTHS)
        for number in range(EACH)
    ]
    app.books[REALM].fill("Transfer", new + old)
    clock.advance(timedelta(hours=1))
    return app


@pytest.fixture
async def world(app: QuickBooks, clock: OffsetClock) -> AsyncIterator[World]:
    limits = dataclasses.replace(QUICK, read=10, total=20)
    async with quickbooks_world(app, clock, limits=limits) as world:
        world.connector = QuickBooksConnector(SMALL)
        yield world


def transfer(number: int, on: date, clock: OffsetClock, amount: int = 5) -> dict[str, Any]:
    at = clock.now().replace(microsecond=0).isoformat()
    times = {"CreateTime": at, "LastUpdatedTime": at}
    return {"Id": str(number), "SyncToken": "0", "Amount": amount, "TxnDate": on.isoformat(), "MetaData": times}


def month_before(months: int, day: int) -> date:
    years, number = divmod(2026 * 12 + 8 - months, 12)
    return date(years, number + 1, day)


def unlike(world: World, app: QuickBooks, back_to: date = date.min) -> list[str]:
    """Return the ids that are dated that day or later and are not here as they are there, on either side."""
    theirs = {
        record["Id"]: str(record["Amount"])
        for record in app.books[REALM].truth("Transfer")
        if record["TxnDate"] >= back_to.isoformat()
    }
    ours = {
        key: f"{row['amount']:.0f}" for key, row in world.kept.rows.get(NAME, {}).items() if row["txn_date"] >= back_to
    }
    return sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))


async def to_the_end(world: World, clock: OffsetClock) -> list[Collected]:
    runs = [await world.collect()]
    while runs[-1].older:
        clock.advance(timedelta(minutes=1))
        runs.append(await world.collect())
        assert len(runs) < 12
    return runs


async def test_the_newest_period_is_in_first_and_then_ever_older_ones(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    first = await world.collect()
    assert first.older == (Older(NAME, date(2026, 9, 1), MONTHS * EACH),)
    assert NAME not in first.full
    assert len(world.kept.rows[NAME]) == NEW
    assert unlike(world, app, date(2026, 9, 1)) == []
    runs = await to_the_end(world, clock)
    starts = [one.back_to for run in runs for one in run.older]
    assert starts == [date(2025, 9, 1), date(2024, 9, 1), date(2023, 9, 1)]
    assert unlike(world, app) == []
    # Whoever has all of it goes on as ever: nothing is counted, nothing read twice.
    clock.advance(timedelta(minutes=30))
    before = len(app.journal.entries)
    await world.collect()
    assert "Transfer" not in [entry.entity for entry in app.journal.entries[before:]]


async def test_a_list_that_is_not_very_long_is_one_run_as_ever(world: World, app: QuickBooks) -> None:
    world.connector = QuickBooksConnector(Slicing(above=NEW + MONTHS * EACH, most=250))
    done = await world.collect()
    assert (done.older, NAME in done.full) == ((), True)
    assert unlike(world, app) == []


async def test_what_is_read_again_whole_is_read_in_one_run(world: World, app: QuickBooks) -> None:
    """Only a whole read shows what is gone; what is there stays until it has ended."""
    await world.collect()
    done = await world.collect({name: text for name, text in world.kept.cursors.items() if name != NAME})
    assert (done.older, NAME in done.full) == ((), True)
    assert unlike(world, app) == []


class LateStart(QuickBooksConnector):
    """The twin that follows changes from the end of the last period on."""

    async def collect(self, session: Any, cursors: Mapping[str, str], until: datetime, *how: Any) -> Collected:
        marks = {name: mark(text, until) for name, text in cursors.items()}
        begun = any(known and known.back_to for known in marks.values())
        late = {
            name: str(dataclasses.replace(known, read_to=until)) if begun and known else cursors[name]
            for name, known in marks.items()
        }
        return await super().collect(session, late, until, *how)


@pytest.mark.parametrize("connector, lost", [(QuickBooksConnector, False), (LateStart, True)])
async def test_what_happens_between_two_periods_is_not_lost(
    world: World, app: QuickBooks, clock: OffsetClock, connector: type[QuickBooksConnector], *, lost: bool
) -> None:
    world.connector = connector(SMALL)
    books = app.books[REALM]
    run = await world.collect()
    for step in range(1, 12):
        clock.advance(timedelta(hours=1))
        changed = [
            transfer(7000 + step, date(2026, 9, 3), clock, 70 + step),  # of what is in
            transfer(10_000 + 3900 + step, month_before(40, 2), clock, 70 + step),  # of what is not in yet
            transfer(7100 + step, month_before(30, 2), clock, 70 + step),  # from what is in to what is not
            transfer(10_000 + 3800 + step, date(2026, 9, 4), clock, 70 + step),  # and the other way
            transfer(20_000 + step, month_before(20 + step, 2), clock),  # made now, dated long ago
        ]
        books.fill("Transfer", changed)
        books.change(remove=[("Transfer", str(7200 + step)), ("Transfer", str(10_000 + 3700 + step))], at=clock.now())
        clock.advance(timedelta(hours=1))
        run = await world.collect()
        if not run.older:
            break
        assert (unlike(world, app, run.older[0].back_to) == []) is not lost
        if lost:
            return
    assert not run.older
    assert unlike(world, app) == []
    assert_same(world.kept, TRANSFERS, books.truth("Transfer"))


class Trusting(Reader):
    """The twin that asks for no keys before the last period."""

    async def _reconcile(self, *_: Any) -> None:
        return


@pytest.mark.parametrize("reader, seen", [(Reader, True), (Trusting, False)])
async def test_deletions_that_no_call_tells_are_seen_before_the_last_period(
    world: World, app: QuickBooks, clock: OffsetClock, reader: type[Reader], *, seen: bool
) -> None:
    """As after more than 1,000 changes of one kind between two runs: the call for changes says nothing of it then."""
    first = await world.collect()
    clock.advance(timedelta(hours=1))
    moved = [transfer(7000 + number, month_before(5, 9), clock, 77) for number in range(9)]
    app.books[REALM].fill("Transfer", moved)
    app.books[REALM].change(remove=[("Transfer", str(7200 + number)) for number in range(9)], at=clock.now())
    async with open_session(world.connector, world.access) as session:
        company = Company(session.http, REALM)
        past = Past(company, TRANSFER, SMALL, 4)
        intake = partial(Intake, TRANSFERS, world.kept.sink, lambda *_: None)
        known = mark(first.cursors[NAME], clock.now())
        found = await reader(company, TRANSFER, world.kept, intake, 4, past=past).read(known, clock.now(), None)
    assert found.cursor.back_to == "2025-09-01"
    assert (unlike(world, app, date(2025, 9, 1)) == []) is seen


class Unchecked(Past):
    """The twin that takes any page for the next one."""

    def joined(self, page: list[Record], following: list[Record]) -> bool:
        return True


@pytest.mark.parametrize("reader, noticed", [(Past, True), (Unchecked, False)])
async def test_pages_that_shift_are_noticed(
    world: World, app: QuickBooks, clock: OffsetClock, reader: type[Past], *, noticed: bool
) -> None:
    """What leaves the period lets the first record of the next page slip onto the page that was read already."""
    period = Slice(Span(date(2026, 9, 1)), NEW, 0)
    seen: set[str] = set()
    moved = False
    async with open_session(world.connector, world.access) as session:
        past = reader(Company(session.http, REALM), TRANSFER, SMALL, 1)
        try:
            async for page in past.pages(period):
                if not seen:
                    gone = [transfer(number, month_before(9, 9), clock) for number in range(7000, 7005)]
                    app.books[REALM].fill("Transfer", gone)
                seen.update(keys_of(page))
        except MovedError:
            moved = True
    assert moved is noticed
    assert moved or "8000" not in seen


async def test_a_period_that_shifted_is_read_again(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    def move() -> None:
        gone = [transfer(number, month_before(9, 9), clock) for number in range(7000, 7005)]
        app.books[REALM].fill("Transfer", gone)

    limits = dataclasses.replace(world.access.settings.limits, connections=1)
    settings = dataclasses.replace(world.access.settings, limits=limits)
    world.access = dataclasses.replace(world.access, limiter=AfterPages(app, 2, move), settings=settings)
    await world.collect()
    assert unlike(world, app, date(2026, 9, 1)) == []
    world.access = dataclasses.replace(world.access, limiter=Unlimited())
    await to_the_end(world, clock)
    assert unlike(world, app) == []


class AfterPages(Unlimited):
    """Does something once, before the call that follows so many pages of transfers."""

    def __init__(self, app: QuickBooks, pages: int, work: Callable[[], None]) -> None:
        super().__init__()
        self._journal, self._pages = app.journal, pages
        self._work: Callable[[], None] | None = work

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        entries = [(entry.operation, entry.entity) for entry in self._journal.entries]
        if self._work is not None and entries.count(("query", "Transfer")) == self._pages:
            work, self._work = self._work, None
            work()
        return await super().reserve(key, rate, cost)
