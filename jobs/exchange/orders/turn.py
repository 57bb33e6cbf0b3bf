"""One turn of the orders of a connection: read, keep, send, answer. Safe at any time, from any number of workers.

What was read is kept before anything is sent, what was sent is kept before it is told, and the cursor passes only what
is settled: whoever dies in between leaves it to the next turn.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import structlog

from connectors.errors import Broken, ConnectorError, Retry, WriteRefused
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace
from connectors.pocketadvantage.orders.reader import ALIKE, MOST_ORDERS, Reader, reader
from connectors.pocketadvantage.orders.writing_back import Answer, write_back
from connectors.quickbooks import entry
from connectors.quickbooks.estimates import Estimates
from jobs.exchange.orders.books import Books, BooksNow, looked_up
from jobs.exchange.orders.preflight import Stopped, check
from jobs.exchange.orders.replaying import run_again
from jobs.exchange.orders.sink import SalesOrderSink
from jobs.exchange.orders.taking import LOOK, NOT_ALLOWED, WIDTH, Taking, Tally
from jobs.exchange.ports import OrderMoves, OrdersTaken
from jobs.ground import Ground
from jobs.leasing import leased
from jobs.threads import in_thread
from storage.facts.exchange import Counts, ExchangeRun, Reject, Trigger
from storage.facts.exchange_orders import ESTIMATE, Into, KeptOrder, Order, OrderRead, OrderState
from storage.facts.sources import ConnectionState, Source
from storage.records import exchange, exchange_orders, last_runs, sources
from storage.sessions import Session
from storage.warehouse import NoLake, StorageFailed

#: pages of one turn that bring something new; the rest is read by the next one
_MOST_PAGES = 40
_AT_ONCE = 500
#: numbers that are looked for among all with one turn
_DOUBLED = 20
#: seconds that one turn reads: a database that is slow with each page must not keep the place of all others
READING = 1800.0
_PATIENCE = 0.2
_MOST_PROBLEMS = 100
_VANISHED = "PocketAdvantage no longer shows it as ready: make it ready there, or leave it."
_STATUS = {
    OrderState.CONFIRMED: "SENT",
    OrderState.WAITING: "WAITING",
    OrderState.BLOCKED: "FAILED",
    OrderState.FAILED: "FAILED",
    OrderState.SUPERSEDED: "SUPERSEDED",
    OrderState.CANCELLED: "CANCELLED",
}

log = structlog.get_logger()
T = TypeVar("T")
#: Opens where orders of a QuickBooks company go; WriteRefused where they may not.
SinkFor = Callable[[Ground, Source, Source], AbstractAsyncContextManager[SalesOrderSink]]


class _BusyError(Exception):
    """Another worker takes these orders."""


@asynccontextmanager
async def quickbooks_sink(ground: Ground, source: Source, books: Source) -> AsyncIterator[SalesOrderSink]:  # noqa: ARG001 - the port's signature
    """Give Estimates of QuickBooks Online; WriteRefused where no admin allowed to write."""
    grant = await ground.database.reading(lambda session: sources.stored_grant(session, books.id))
    if not grant.can_write:
        raise WriteRefused(NOT_ALLOWED)
    async with entry.session(replace(ground.access(books), writes=True)) as opened:
        try:
            yield Estimates(opened)
        finally:
            await opened.close()


@dataclass(frozen=True)
class OrdersIn:
    """The orders of one connection: where they are read, and where they go."""

    source: Source
    books: Source
    place: DatabasePlace
    allowed: Allowed = field(default_factory=Allowed)
    sink: SinkFor = quickbooks_sink
    #: what they become: estimate, desktop
    target: str = ESTIMATE
    #: calls under way at once
    width: int = WIDTH


class LakeBooks:
    """Looks things up in the organization's own lake."""

    def __init__(self, ground: Ground, books: Source) -> None:
        self._ground = ground
        self._books = books

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        """Return what there is; None where nothing was collected from QuickBooks yet."""
        found = await self._ground.database.reading(lambda session: last_runs.ready_of(session, [self._books.id]))
        last = found.get(self._books.id)
        warehouse = self._ground.warehouses.of(self._books.organization_id)
        as_of = last.clocks.source_as_of if last else None
        try:
            return await in_thread(lambda: looked_up(warehouse, self._books.id, orders, as_of))
        except NoLake:
            return None


