"""A worker that takes orders in a process of its own, so that it can be killed: python -m ... <its orders as JSON>."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.base import Access, ProviderSettings, Tokens
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine
from connectors.quickbooks import entry
from connectors.quickbooks.estimates import Estimates
from connectors.registry import connector_for
from jobs.crashpoints import crash_point
from jobs.exchange.orders import turn
from jobs.exchange.orders.books import BooksNow, Customer, Item
from jobs.exchange.orders.sink import SalesOrderSink
from jobs.exchange.orders.turn import OrdersIn
from jobs.ground import Ground, Warehouses
from sandbox.exchange.inventiv import ANSWERS
from storage.facts.clock import OffsetClock
from storage.facts.exchange_orders import Order, OrderState
from storage.facts.secret import Secret
from storage.facts.sources import Source
from storage.records import exchange_orders, sources
from storage.seal import Seal, new_key
from storage.sessions import Database, open_database
from tests.connectors.worlds import QUICK


class ListedBooks:
    """Customers and items as they were listed."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        items = {
            number: (Item(id_, number, active=True, price=Decimal(price)),) for number, id_, price in said["items"]
        }
        self._now = BooksNow({one: Customer(one, one, active=True) for one in said["customers"]}, items)

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        """Return them all."""
        assert orders is not None
        return self._now


async def work(said: Mapping[str, Any]) -> None:
    """Take turns until everything is settled; time passes between them."""
    with closing(open_database(said["url_here"])) as database:
        await _turns(said, database)


async def _turns(said: Mapping[str, Any], database: Database) -> None:
    folder = Path(said["folder"])
    clock = OffsetClock(timedelta(seconds=said["offset"]))
    tokens = MemoryTokens(Tokens(Secret(said["access"]), Secret(said["refresh"]), clock.now() + timedelta(days=9)))
    settings = ProviderSettings("id", Secret("x"), said["url"], said["url"], said["url"], limits=QUICK)
    access = Access(said["realm"], settings, tokens, clock, Unlimited(), writes=True)
    warehouses, seal = Warehouses(str(folder / "lake")), Seal([Secret(new_key())])
    ground = Ground(database, clock, seal, warehouses, {}, connector_for, 1, checkpoint=crash_point, lease_seconds=1.0)

    @asynccontextmanager
    async def opened(_ground: Ground, _source: Source, _books: Source) -> AsyncIterator[SalesOrderSink]:
        async with entry.session(access) as session:
            yield Estimates(session)

    source = database.in_read(lambda session: sources.source(session, said["source"]))
    place = DatabasePlace(Engine.SQLITE, "inventiv.db", said["cust_id"], back=ANSWERS)
    wanted = OrdersIn(source, source, place, Allowed(sqlite_folder=folder), sink=opened)
    for _ in range(60):
        done = await turn.take(ground, wanted, books=ListedBooks(said))
        counts = database.in_read(lambda session: exchange_orders.counts(session, said["source"]))
        if not done.busy and not counts.get(OrderState.NEW) and not counts.get(OrderState.SENDING):
            return
        await asyncio.sleep(0.3 if done.busy else 0)
        clock.advance(timedelta(0) if done.busy else timedelta(minutes=8))
    raise AssertionError(f"not settled: {counts}")


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.argv[1])))
