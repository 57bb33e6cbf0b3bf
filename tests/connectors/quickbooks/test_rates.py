"""Exchange rates: a history that grows by a day's newest ones, in companies that have several currencies."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import Broken
from connectors.quickbooks.rates import NAME, SHAPE, keyed
from connectors.rewind import rewound
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.rates import quote, several_currencies
from storage.facts.clock import OffsetClock
from storage.warehouse import Warehouse
from tests.connectors.equality import assert_same
from tests.connectors.shopify.test_ready_tables import load
from tests.connectors.worlds import REALM, World, quickbooks_world

DAY = timedelta(days=1)


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> QuickBooks:
    return QuickBooks.generated(seed=5, invoices=4, documents=1, clock=clock)


@pytest.fixture
async def world(app: QuickBooks, clock: OffsetClock) -> AsyncIterator[World]:
    async with quickbooks_world(app, clock) as world:
        yield world


def books_of(app: QuickBooks) -> Books:
    return app.books[REALM]


def set_rates(books: Books, clock: OffsetClock, **worth: str) -> None:
    quote(books, worth, clock.now().date(), clock.now())


def assert_history(world: World, books: Books) -> None:
    assert_same(
        world.kept, SHAPE, [said | {"Id": f"{said['SourceCurrencyCode']} {said['AsOfDate']}"} for said in books.rates]
    )


def asked(app: QuickBooks) -> int:
    return sum(NAME.lower() in str(entry.entity).lower() for entry in app.journal.entries)


async def test_a_history_grows_day_by_day(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    books = books_of(app)
    several_currencies(books)
    set_rates(books, clock, EUR="1.0875", GBP="1.26", JPY="0.006510417")
    done = await world.collect()
    assert SHAPE.name not in done.full
    assert SHAPE.name in done.keep_cursors
    assert_history(world, books)
    for day in range(3):
        clock.advance(DAY)
        set_rates(books, clock, EUR=f"1.09{day}", GBP="1.27")
        done = await world.collect()
        assert SHAPE.name not in done.full
        assert_history(world, books)
    before = asked(app)
    set_rates(books, clock, EUR="1.1")  # a correction: seen when the next day begins
    await world.collect()
    assert asked(app) == before
    clock.advance(DAY)
    await world.collect()
    assert_history(world, books)
    assert world.kept.rows[SHAPE.name][f"EUR {(clock.now() - DAY).date()}"]["rate"] == Decimal("1.1")


async def test_a_company_of_one_currency_is_never_asked(world: World, app: QuickBooks, clock: OffsetClock) -> None:
    for _ in range(2):
        done = await world.collect()
        clock.advance(DAY)
    assert asked(app) == 0
    assert SHAPE.name not in {*world.kept.rows, *done.cursors}


async def test_rates_that_cannot_be_read_hold_nothing_else_up(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    several_currencies(books_of(app))
    set_rates(books_of(app), clock, EUR="1.09")
    app.script.add(Rule(Kind.FAULT, operation="query", entity=NAME, code="4001", times=9))
    done = await world.collect(partly=True)
    assert [one.streams for one in done.aside] == [(SHAPE.name,)]
    assert SHAPE.name not in done.cursors
    assert "invoices" in done.full


async def test_rates_that_failed_as_the_day_began_or_are_wanted_again_are_read_later_that_day(
    world: World, app: QuickBooks, clock: OffsetClock
) -> None:
    several_currencies(books_of(app))
    set_rates(books_of(app), clock, EUR="1.09")
    await world.collect()
    clock.advance(DAY)
    set_rates(books_of(app), clock, EUR="1.1")
    app.script.add(Rule(Kind.FAULT, operation="query", entity=NAME, code="4001", times=1))
    assert (await world.collect(partly=True)).aside
    # The settings, which tell that there are rates, are read already: the rates are not.
    assert SHAPE.name in (await world.collect()).cursors
    assert_history(world, books_of(app))
    before = asked(app)
    world.kept.cursors = rewound(world.kept.cursors, (SHAPE.name,), None, clock.now())
    await world.collect()
    assert asked(app) == before + 1


@pytest.mark.parametrize("record", [b"{}", b'{"SourceCurrencyCode":"EUR"}', b'{"SourceCurrencyCode":5,"AsOfDate":"x"}'])
def test_a_rate_of_no_day_is_refused(record: bytes) -> None:
    with pytest.raises(Broken, match="record_unreadable"):
        keyed(record)


async def test_the_ready_table_tells_them(world: World, app: QuickBooks, clock: OffsetClock, tmp_path: Path) -> None:
    several_currencies(books_of(app))
    set_rates(books_of(app), clock, EUR="1.0875", JPY="0.006510417")
    warehouse = Warehouse(str(tmp_path), "org_1")
    await load(world, warehouse, "run_1", provider="quickbooks")
    with warehouse.reader() as reader:
        told = reader.query(
            "SELECT source_currency, target_currency, rate FROM ready_quickbooks_exchange_rates ORDER BY ALL"
        )
    assert [tuple(row.values()) for row in told] == [
        ("EUR", "USD", Decimal("1.0875")), ("JPY", "USD", Decimal("0.006510417")),
    ]  # fmt: skip


@pytest.mark.contracts
def test_our_columns_and_the_stand_ins_are_intuits(contracts: Path, app: QuickBooks, clock: OffsetClock) -> None:
    schema = (contracts / "qbo/xsd/Finance.xsd").read_text()
    told = set(re.findall(r'name="(\w+)"', schema[schema.index('complexType name="ExchangeRate"') :][:4000]))
    set_rates(books_of(app), clock, EUR="1.09")
    (record,) = books_of(app).rates
    common = {"SyncToken", "MetaData", "domain", "sparse"}
    assert record.keys() - common <= told
    assert {field.path.split(".")[0] for field in SHAPE.fields} - common - {"Id"} <= told