async def take(
    ground: Ground, wanted: OrdersIn, *, books: Books | None = None, kind: "type[Turn] | None" = None
) -> OrdersTaken:
    """Take in what is there (DatabaseBusyError); trouble outside is in the result and loses nothing."""
    name = f"orders:{wanted.source.id}"
    try:
        async with leased(ground.database, name, seconds=ground.lease_seconds, patience=_PATIENCE, busy=_BusyError):
            return await (kind or Turn)(ground, wanted, books or LakeBooks(ground, wanted.books)).run()
    except _BusyError:
        return OrdersTaken(busy=True)


async def dry_run(ground: Ground, wanted: OrdersIn, *, books: Books | None = None) -> OrdersTaken:
    """Read and check what the next turn would send; nothing is written anywhere (ConnectorError)."""
    return await Turn(ground, wanted, books or LakeBooks(ground, wanted.books)).dry()


@dataclass
class _Read:
    """What a turn read."""

    read: int = 0
    upto: str = ""


class Turn:
    """What one turn does, step by step."""

    most_pages, most_orders = _MOST_PAGES, MOST_ORDERS
    #: orders that are read again, told, or looked at to be sent in one go
    at_once, look = _AT_ONCE, LOOK
    #: seconds that it reads; None: however long that takes
    reading: float | None = READING

    def __init__(self, ground: Ground, wanted: OrdersIn, books: Books) -> None:
        self.ground = ground
        self._wanted = wanted
        self._books = books
        self.source = wanted.source
        self._stopped: ConnectorError | None = None
        #: what could not be read in this turn
        self._unread: list[Reject] = []
        #: by id: why nothing new can be sent of orders that are taken again
        self._gone: dict[str, str] = {}
        #: whether an admin had allowed to write when sending began
        self._allowed = False

    async def run(self) -> OrdersTaken:
        """Read, send, answer."""
        found = await self._ingested()
        tally = await self._sent()
        await self._answered()
        await self.advance(found.upto)
        stopped = self._stopped or tally.stopped
        if stopped is not None:
            log.warning("orders_stopped", source=self.source.id, code=stopped.code, reason=type(stopped).__name__)
        again = await self._read(lambda session: exchange_orders.next_due(session, self.source.id))
        problems = [*self._unread, *(Reject(one.order_no, "", reason) for one, reason in tally.problems)]
        return OrdersTaken(
            read=found.read,
            counts=Counts(len(tally.confirmed), len(tally.changed), len(tally.cancelled)),
            moves=OrderMoves(
                tuple(one.order_no for one, _ in tally.confirmed),
                tuple(one.order_no for one, _ in tally.changed),
                tuple(one.order_no for one in tally.cancelled),
            ),
            left_out=len(problems),
            waiting=len(tally.waiting),
            there=len(tally.there),
            problems=tuple(problems[:_MOST_PROBLEMS]),
            again_at=again,
            stopped=stopped,
        )

    async def dry(self) -> OrdersTaken:
        """Read and check."""
        cursor = await self._cursor()
        reads: dict[tuple[str, int], OrderRead] = {}
        async with self._opened() as opened:
            pages = 0
            async for page in opened.pages(cursor):
                reads |= {(one.order_no, one.revision): one for one in page.orders}
                pages += 1
                if pages >= self.most_pages:
                    # As much as a turn would take; a view of ten million rows is not held in memory.
                    break
        known = await self._read(lambda session: self._known(session, [one.order_no for one in reads.values()]))
        fresh = [one for key, one in reads.items() if known.get(key) not in _OVER]
        books = await self._look([one.order for one in fresh if one.order is not None])
        problems = []
        for one in fresh:
            judged = check(one.order, books, self._wanted.target) if one.order else Stopped(one.problem)
            if isinstance(judged, Stopped) and judged.reason:
                problems.append(Reject(one.order_no, "", judged.reason))
        good = len(fresh) - len(problems)
        told = tuple(problems[:_MOST_PROBLEMS])
        return OrdersTaken(read=len(reads), counts=Counts(added=good), left_out=len(problems), problems=told)

    def _known(self, session: Session, numbers: Sequence[str]) -> dict[tuple[str, int], OrderState]:
        return {
            (one.order_no, one.revision): one.state
            for number in dict.fromkeys(numbers)
            for one in exchange_orders.revisions(session, self.source.id, number)
        }

    async def _look(self, orders: Sequence[Order]) -> BooksNow | None:
        return await self._books.look(orders) if orders else None

    # -- reading ------------------------------------------------------------------------------------------------------

    async def _ingested(self) -> _Read:
        """Read what changed and keep it, page by page; trouble leaves the rest to the next turn."""
        found = _Read(upto=await self._cursor())
        try:
            async with self._opened() as opened:
                await self._refilled(opened)
                await self._pages(opened, found)
        except ConnectorError as error:
            self._stopped = error
        return found

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Reader]:
        """Open the view for as long as one turn may read (ConnectorError)."""
        try:
            async with (
                asyncio.timeout(self.reading),
                reader(self._wanted.place, self._wanted.allowed, most=self.most_orders) as opened,
            ):
                yield opened
        except TimeoutError:
            raise Retry(None, "the database took too long; the rest is read later", code="timeout") from None

    async def together(self, opened: Reader) -> set[tuple[str, str, int]]:
        """Read again, side by side, what had one number but for spaces, and return it: no page says more about it.

        A page may have one of the two alone, which would take the other one's place.
        """
        doubled = await self._read(lambda session: exchange_orders.unread(session, self.source.id, ALIKE, self.at_once))
        for number in list(dict.fromkeys(one.order_no for one in doubled))[:_DOUBLED]:
            await self.keep_page(await opened.order(number, spaced=True), "")
        return {(one.cust_id, one.order_no, one.revision) for one in doubled}

    async def _pages(self, opened: Reader, found: _Read) -> None:
        seen = await self.together(opened)
        pages, twice, prints = 0, 0, dict[tuple[str, str, int], str]()
        async for page in opened.pages(found.upto):
            fresh = [one for one in page.orders if one.key not in seen]
            for one in page.orders:
                if prints.setdefault(one.key, one.fingerprint) != one.fingerprint and twice < _DOUBLED:
                    # On two pages, and not the same: it changed meanwhile, or there are two of that number.
                    twice += 1
                    await self.keep_page(await opened.order(one.order_no, spaced=True), "")
            seen |= {one.key for one in fresh}
            found.read += len(fresh)
            found.upto = max(found.upto, page.upto)
            # What is known is read again as long as something before it is open: it must not keep new orders out.
            pages += await self.keep_page(fresh, found.upto)
            if pages >= self.most_pages:
                return

    async def keep_page(self, found: Sequence[OrderRead], upto: str) -> bool:
        """Keep some orders, and only then let the cursor pass what it may; return whether any was new."""
        kept = await self.write(lambda session: exchange_orders.keep(session, self.source, found, self._now()))
        self._unread += [Reject(number, "", reason) for number, reason in kept.unread]
        self.ground.checkpoint("orders.kept")
        await self.advance(upto)
        return bool(kept.new or kept.revived)

    async def _refilled(self, opened: Reader) -> None:
        """Read what a person lets be sent again: of a settled order nothing is kept but what became of it."""
        empty = await self._read(
            lambda session: exchange_orders.empty(session, self.source.id, self._now(), self.at_once)
        )
        for one in empty:
            await self._refill(opened, one)

    async def _refill(self, opened: Reader, one: KeptOrder) -> None:
        there = next((read for read in await opened.order(one.order_no) if read.revision == one.revision), None)
        order = there.order if there is not None else None
        if order is not None:
            await self.write(lambda session: exchange_orders.fill(session, one, order))
            return
        # It may be in QuickBooks all the same, and then all is well.
        self._gone[one.id] = there.problem if there is not None and there.problem else _VANISHED

    # -- sending and answering ----------------------------------------------------------------------------------------

    async def _sent(self) -> Tally:
        wanted = self._wanted
        grant = await self._read(lambda session: sources.stored_grant(session, wanted.books.id))
        self._allowed = grant.can_write
        try:
            async with wanted.sink(self.ground, wanted.source, wanted.books) as sink:
                return await self._taken(sink)
        except WriteRefused:
            return await self._taken(None)
        except ConnectorError as error:
            return Tally(stopped=error)

    async def _taken(self, sink: SalesOrderSink | None) -> Tally:
        wanted = self._wanted
        taking = Taking(
            self.ground, self.source.id, self._books, sink, self._into(), width=wanted.width, may=self.may,
            gone=self._gone, look=self.look,
        )  # fmt: skip
        try:
            await taking.run()
        except StorageFailed as error:
            log.warning("orders_lake_unreadable", source=self.source.id, reason=type(error).__name__)
            words = "what was imported from QuickBooks cannot be read at the moment"
            taking.tally.stopped = Broken(words, code="lake_unreadable")
        return taking.tally

    def _into(self) -> Into:
        target = self._wanted.target
        return Into(target, self._wanted.books.id if target == ESTIMATE else "")

    def may(self, session: Session) -> bool:
        """Whether orders may still be sent: a turn takes minutes, and people change their minds."""
        if sources.source(session, self.source.id).connection is ConnectionState.DISCONNECTED:
            return False
        books = {one.books_id for one in exchange.pairs_of_source(session, self.source.id)}
        if books and self._wanted.books.id not in books:
            # Somebody chose another company for it meanwhile.
            return False
        return not self._allowed or sources.stored_grant(session, self._wanted.books.id).can_write

    async def _answered(self) -> None:
        """Tell PocketAdvantage what became of its orders; what could not be told is told by the next turn."""
        place, allowed = self._wanted.place, self._wanted.allowed
        while place.back:
            found = await self._read(lambda session: exchange_orders.unanswered(session, self.source.id, self.at_once))
            if not found:
                return
            try:
                told = await write_back(place, allowed, [_answer(one) for one in found], self._now())
            except ConnectorError as error:
                self._stopped = self._stopped or error
                return
            self.ground.checkpoint("orders.answered")
            if told < len(found):
                log.warning("orders_answers_unplaced", source=self.source.id, answers=len(found) - told)
            await self.write(lambda session: exchange_orders.answered(session, found, self._now()))  # noqa: B023 - awaited at once

    async def advance(self, upto: str) -> None:
        """Let the cursor pass what is settled."""
        if upto:
            place, now = self._wanted.place.name, self._now()
            await self.write(lambda session: exchange_orders.advance(session, self.source.id, place, upto, now))

    async def _cursor(self) -> str:
        place = self._wanted.place.name
        return await self._read(lambda session: exchange_orders.cursor(session, self.source.id, place))

    def _now(self) -> datetime:
        return self.ground.clock.now()

    async def _read(self, work: Callable[[Session], T]) -> T:
        return await self.ground.database.reading(work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Write in one transaction."""
        return await self.ground.database.writing(work)


#: What a dry run says nothing about: nothing more happens to it.
_OVER = frozenset({OrderState.CONFIRMED, OrderState.SUPERSEDED, OrderState.CANCELLED, OrderState.WAITING})


def _answer(one: KeptOrder) -> Answer:
    written = one.written
    return Answer(
        one.cust_id,
        one.order_no,
        one.revision,
        _STATUS[one.state],
        written.target_id if written else "",
        written.number if written else "",
        "" if one.state is OrderState.WAITING else one.reason,
    )


class TakesOrders:
    """The core's port: knows of a connection where its orders are."""

    def __init__(self, ground: Ground, of: Callable[[Source, Source], Awaitable[OrdersIn]]) -> None:
        self._ground = ground
        self._of = of

    async def take(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Read, check and write what is there; what a person wants again is looked for first."""
        if run.trigger is Trigger.REPLAY:
            await run_again(self._ground, run)
        return await take(self._ground, await self._of(source, books))

    async def dry(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:  # noqa: ARG002 - the port's signature
        """Read and check, and write nothing anywhere."""
        return await dry_run(self._ground, await self._of(source, books))
