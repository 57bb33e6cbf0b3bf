"""How long a thousand orders take on their way into QuickBooks, at QuickBooks' own limits.

Reader, checks, state, limiter and client are the product's; the provider counts by the stand-in's throttle: 10 calls a
second, 500 a minute, 40 batches a minute, and answers a batch after two seconds. Target: 60 s, and none is refused.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from bench.figures import Figure, Outcome, at_most, show
from connectors.base import Access, ProviderSettings, Tokens
from connectors.oauth import MemoryTokens
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine
from connectors.quickbooks import entry
from connectors.quickbooks.estimates import Estimates
from connectors.registry import connector_for
from jobs.exchange.orders import turn
from jobs.exchange.orders.books import BooksNow, Customer, Item
from jobs.exchange.orders.sink import SalesOrderSink
from jobs.exchange.orders.turn import OrdersIn
from jobs.ground import Ground, Warehouses
from jobs.limits import DatabaseLimiter
from sandbox.exchange.inventiv import ANSWERS, Inventiv
from sandbox.misbehave import Kind, Rule
from sandbox.providers.catalogue import REALM
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve_in_thread
from sandbox.providers.throttle import Throttle
from storage.facts.clock import SystemClock
from storage.facts.exchange_orders import Order
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider, Source
from storage.migrate import migrate
from storage.records import sources
from storage.seal import Seal, new_key
from storage.sessions import Database, open_database
from storage.tables import ConnectionRow, OrganizationRow, SourceRow

ORDERS, QUICK, TARGET = 1000, 40, 60.0
ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class _Listed:
    """What QuickBooks has; a look into a lake costs some 0.3 s for each 600 orders."""

    now: BooksNow

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        await asyncio.sleep(0.3 if orders else 0)
        return self.now


def measure(*, quick: bool = False) -> Outcome:
    """Let the orders arrive, and take them in one turn."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    orders = QUICK if quick else ORDERS
    with tempfile.TemporaryDirectory() as name:
        app = QuickBooks.generated(seed=3, invoices=40, throttle=Throttle())
        app.script.add(Rule(Kind.LATENCY, path="/batch", seconds=0.05 if quick else ANSWER_SECONDS, times=None))
        with serve_in_thread(app.app) as served:
            seconds, done = asyncio.run(_taken(app, served.url, Path(name), orders))
        entries = app.journal.entries
        refused = sum(1 for one in entries if one.status == 429)
        notes = [str(one.get("PrivateNote", "")) for one in app.books[REALM].truth("Estimate")]
        made = [note for note in notes if note.startswith("PA ")]
        if (done, len(made)) != (orders, orders):
            raise RuntimeError(f"{done} of {orders} orders were sent, {len(made)} are there")
    figures = [
        at_most("orders", f"{orders} orders into QuickBooks", seconds, "s", TARGET),
        Figure("orders", "  told to slow down / calls", refused, f"/ {len(entries)}", target="none", met=refused == 0),
    ]
    return Outcome(
        figures, [f"A batch is answered after {ANSWER_SECONDS:g} s; 40 batches of 30 a minute are the limit."]
    )


async def _taken(app: QuickBooks, url: str, folder: Path, orders: int) -> tuple[float, int]:
    database, clock = open_database(f"sqlite:///{folder / 'tidings.db'}"), SystemClock()
    migrate(database)
    source = _source(database, clock.now())
    books = app.books[REALM]
    customers = [row["Id"] for row in books.truth("Customer") if row["Active"]]
    sold = [row for row in books.truth("Item") if row.get("UnitPrice")]
    items = [(str(row.get("Sku") or row["Id"]), Decimal(row["UnitPrice"]), row["Id"]) for row in sold]
    inventiv = Inventiv(folder / "inventiv.db", "ACME01", customers, [(number, price) for number, price, _ in items])
    draw = random.Random(1)
    inventiv.arrive(orders, clock.now() - timedelta(hours=1 + draw.random()))
    grant = app.oauth.grant(REALM)
    until = clock.now() + timedelta(hours=1)
    tokens = MemoryTokens(Tokens(Secret(grant.access_token), Secret(grant.refresh_token), until))
    settings = ProviderSettings(app.oauth.client_id, Secret(app.oauth.client_secret), url, url, url)
    access = Access(REALM, settings, tokens, clock, DatabaseLimiter(database, clock, source.id), writes=True)
    ground = Ground(database, clock, Seal([Secret(new_key())]), Warehouses(str(folder / "lake")), {}, connector_for, 1)

    @asynccontextmanager
    async def opened(_ground: Ground, _source: Source, _books: Source) -> AsyncIterator[SalesOrderSink]:
        async with entry.session(access) as session:
            yield Estimates(session)

    place = DatabasePlace(Engine.SQLITE, "inventiv.db", "ACME01", back=ANSWERS)
    wanted = OrdersIn(source, source, place, Allowed(sqlite_folder=folder), sink=opened)
    listed = _Listed(BooksNow(
        {one: Customer(one, one, active=True) for one in customers},
        {number: (Item(id_, number, active=True, price=price),) for number, price, id_ in items},
    ))  # fmt: skip
    began = time.perf_counter()
    done = await turn.take(ground, wanted, books=listed)
    seconds = time.perf_counter() - began
    if done.stopped is not None:
        raise RuntimeError(f"stopped: {done.stopped}")
    database.close()
    return seconds, done.counts.added


def _source(database: Database, now: datetime) -> Source:
    with database.write() as session:
        session.add(OrganizationRow(id="org_1", name="Temerity Goods", timezone="UTC", created_at=now))
        session.flush()
        provider = Provider.POCKETADVANTAGE.value
        session.add(SourceRow(id="src_1", organization_id="org_1", provider=provider, account="ACME01",
                              label="pocketadvantage_ACME01", company="Temerity", mode=CollectMode.PUSH.value,
                              schedule_minutes=60, created_at=now, updated_at=now))  # fmt: skip
        session.flush()
        session.add(ConnectionRow(source_id="src_1", organization_id="org_1", state="connected", since=now))
    return database.in_read(lambda session: sources.source(session, "src_1"))


if __name__ == "__main__":
    show(measure().figures)
