"""What orders are held against comes from the organization's own lake, as it was imported."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from connectors.base import Collected
from jobs.exchange.orders.books import BooksNow, looked_up
from jobs.exchange.orders.preflight import Passed, Stopped, check
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from storage.facts.exchange_orders import Order, OrderLine
from storage.warehouse import LoadRun, Warehouse
from tests.connectors.worlds import REALM, World, quickbooks_world

STREAMS = frozenset({"customers", "items", "estimates", "invoices", "preferences"})


def _loaded(world: World, folder: Path, done: Collected) -> Warehouse:
    """Load what was collected; nothing is made of it."""
    warehouse = Warehouse(str(folder), "org_1")
    streams = [stream for stream in world.connector.streams if stream.name in STREAMS]
    with warehouse.begin(LoadRun("run_1", "src_1", "quickbooks", world.clock.now()), streams) as loader:
        for batch in world.kept.batches:
            loader.write(batch)
        loader.commit(done.cursors, full=done.full, keep_cursors=done.keep_cursors)
    return warehouse


def order(customer: str, *items: str, number: str = "SO-1") -> Order:
    lines = tuple(OrderLine(str(n), item, Decimal(2)) for n, item in enumerate(items, 1))
    return Order("ACME01", number, 1, OffsetClock().now().date(), customer, lines, currency="USD")


async def test_an_order_is_held_against_the_lake(tmp_path: Path) -> None:
    clock = OffsetClock()
    app = QuickBooks.generated(seed=3, invoices=6, documents=1, clock=clock)
    books = app.books[REALM]
    async with quickbooks_world(app, clock) as world:
        world.access = replace(world.access, only=STREAMS)
        warehouse = _loaded(world, tmp_path, await world.collect())
    customer = next(row for row in books.truth("Customer") if row["Active"])
    item = next(row for row in books.truth("Item") if row.get("Sku") and row.get("UnitPrice") and row["Active"])
    estimate = books.truth("Estimate")[0]
    hostile = "x') OR 1=1 --"
    wanted = [
        order(customer["Id"], item["Sku"]),
        order(hostile, hostile),
        order("1", item["Id"], number=estimate["DocNumber"]),
    ]
    found = looked_up(warehouse, "src_1", wanted, None)
    assert found is not None
    assert found.sales_rep_field == "2"
    assert found.home_currency == "USD"
    passed = check(wanted[0], found, "estimate")
    assert isinstance(passed, Passed)
    (line,) = passed.order.lines
    assert (line.item_id, line.unit_price) == (item["Id"], Decimal(item["UnitPrice"]))
    assert passed.order.customer_id == customer["Id"]
    assert check(wanted[1], found, "estimate") == Stopped(
        f"Customer {hostile} is not in QuickBooks: add it there, or correct the number."
    )
    # An item that has a SKU goes by that alone.
    assert "is not in QuickBooks" in _reason(wanted[2], BooksNow(found.customers, found.items))
    assert estimate["DocNumber"] in found.numbers
    # Another source's books are another's.
    other = looked_up(warehouse, "src_2", wanted, None)
    assert other is not None
    assert not other.customers
    assert not other.items


def _reason(one: Order, books: BooksNow) -> str:
    judged = check(one, books, "estimate")
    return judged.reason if isinstance(judged, Stopped) else ""


def test_where_nothing_was_imported_nothing_passes() -> None:
    judged = check(order("1", "A"), None, "estimate")
    assert isinstance(judged, Stopped)
    assert "not imported yet" in judged.reason
