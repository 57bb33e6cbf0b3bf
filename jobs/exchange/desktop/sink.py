"""Orders for QuickBooks Desktop: kept until its Web Connector calls, which nobody but its owner can make it do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from connectors.errors import Refused, Retry, WriteRefused
from jobs.exchange.desktop import qbxml
from jobs.exchange.orders.sink import SalesOrderSink, Waiting
from jobs.exchange.orders.taking import NOT_ALLOWED
from jobs.ground import Ground
from storage.facts.clock import Clock
from storage.facts.exchange_orders import Order, Written, order_text
from storage.facts.ids import derived_id
from storage.facts.sources import Source
from storage.facts.web_connector import DesktopKind, DesktopRequest, DesktopState, DesktopStep, WebConnector
from storage.records import capabilities, desktop_requests, organizations
from storage.records import web_connector as records
from storage.sessions import Database, Session
from templates.times import absolute

_UNREGISTERED = (
    "waits for QuickBooks Desktop: an admin registers its Web Connector in Slack with /data exchange desktop"
)
_LOOKED_AGAIN = 900.0


class DesktopSink:
    """Writes orders as sales orders of QuickBooks Desktop, once; what came of one is told when it answers."""

    def __init__(self, database: Database, clock: Clock, source_id: str) -> None:
        self._database = database
        self._clock = clock
        self._source_id = source_id

    @property
    def target(self) -> str:
        """What orders become."""
        return "desktop"

    async def find(self, order: Order, request_id: str) -> Written | None:  # noqa: ARG002 - the port's signature
        """Return what QuickBooks Desktop answered; None while it did not, and for what it refused."""
        desktop_id = desktop_id_of(self._source_id, request_id)
        found = await self._database.reading(lambda session: desktop_requests.one(session, desktop_id))
        return _written(found) if found is not None and not found.open and not found.refused else None

    async def create(self, order: Order, request_id: str) -> Written:
        """Keep it until QuickBooks Desktop asks: Waiting; Refused for what it cannot keep."""
        return await self._asked(order, request_id, DesktopKind.ADD)

    async def change(self, order: Order, request_id: str, before: Written) -> Written:
        """Keep an amendment, as above."""
        return await self._asked(order, request_id, DesktopKind.CHANGE, before.target_id)

    async def cancel(self, order: Order, request_id: str, before: Written) -> None:
        """Keep a cancellation, as above."""
        await self._asked(order, request_id, DesktopKind.CLOSE, before.target_id)

    async def _asked(self, order: Order, request_id: str, kind: DesktopKind, before: str = "") -> Written:
        try:
            if kind is not DesktopKind.CLOSE:
                qbxml.check(order)
        except qbxml.CannotKeepError as error:
            raise Refused(str(error), code="desktop_cannot_keep") from None
        found = await self._database.writing(lambda session: self._kept(session, order, request_id, kind, before))
        if found is None:
            raise Retry(_LOOKED_AGAIN, _UNREGISTERED, code="desktop_unregistered")
        if isinstance(found, str):
            raise Waiting(found)
        return found

    def _kept(
        self, session: Session, order: Order, request_id: str, kind: DesktopKind, before: str
    ) -> Written | str | None:
        """Return what came of it, or what it waits for; None: nobody would ask. It is kept once for its request id."""
        now, known = self._clock.now(), records.of_source(session, self._source_id)
        if not known:
            return None
        wanted = DesktopRequest(
            desktop_id_of(self._source_id, request_id),
            known[0].organization_id,
            known[0].id,
            request_id,
            order.order_no,
            order.revision,
            kind,
            order_text(order),
            before,
            DesktopState.QUEUED,
            DesktopStep.QUERY,
            0,
            0,
            now,
        )
        kept = desktop_requests.one(session, wanted.id)
        if kept is None:
            desktop_requests.queue(session, wanted)
        elif kept.refused:
            # Somebody put right what QuickBooks did not take, and wants it tried again.
            desktop_requests.anew(session, replace(wanted, queued_at=now))
        elif not kept.open:
            return _written(kept)
        return waiting_words(session, known[0])


@asynccontextmanager
async def desktop_sink(ground: Ground, source: Source, books: Source) -> AsyncIterator[SalesOrderSink]:
    """Give sales orders of the QuickBooks Desktop that is registered for the source; WriteRefused as for Estimates."""
    if not await ground.database.reading(lambda session: capabilities.may_write(session, books.id)):
        raise WriteRefused(NOT_ALLOWED)
    yield DesktopSink(ground.database, ground.clock, source.id)


def takes_orders(session: Session, source_id: str) -> bool:
    """Whether orders of that source go into a QuickBooks Desktop: an admin registered one."""
    return bool(records.of_source(session, source_id))


def desktop_id_of(source_id: str, request_id: str) -> str:
    """Return under which id an order is kept: the same wish is kept once."""
    return derived_id("dsk", source_id, request_id)


def waiting_words(session: Session, registration: WebConnector) -> str:
    """Return what orders for that QuickBooks Desktop wait for, and since when."""
    if registration.other is not None:
        return "waits for QuickBooks Desktop, which has another company file open: see /data exchange desktop"
    called = "has not called yet"
    if registration.called_at is not None:
        called = f"last called at {_at(session, registration, registration.called_at)}"
    return f"waits for QuickBooks Desktop's Web Connector, which {called}"


def _at(session: Session, registration: WebConnector, at: datetime) -> str:
    return absolute(at, organizations.organization(session, registration.organization_id).timezone)


def _written(request: DesktopRequest) -> Written:
    return Written(request.target_id, request.number)
