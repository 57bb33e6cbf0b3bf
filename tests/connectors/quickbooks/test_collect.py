"""Collections against the QuickBooks stand-in: what is kept is what the company holds, through every change."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from connectors.base import OVERLAP, Mark, mark, open_session
from connectors.errors import ConnectorError
from connectors.intake import Intake
from connectors.limits import MemoryLimiter, Rate, Unlimited
from connectors.quickbooks.company import Company
from connectors.quickbooks.reading import Reader, Reading
from connectors.quickbooks.statements import ENTITIES
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
    return QuickBooks.generated(seed=5, invoices=60, clock=clock)


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
    assert set(done.full) == {stream.name for stream in world.connector.streams}
    truth = {record["Id"]: record for record in app.books[REALM].truth("Invoice")}
    assert {key: raw_of(row) for key, row in world.kept.rows["invoices"].items()} == truth
    assert not app.journal.mutating()
    assert ("invoices", 60, 60) in world.told


async def test_changes_of_many_rounds_are_followed(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    await world.collect()
    for seed in range(6):
        clock.advance(timedelta(minutes=7))
        app.books[REALM].mutate(seed=seed, new=4, changed=5, deleted=2, voided=1, deactivated=1)
        clock.advance(timedelta(minutes=50))
        done = await world.collect()
        assert_true(world, app)
        assert "invoices" not in done.full


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
    reads = (await world.collect()).reads
    assert reads == 2 * len(ENTITIES) - 1


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
    return [entry.entity for entry in app.journal.entries if entry.operation == "report"]


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


@pytest.mark.parametrize("at", [13, 14, 15])
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
    app = QuickBooks.generated(seed=6, invoices=1100, clock=clock)
    books = app.books[REALM]
    async with quickbooks_world(app, clock, limits=dataclasses.replace(QUICK, read=5, total=10)) as world:
        await world.collect()
        clock.advance(timedelta(hours=1))
        books.mutate(seed=1, new=0, changed=1000, deleted=0)
        clock.advance(timedelta(hours=1))
        world.access = dataclasses.replace(
            world.access, limiter=Meddler(12, partial(books.mutate, seed=4, new=0, changed=20, deleted=3))
        )
        await world.collect()
        await world.collect()
        assert_true(world, app)


class NoOverlap(Reader):
    """The twin that trusts the cursor to the second."""

    async def read(self, since: Mark | None, until: object) -> Reading:
        moved = None if since is None else dataclasses.replace(since, read_to=since.read_to + OVERLAP)
        return await super().read(moved, until)  # type: ignore[arg-type]


@pytest.mark.parametrize("reader, seen", [(Reader, "seen"), (NoOverlap, "lost")])
async def test_a_change_that_shows_late_is_seen_thanks_to_the_overlap(
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


async def test_clocks_that_differ_move_the_cursor_not_the_as_of() -> None:
    app = QuickBooks.generated(seed=5, invoices=10)
    ahead = OffsetClock(timedelta(hours=3))
    async with quickbooks_world(app, ahead) as world:
        world.tokens.tokens = dataclasses.replace(world.tokens.tokens, expires_at=None)
        until = ahead.now()
        done = await world.collect(until=until)
    assert done.source_as_of == until
    cursor = mark(done.cursors["invoices"], until)
    assert cursor is not None
    assert timedelta(hours=3) <= until - cursor.read_to < timedelta(hours=3, minutes=1)


async def test_probe_names_the_company(world: World) -> None:
    async with open_session(world.connector, world.access) as session:
        company = await world.connector.probe(session)
    assert (company.id, company.name) == (REALM, "Temerity Goods")


@pytest.mark.parametrize("account", ["", "../1", "12a", "1/2", "１２"])
async def test_a_malformed_realm_is_refused(world: World, account: str) -> None:
    world.access = dataclasses.replace(world.access, account=account)
    with pytest.raises(ConnectorError, match="account_malformed"):
        await world.collect()
