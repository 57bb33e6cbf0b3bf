"""A company with PocketAdvantage, the endpoint on a real socket, and a QuickBooks Desktop that calls it."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from bot.web import build_web
from bot.web_connector import WebConnectorPages
from jobs.desk import Desk
from jobs.exchange.desktop.qwc import CALLED, QwcLinks
from jobs.exchange.desktop.registering import Handed, Registering
from jobs.exchange.desktop.sessions import WebConnectorSessions
from jobs.exchange.desktop.sink import DesktopSink
from jobs.exchange.orders.sink import Waiting
from jobs.refresh.ask import TriggerKey
from sandbox.exchange.desktop import Desktop
from sandbox.exchange.web_connector import WebConnector
from sandbox.slack.wire import serving
from storage.facts.clock import OffsetClock
from storage.facts.exchange_orders import Order, Refusal, Written
from storage.facts.ids import new_id
from storage.facts.people import Actor, SlackIdentity
from storage.facts.secret import Secret
from storage.records import desktop_requests, organizations
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, SourceRow
from tests.storage.test_seeding import ORGANIZATION, seed

SOURCE = "src_pocket"
#: what tests can wait for
QUICK = 16
LISTS = {"Customer": {"Amber Bicycles Ltd", "80000001-1795000000"}, "Item": {"OIL-100", "BELL"}}


@dataclass
class Stage:
    """What a test drives and looks at."""

    database: Database
    clock: OffsetClock
    desk: Desk
    sessions: WebConnectorSessions
    registering: Registering
    desktop: Desktop
    #: request id -> what it was told to be, each time
    settled: dict[str, list[Written | Refusal]]
    base: str = ""
    handed: Handed | None = None

    def actor(self, user_id: str = "U0DANIEL") -> Actor:
        """Return somebody as the database knows them."""
        identity = SlackIdentity("T0TEMERITY", user_id)
        found = self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        return Actor(identity, found)

    def trigger(self) -> TriggerKey:
        """Return a fresh key."""
        return TriggerKey("T0TEMERITY", new_id("trg"))

    async def registered(self) -> WebConnector:
        """Register as an admin and return the Web Connector that was set up with it."""
        self.handed = await self.registering.new(self.actor(), self.trigger())
        return self.connector()

    def connector(self, desktop: Desktop | None = None) -> WebConnector:
        """Return another Web Connector with the same file and password."""
        assert self.handed is not None
        assert self.handed.password is not None
        made, password = self.handed.connector, self.handed.password.reveal()
        return WebConnector(f"{self.base}{CALLED}/{made.id}", made.user_name, password, desktop or self.desktop)

    @property
    def sink(self) -> DesktopSink:
        """Where orders go."""
        return DesktopSink(self.database, self.clock, SOURCE)

    async def want(self, order: Order, request_id: str = "") -> str:
        """Want an order written; return what it waits for."""
        return await self.waits(lambda: self.sink.create(order, request_id or f"req_{order.order_no}"))

    async def waits(self, work: Callable[[], Any]) -> str:
        """Return what something waits for."""
        try:
            await work()
        except Waiting as waiting:
            return waiting.reason
        raise AssertionError("it did not wait")

    def waiting(self) -> int:
        """Return how many orders are not settled."""
        assert self.handed is not None
        made = self.handed.connector.id
        return self.database.in_read(lambda session: desktop_requests.unanswered(session, made))

    def later(self, by: timedelta) -> datetime:
        """Let time pass."""
        self.clock.offset += by
        return self.clock.now()

    def outcome(self, request_id: str) -> Written | Refusal:
        """Return the one thing that became of an order."""
        told = self.settled[request_id]
        assert len(told) == 1
        return told[0]


def plant(session: Session) -> None:
    """Give the company a connection to PocketAdvantage."""
    source = session.exec(select(SourceRow).where(SourceRow.provider == "shopify")).one()
    connection = session.get_one(ConnectionRow, source.id)
    ours = {"id": SOURCE, "provider": "pocketadvantage", "account": "TEMERITY", "label": "pocketadvantage_TEMERITY",
            "mode": "exchange"}  # fmt: skip
    session.add(SourceRow(**source.model_dump() | ours))
    session.flush()
    session.add(ConnectionRow(**connection.model_dump() | {"source_id": SOURCE}))


@contextlib.asynccontextmanager
async def staged(
    database: Database,
    *,
    sessions: type[WebConnectorSessions] = WebConnectorSessions,
    checkpoint: Callable[[str], None] = lambda _name: None,
    public_url: str = "https://tidings.example",
) -> AsyncIterator[Stage]:
    """Run everything while the block runs."""
    seed(database)
    database.in_write(plant)
    clock, desk = OffsetClock(), Desk(database.url, seconds=30)
    links = QwcLinks([Secret("k" * 44)], public_url)
    registering = Registering(desk, clock, links, cost=QUICK)
    settled: dict[str, list[Written | Refusal]] = {}

    def settle(session: Session, request_id: str, outcome: Written | Refusal) -> bool:
        assert session.is_active
        settled.setdefault(request_id, []).append(outcome)
        return True

    made = sessions(desk, clock, settle, checkpoint=checkpoint)
    lists = {name: set(known) for name, known in LISTS.items()}
    stage = Stage(database, clock, desk, made, registering, Desktop(lists=lists), settled)

    async def ready() -> bool:
        return True

    pages = WebConnectorPages(made, registering, clock, public_url)
    async with serving(build_web(None, None, ready, pages=pages.routes())) as port:
        stage.base = f"http://127.0.0.1:{port}"
        try:
            yield stage
        finally:
            desk.close()


def organization() -> str:
    """Return the id of the seeded company."""
    return ORGANIZATION
