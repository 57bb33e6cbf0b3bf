"""Collections against the QuickBooks stand-in: what is kept is what the company holds, through every change."""

import dataclasses
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import OVERLAP, Mark, mark, open_session
from connectors.errors import ConnectorError
from connectors.intake import Intake
from connectors.limits import MemoryLimiter, Rate, Unlimited
from connectors.quickbooks.changes import Changed
from connectors.quickbooks.company import Company
from connectors.quickbooks.general_ledger import quarters
from connectors.quickbooks.reading import Reader, Reading
from connectors.quickbooks.reports import DAILY_REPORTS, REPORTS
from connectors.quickbooks.statements import ENTITIES
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from tests.connectors.equality import assert_same, raw_of
from tests.connectors.worlds import QUICK, REALM, World, quickbooks_world

BY_NAME = {entity.name: entity for entity in ENTITIES}


@pytest.fixture
def clock() -> OffsetClock:
    """It is noon today: hours may pass without a new day, on which reports are read again."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0)
    return OffsetClock(noon - datetime.now(UTC))


@pytest.fixture
def app(clock: OffsetClock) -> QuickBooks:
    return QuickBooks.generated(seed=5, invoices=60, documents=3, clock=clock)


@pytest.fixture
async def world(app: QuickBooks, clock: OffsetClock) -> AsyncIterator[World]:
    async with quickbooks_world(app, clock) as world:
        yield world


def assert_true(world: World, app: QuickBooks) -> None:
    for entity in ENTITIES:
        assert_same(world.kept, entity.shape, app.books[REALM].truth(entity.name))


async def test_first_read_keeps_every_record_as_it_is(world: World, app: QuickBooks) -> None:
    before = world.clock.now()
    done = await world.collect()
    assert_true(world, app)
    assert done.source_as_of >= before
    later = {*(report.stream.name for report in DAILY_REPORTS), "general_ledger", "exchange_rates"}
    assert set(done.full) == {stream.name for stream in world.connector.streams} - later
    truth = {record["Id"]: record for record in app.books[REALM].truth("Invoice")}
    assert {key: raw_of(row) for key, row in world.kept.rows["invoices"].items()} == truth
    assert not app.journal.mutating()
    assert ("invoices", 60, 60) in world.told


async def test_changes_of_many_rounds_are_followed(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    await world.collect()
    for seed in range(6):
        clock.advance(timedelta(minutes=7))
        app.books[REALM].mutate(seed=seed, new=4, changed=5, deleted=2, voided=1, deactivated=1, documents=17)
        clock.advance(timedelta(minutes=50))
        done = await world.collect()
        assert_true(world, app)
        assert "invoices" not in done.full
        # all accounts, all changes, the work noted, two reports: however many kinds of records there are
        assert done.reads == 5 + (len(DAILY_REPORTS) + len(quarters(clock.now().date())) if seed == 0 else 0)


async def test_a_deletion_alone_is_noticed_without_asking_for_reports_twice(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    await world.collect()
    clock.advance(timedelta(hours=1))
    change = app.books[REALM].mutate(seed=1, new=0, changed=0, deleted=3)
    assert change.deleted
    await world.collect()
    assert_true(world, app)
    clock.advance(timedelta(hours=1))
    # all accounts, all changes, and the work noted, of which the call for changes does not tell
    assert (await world.collect()).reads == 3


async def test_an_entity_without_records_costs_one_call(clock: OffsetClock) -> None:
    app = QuickBooks.generated(seed=5, invoices=10, clock=clock)
    async with quickbooks_world(app, clock) as world:
        done = await world.collect()
    assert done.reads == len(ENTITIES) + len(REPORTS)


async def test_a_full_answer_about_changes_is_asked_for_by_halves(clock: OffsetClock) -> None:
    """1,000 records may be more: each half is asked for, and the entity that fills an answer alone is queried."""
    app = QuickBooks.generated(seed=6, invoices=8, documents=1, clock=clock)
    books = app.books[REALM]
    async with quickbooks_world(app, clock, limits=dataclasses.replace(QUICK, read=5, total=10)) as world:
        books.fill("Transfer", [_transfer(number, clock) for number in range(5000, 6004)])
        await world.collect()
        clock.advance(timedelta(hours=1))
        books.fill("Transfer", [_transfer(number, clock) for number in range(5002, 6006)])
        books.change(remove=[("Transfer", "5000"), ("Transfer", "5777")], at=clock.now())
        books.mutate(seed=1, new=3, documents=18)
        clock.advance(timedelta(hours=1))
        before = len(app.journal.entries)
        await world.collect()
        assert_true(world, app)
        asked = [(entry.operation, entry.entity) for entry in app.journal.entries[before:]]
        assert asked.count(("cdc", "")) > 2
        assert {entity for operation, entity in asked if operation in {"query", "count"}} == {
            "Account", "Transfer", "TimeActivity",
        }  # fmt: skip


def _transfer(number: int, clock: OffsetClock) -> dict[str, Any]:
    at = clock.now().replace(microsecond=0).isoformat()
    return {
        "Id": str(number),
        "SyncToken": "0",
        "Amount": number,
        "TxnDate": at[:10],
        "MetaData": {"CreateTime": at, "LastUpdatedTime": at},
    }


async def test_a_merged_name_that_changes_do_not_tell_is_gone_the_next_day(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    await world.collect()
    books = app.books[REALM]
    books.set_records("Vendor", books.truth("Vendor")[1:])
    books.tables["Vendor"].gone.clear()
    clock.advance(timedelta(hours=1))
    await world.collect()
    with pytest.raises(AssertionError):
        assert_true(world, app)
    clock.advance(timedelta(hours=12))
    world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
    await world.collect()
    assert_true(world, app)


async def test_small_lists_and_settings_are_read_once_a_day(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    await world.collect()
    books = app.books[REALM]
    books.set_records("TaxRate", [record | {"Name": "Oregon"} for record in books.truth("TaxRate")])
    clock.advance(timedelta(hours=1))
    assert "tax_rates" not in (await world.collect()).cursors
    clock.advance(timedelta(hours=12))
    world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
    done = await world.collect()
    assert {"tax_rates", "preferences"} <= {*done.full} & {*done.keep_cursors}
    assert_true(world, app)


async def test_changes_that_quickbooks_refuses_to_tell_are_queried(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    await world.collect()
    app.script.add(Rule(Kind.FAULT, operation="cdc", code="4001", times=None))
    clock.advance(timedelta(hours=1))
    app.books[REALM].mutate(seed=4, new=3, changed=3, deleted=2, documents=9)
    clock.advance(timedelta(minutes=20))
    await world.collect()
    assert_true(world, app)


async def test_reports_are_read_after_a_change_only(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    first = await world.collect()
    assert reports_read(app) == ["ProfitAndLoss", "BalanceSheet"]
    clock.advance(timedelta(hours=1))
    quiet = await world.collect()
    assert len(reports_read(app)) == 2
    assert "profit_and_loss" not in quiet.full
    assert {key: quiet.cursors[key] for key in ("profit_and_loss",)} == {
        "profit_and_loss": first.cursors["profit_and_loss"]
    }
    app.books[REALM].mutate(seed=2, new=1, changed=0, deleted=0)
    clock.advance(timedelta(hours=1))
    moved = await world.collect()
    assert len(reports_read(app)) == 4
    assert {"profit_and_loss", "balance_sheet"} <= set(moved.full)
    assert {"profit_and_loss", "balance_sheet"} <= set(moved.keep_cursors)


async def test_reports_are_read_again_when_only_a_balance_moved(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    """A purchase is of a kind that is not read; the balance of the account that paid it tells."""
    await world.collect()
    accounts = app.books[REALM].truth("Account")
    paid = [
        {**record, "CurrentBalance": record["CurrentBalance"] - 5} if n == 0 else record
        for n, record in enumerate(accounts)
    ]
    app.books[REALM].set_records("Account", paid)
    clock.advance(timedelta(hours=1))
    await world.collect()
    assert len(reports_read(app)) == 4


async def test_reports_are_read_again_on_a_new_day(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    await world.collect()
    clock.advance(timedelta(hours=13))
    world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
    await world.collect()
    assert len(reports_read(app)) == 4


def reports_read(app: QuickBooks) -> list[str]:
    """The reports that are read after each change."""
    read = [entry for entry in app.journal.entries if entry.operation == "report"]
    return [entry.entity for entry in read if "Accrual" in entry.detail and "Month" in entry.detail]


async def test_reports_of_the_day_come_with_the_second_collection(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    await world.collect()
    names = {*(report.stream.name for report in DAILY_REPORTS), "general_ledger"}
    assert not names & set(world.kept.rows)
    clock.advance(timedelta(hours=1))
    assert names <= set((await world.collect()).full)
    clock.advance(timedelta(hours=1))
    assert not names & set((await world.collect()).full)
    clock.advance(timedelta(hours=10))
    world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
    assert names <= set((await world.collect()).full)


async def test_after_a_month_everything_is_read_again(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    await world.collect()
    clock.advance(timedelta(days=31))
    world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
    app.oauth.access_lifetime = timedelta(days=90)
    grant = app.oauth.grant(REALM)
    world.tokens.tokens = dataclasses.replace(
        world.tokens.tokens, access=type(world.tokens.tokens.access)(grant.access_token)
    )
    assert "invoices" in (await world.collect()).full
    assert_true(world, app)


async def test_every_metered_read_is_counted(app: QuickBooks, clock: OffsetClock) -> None:
    limiter = MemoryLimiter(clock)
    async with quickbooks_world(app, clock, limiter=limiter) as world:
        done = await world.collect()
    sent = [entry for entry in app.journal.entries if entry.operation != "token"]
    assert limiter.reads[f"quickbooks:{REALM}"] == done.reads == len(sent)


class Meddler(Unlimited):
    """Lets the company work on while it is read: runs something before the n-th call."""

    def __init__(self, at: int, work: Callable[[], object]) -> None:
        super().__init__()
        self._at = at
        self._work = work
        self.calls = 0

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        if rate.burst == 10:
            self.calls += 1
            if self.calls == self._at:
                self._work()
        return 0.0


class AfterPage(Unlimited):
    """Runs something once, after the next first page of an entity and before its second."""

    def __init__(self, app: QuickBooks, entity: str, work: Callable[[], object]) -> None:
        super().__init__()
        self._journal = app.journal
        self._from = len(app.journal.entries)
        self._entity = entity
        self._work: Callable[[], object] | None = work

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        seen = any((e.operation, e.entity) == ("query", self._entity) for e in self._journal.entries[self._from :])
        if seen and self._work is not None:
            self._work()
            self._work = None
        return 0.0


@pytest.mark.parametrize("at", [6, 7, 8, 9] if os.environ.get("SOAK") else [6, 9])
async def test_what_happens_during_the_first_read_is_in_it(clock: OffsetClock, at: int) -> None:
    app = QuickBooks.generated(seed=6, invoices=1100, clock=clock)
    books = app.books[REALM]
    limits = dataclasses.replace(QUICK, connections=1, read=5, total=10)
    work = partial(books.mutate, seed=3, new=4, changed=6, deleted=5)
    async with quickbooks_world(app, clock, limiter=Meddler(at, work), limits=limits) as world:
        await world.collect()
        # what changed in a list that was already read is for the next collection; nothing may be lost until then
        await world.collect()
        assert_true(world, app)


async def test_a_window_of_several_pages_that_moves_is_read_again(clock: OffsetClock) -> None:
    app = QuickBooks.generated(seed=6, invoices=8, clock=clock)
    books = app.books[REALM]
    async with quickbooks_world(app, clock, limits=dataclasses.replace(QUICK, read=5, total=10)) as world:
        await world.collect()
        clock.advance(timedelta(hours=1))
        books.fill("Transfer", [_transfer(number, clock) for number in range(5000, 6500)])
        clock.advance(timedelta(minutes=5))

        def meddle() -> None:
            books.fill("Transfer", [_transfer(number, clock) for number in range(6500, 6520)])
            books.change(remove=[("Transfer", "5000"), ("Transfer", "5777")], at=clock.now())

        world.access = dataclasses.replace(world.access, limiter=AfterPage(app, "Transfer", meddle))
        before = len(app.journal.entries)
        await world.collect()
        asked = [(entry.operation, entry.entity) for entry in app.journal.entries[before:]]
        assert asked.count(("query", "Transfer")) > 3
        assert_true(world, app)


class NoOverlap(Reader):
    """The twin that trusts the cursor to the second."""

    async def read(self, since: Mark | None, until: datetime, changed: Changed | None = None) -> Reading:
        moved = None if since is None else dataclasses.replace(since, read_to=since.read_to + OVERLAP)
        return await super().read(moved, until, changed)


@pytest.mark.parametrize("reader, seen", [(Reader, "seen"), (NoOverlap, "lost")])
async def test_a_change_that_shows_late_is_queried_thanks_to_the_overlap(
    world: World, app: QuickBooks, clock: OffsetClock, reader: type[Reader], seen: str
) -> None:
    await world.collect()
    late = clock.now() - timedelta(minutes=5)
    change = app.books[REALM].mutate(seed=9, new=0, changed=3, deleted=0, at=late)
    assert {entity for entity, _ in change.changed} & {"Invoice", "Customer", "Bill", "Payment"}
    clock.advance(timedelta(hours=1))
    until = clock.now()
    async with open_session(world.connector, world.access) as session:
        for entity in ENTITIES:
            intake = partial(Intake, entity.shape, world.kept.sink, lambda *_: None)
            cursor = mark(world.kept.cursors[entity.shape.name], until)
            await reader(Company(session.http, REALM), entity, world.kept, intake, 10).read(cursor, until)
    if seen == "seen":
        assert_true(world, app)
    else:
        with pytest.raises(AssertionError):
            assert_true(world, app)


async def test_a_change_that_shows_late_is_told_thanks_to_the_overlap(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    await world.collect()
    late = clock.now() - timedelta(minutes=5)
    app.books[REALM].mutate(seed=9, new=2, changed=3, deleted=2, documents=9, at=late)
    clock.advance(timedelta(hours=1))
    await world.collect()
    assert_true(world, app)


@pytest.mark.parametrize("ahead, told", [(timedelta(hours=3), True), (timedelta(seconds=20), False)], ids=str)
async def test_data_is_as_of_no_time_that_has_not_come(ahead: timedelta, *, told: bool) -> None:
    """A clock of ours that is far ahead moves the as-of, too; a little is no more than what answers take."""
    app = QuickBooks.generated(seed=5, invoices=10)
    clock = OffsetClock(ahead)
    async with quickbooks_world(app, clock) as world:
        world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
        until = clock.now()
        done = await world.collect(until=until)
    cursor = mark(done.cursors["invoices"], until)
    assert cursor is not None
    assert ahead <= until - cursor.read_to < ahead + timedelta(minutes=1)
    assert done.source_as_of == (cursor.read_to if told else until)


async def test_probe_names_the_company(world: World) -> None:
    async with open_session(world.connector, world.access) as session:
        company = await world.connector.probe(session)
    assert (company.id, company.name) == (REALM, "Temerity Goods")


@pytest.mark.parametrize("account", ["", "../1", "12a", "1/2", "１２"])
async def test_a_malformed_realm_is_refused(world: World, account: str) -> None:
    world.access = dataclasses.replace(world.access, account=account)
    with pytest.raises(ConnectorError, match="account_malformed"):
        await world.collect()
