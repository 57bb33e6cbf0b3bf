"""Orders of an Inventiv database on their way into a QuickBooks stand-in, and the truth about both."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from connectors.base import Access, Session
from connectors.errors import WriteRefused
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine
from connectors.quickbooks import entry
from connectors.quickbooks.estimates import Estimates
from connectors.registry import connector_for
from jobs.exchange.orders import turn
from jobs.exchange.orders.books import BooksNow, Customer, Item
from jobs.exchange.orders.sink import SalesOrderSink
from jobs.exchange.orders.turn import OrdersIn, Turn
from jobs.exchange.ports import OrdersTaken
from jobs.ground import Ground, Warehouses
from sandbox.exchange.inventiv import ANSWERS, Inventiv
from sandbox.providers.catalogue import REALM
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.quickbooks.values import Record
from storage.facts.clock import OffsetClock
from storage.facts.exchange_orders import KeptOrder, Order, OrderState
from storage.facts.secret import Secret
from storage.facts.sources import Source
from storage.records import exchange_orders, sources
from storage.seal import Seal, new_key
from storage.sessions import Database
from storage.tables import ConnectionRow, OrganizationRow, SourceRow
from tests.connectors.worlds import QUICK, quickbooks_world

CUST_ID = "ACME01"
SOURCE, ORGANIZATION = "src_inventiv", "org_1"


class Killed(BaseException):
    """The process is no more."""


class Dies:
    """Ends everything at the nth pass of a named point."""

    def __init__(self) -> None:
        self.at = ""
        self.left = 0

    def __call__(self, name: str) -> None:
        if name == self.at:
            self.left -= 1
            if self.left <= 0:
                self.at = ""
                raise Killed(name)


class TruthBooks:
    """What the stand-in has now, as a lake that is never behind."""

    def __init__(self, app: QuickBooks) -> None:
        self.app = app
        self.closed: Any = None
        #: the lake has no estimate that was entered since
        self.behind = False

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        books = self.app.books[REALM]
        items: dict[str, list[Item]] = {}
        for row in books.truth("Item"):
            number = str(row.get("Sku") or row["Id"])
            price = Decimal(row["UnitPrice"]) if row.get("UnitPrice") is not None else None
            items.setdefault(number, []).append(Item(row["Id"], row["Name"], row["Active"], row.get("Type", ""), price))
        numbers: dict[str, list[str]] = {}
        wanted = {order.order_no for order in orders}
        for row in books.truth("Estimate"):
            if row.get("DocNumber") in wanted and not self.behind:
                numbers.setdefault(row["DocNumber"], []).append(row.get("PrivateNote", ""))
        customers = {
            row["Id"]: Customer(row["Id"], row["DisplayName"], row["Active"], "USD") for row in books.truth("Customer")
        }
        return BooksNow(customers, items, numbers, self.closed, "USD", sales_rep_field="2")


Sinks = Callable[[Session], SalesOrderSink]


@dataclass
class Stage:
    """Everything that stands on it."""

    database: Database
    clock: OffsetClock
    app: QuickBooks
    inventiv: Inventiv
    access: Access
    ground: Ground
    books: TruthBooks
    wanted: OrdersIn
    dies: Dies
    may_write: bool = True
    kind: type[Turn] = Turn

    async def turn(self) -> OrdersTaken:
        """Let one turn be taken."""
        return await turn.take(self.ground, self.wanted, books=self.books, kind=self.kind)

    async def dies_at(self, point: str, nth: int = 1) -> None:
        """Take a turn that is killed at a point; what it leaves is picked up minutes later."""
        self.dies.at, self.dies.left = point, nth
        with contextlib.suppress(Killed):
            await self.turn()
        self.dies.at = ""

    async def through(self, most: int = 12) -> None:
        """Take turns until nothing is left to be done."""
        for _ in range(most):
            await self.turn()
            counts = self.database.in_read(lambda session: exchange_orders.counts(session, SOURCE))
            if not counts.get(OrderState.NEW) and not counts.get(OrderState.SENDING):
                return
            self.clock.advance(timedelta(minutes=8))
        raise AssertionError(f"not settled: {counts}")

    def estimates(self, number: str | None = None) -> list[Record]:
        """Return the estimates that were made of orders."""
        found = [
            one for one in self.app.books[REALM].truth("Estimate") if str(one.get("PrivateNote", "")).startswith("PA ")
        ]
        return [one for one in found if number is None or one["PrivateNote"] == f"PA {number}"]

    def kept(self, number: str) -> KeptOrder:
        """Return the last revision of an order as it is kept."""
        return self.database.in_read(lambda session: exchange_orders.revisions(session, SOURCE, number))[0]

    def complaints(self, good: Sequence[str], bad: Sequence[str] = (), cancelled: Sequence[str] = ()) -> list[str]:
        """Say what is wrong with what came of all orders: each good one once and exactly, of the others nothing open."""
        made = Counter(one["PrivateNote"].removeprefix("PA ") for one in self.estimates())
        found = [f"{number} stands {made[number]} times" for number in good if made[number] != 1]
        found += [f"{number} was made though it is bad" for number in bad if made[number]]
        answers = self.inventiv.answers()
        for number in good:
            for estimate in self.estimates(number)[:1]:
                found += self._differences(number, estimate)
                answer = answers.get((number, self.inventiv.revisions[number]), {})
                if (answer.get("sync_status"), answer.get("sync_id")) != ("SENT", estimate["Id"]):
                    found.append(f"{number} was answered with {answer}")
        for number in bad:
            answer = answers.get((number, self.inventiv.revisions[number]), {})
            if answer.get("sync_status") != "FAILED" or not answer.get("sync_error"):
                found.append(f"{number} was answered with {answer}")
        for number in cancelled:
            if any(one["TxnStatus"] != "Rejected" for one in self.estimates(number)) or made[number] > 1:
                found.append(f"{number} was cancelled and is not rejected")
        return found

    def _differences(self, number: str, estimate: Record) -> list[str]:
        rows = sorted(self.inventiv.rows(number), key=lambda row: int(row["line_no"]))
        prices = dict(self.inventiv.items)
        wanted = []
        for row in rows:
            price = Decimal(row["unit_price"]) if row["unit_price"] else prices[row["item_no"]]
            amount = (Decimal(row["qty"]) * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
            wanted.append((Decimal(row["qty"]), price, amount))
        stands = [
            (Decimal(line["SalesItemLineDetail"]["Qty"]), Decimal(line["SalesItemLineDetail"]["UnitPrice"]), Decimal(line["Amount"]))
            for line in estimate["Line"]
            if line["DetailType"] == "SalesItemLineDetail"
        ]  # fmt: skip
        same = wanted == stands and estimate["CustomerRef"]["value"] == rows[0]["cust_no"]
        return [] if same else [f"{number} says {stands} and should say {wanted}"]

    def writes(self) -> int:
        """How many calls wanted to change something."""
        return len(self.app.journal.mutating())


@asynccontextmanager
async def staged(
    database: Database,
    folder: Path,
    *,
    sink: Sinks = Estimates,
    width: int = 4,
    kind: type[Turn] = Turn,
    **more: Any,
) -> AsyncIterator[Stage]:
    """Let everything stand: a seeded database, books, an Inventiv database, nothing read yet."""
    clock = OffsetClock()
    app = QuickBooks.generated(seed=3, invoices=12, clock=clock)
    books = app.books[REALM]
    customers = [row["Id"] for row in books.truth("Customer") if row["Active"]][:8]
    items = [(str(row.get("Sku") or row["Id"]), Decimal(row["UnitPrice"])) for row in books.truth("Item")
             if row.get("UnitPrice") and row["Active"] and row.get("Type") not in ("Category", "Group")][:12]  # fmt: skip
    inventiv = Inventiv(folder / "inventiv.db", CUST_ID, customers, items)
    dies = Dies()
    source, company = _company(database, clock)
    async with quickbooks_world(app, clock, limits=more.pop("limits", QUICK), **more) as world:
        ground = Ground(database, clock, Seal([Secret(new_key())]), Warehouses(str(folder / "lake")), {},
                        connector_for, 1000, checkpoint=dies)  # fmt: skip
        stage: Stage

        @asynccontextmanager
        async def opened(_ground: Ground, _source: Source, _books: Source) -> AsyncIterator[SalesOrderSink]:
            if not stage.may_write:
                raise WriteRefused("no")
            async with entry.session(replace(world.access, writes=True)) as session:
                yield sink(session)

        place = DatabasePlace(Engine.SQLITE, "inventiv.db", CUST_ID, back=ANSWERS)
        wanted = OrdersIn(source, company, place,
                          Allowed(sqlite_folder=folder), sink=opened, width=width)  # fmt: skip
        stage = Stage(database, clock, app, inventiv, world.access, ground, TruthBooks(app), wanted, dies, kind=kind)
        yield stage


def _company(database: Database, clock: OffsetClock) -> tuple[Source, Source]:
    """Let there be an organization with a PocketAdvantage connection and its QuickBooks company; return both."""
    now = clock.now()
    with database.write() as session:
        session.add(OrganizationRow(id=ORGANIZATION, name="Temerity Goods", timezone="UTC", created_at=now))
        session.flush()
        for id_, provider, account, mode in ((SOURCE, "pocketadvantage", CUST_ID, "exchange"),
                                             ("src_books", "quickbooks", REALM, "timer")):  # fmt: skip
            session.add(SourceRow(id=id_, organization_id=ORGANIZATION, provider=provider, account=account,
                                  label=f"{provider}_{account}", company="Temerity Goods", mode=mode,
                                  schedule_minutes=60, created_at=now, updated_at=now))  # fmt: skip
        session.flush()
        for id_ in (SOURCE, "src_books"):
            session.add(ConnectionRow(source_id=id_, organization_id=ORGANIZATION, state="connected", since=now))
    with database.read() as session:
        return sources.source(session, SOURCE), sources.source(session, "src_books")
