"""From kept orders to QuickBooks: claim, check, look whether it is there, write, keep what came of it.

What is in doubt is never sent again before it was looked for, and never looked for before QuickBooks has given up on
the first try. Each order stands for itself: what is wrong with one keeps no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeGuard, TypeVar

import structlog

from connectors.errors import THROTTLED, ConnectorError, Reconnect, Refused, Retry, WriteRefused
from jobs.exchange.orders.books import Books, BooksNow
from jobs.exchange.orders.preflight import Stopped, check, number_taken
from jobs.exchange.orders.sink import SalesOrderSink, SeveralAtOnce, Waiting
from jobs.ground import Ground
from storage.facts.exchange_orders import Into, KeptOrder, Order, OrderState, Trace, Wish, Written
from storage.facts.ids import new_id
from storage.records import exchange_orders, organizations
from storage.sessions import Session

#: QuickBooks gives up on a request after two minutes; before that nobody knows what becomes of it.
QUIET = timedelta(seconds=150)
#: A claim outlives the longest call; who died with it is missed for so long.
HOLD = timedelta(minutes=6)
#: A claim that old is given up unsent: its holder stood still, and somebody else may look soon.
_FRESH = timedelta(minutes=2)
_LONGEST = timedelta(hours=1)
#: orders that are looked at in one go
LOOK = 600
#: calls under way at once, of the ten that QuickBooks takes
WIDTH = 4
#: so many calls in a row without an answer end the turn: the rest waits unsent
_TIRED = 3
NOT_ALLOWED = (
    "Tidings may only read from QuickBooks here. An admin can allow it to write orders, in Slack with /data exchange."
)
_TAKEN = (
    "Another connection to PocketAdvantage brought an order of this number into the same QuickBooks company: give one"
    " of the two another number."
)
_UNREAD = "PocketAdvantage could not be asked yet what it says now. The next turn asks again, and goes on with it."
_IN_DOUBT = "QuickBooks did not say whether it took it. It is looked for there before anything is sent again."

log = structlog.get_logger()
_Outcome = Written | ConnectorError | Waiting | None
T = TypeVar("T")


@dataclass
class Tally:
    """What a turn came to."""

    confirmed: list[tuple[KeptOrder, Written]] = field(default_factory=list)
    changed: list[tuple[KeptOrder, Written]] = field(default_factory=list)
    cancelled: list[KeptOrder] = field(default_factory=list)
    waiting: list[KeptOrder] = field(default_factory=list)
    #: were taken again, and are in QuickBooks as they were
    there: list[KeptOrder] = field(default_factory=list)
    #: said in this turn for the first time: order and reason
    problems: list[tuple[KeptOrder, str]] = field(default_factory=list)
    #: why the turn could not go on
    stopped: ConnectorError | None = None


class Taking:
    """One turn over the orders of one connection."""

    def __init__(
        self,
        ground: Ground,
        source_id: str,
        books: Books,
        sink: SalesOrderSink | None,
        into: Into,
        *,
        width: int = WIDTH,
        may: Callable[[Session], bool] = lambda _session: True,
        gone: Mapping[str, str] | None = None,
        look: int = LOOK,
    ) -> None:
        self.tally = Tally()
        self._ground = ground
        self._source_id = source_id
        self._books = books
        self._sink = sink
        self._into = into
        self._places = asyncio.Semaphore(width)
        self._looked: set[tuple[str, int]] = set()
        self._silent = 0
        self._may = may
        #: by id: why nothing new can be sent of orders that are taken again
        self._gone = gone or {}
        #: orders that are looked at in one go
        self._look = look
        #: nothing more may be sent: it is disconnected, or nobody allows it any more
        self._over = False

    async def run(self) -> None:
        """Do all that is due, until nothing is left of it or nobody answers."""
        while self.tally.stopped is None and not self._over:
            now = self._ground.clock.now()
            # What was looked at and cannot be sent stays due, and keeps nothing behind it out.
            most = self._look + len(self._looked)
            found = await self._read(lambda session: exchange_orders.due(session, self._source_id, now, most))  # noqa: B023 - awaited at once
            # An order that was moved meanwhile is another one: it has another count of attempts.
            fresh = [one for one in found if (one.id, one.attempts) not in self._looked]
            if not fresh:
                return
            self._looked |= {(one.id, one.attempts) for one in fresh}
            await self._take(fresh)

    async def _take(self, found: Sequence[KeptOrder]) -> None:
        looked = [one.order for one in found if one.order is not None]
        books = await self._books.look(looked) if looked else None
        first: list[tuple[KeptOrder, Order]] = []
        doubtful: list[KeptOrder] = []
        alone: list[Callable[[], Awaitable[None]]] = []
        for one in found:
            if one.state is OrderState.SENDING and one.wish is Wish.READY:
                doubtful.append(one)
            elif one.wish is Wish.CANCELLED:
                alone.append(partial(self._cancelled, one))
            elif one.order is not None and (order := await self._passed(one, one.order, books)) is not None:
                first.append((one, order))
        for one, order in await self._amendments(first, alone):
            alone.append(partial(self._first, one, order))
        most = several.most if (several := _several_of(self._sink)) else 1
        alone += [
            partial(self._second, doubtful[start : start + most], books) for start in range(0, len(doubtful), most)
        ]
        await self._all(alone)

    async def _amendments(
        self, first: Sequence[tuple[KeptOrder, Order]], alone: list[Callable[[], Awaitable[None]]]
    ) -> list[tuple[KeptOrder, Order]]:
        """Set apart what changes something that is there; several new ones go with one call where the sink can."""
        plain: list[tuple[KeptOrder, Order]] = []

        def look(session: Session) -> list[Written | None]:
            return [exchange_orders.before(session, one, self._into) for one, _ in first]

        befores = await self._read(look)
        for (one, order), before in zip(first, befores, strict=True):
            if before is None:
                plain.append((one, order))
            else:
                alone.append(partial(self._change, one, order, before))
        several = _several_of(self._sink)
        if several is None:
            return plain
        size = several.most
        alone += [partial(self._several, several, plain[start : start + size]) for start in range(0, len(plain), size)]
        return []

    async def _all(self, works: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Run them side by side; once nobody answers any more, the rest is left as it is."""

        async def one(work: Callable[[], Awaitable[None]]) -> None:
            async with self._places:
                if self.tally.stopped is None and not self._over:
                    await work()

        done = await asyncio.gather(*(one(work) for work in works), return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem

    # -- what may happen to an order ----------------------------------------------------------------------------------

    async def _passed(self, one: KeptOrder, order: Order, books: BooksNow | None) -> Order | None:
        """Return the order as it is sent; None where something stands against it, which is said."""
        found = check(order, books, self._into.target)
        reason = found.reason if isinstance(found, Stopped) else "" if self._sink is not None else NOT_ALLOWED
        if not reason and not isinstance(found, Stopped):
            return found.order
        if await self._write(lambda session: exchange_orders.block(session, one, reason)):
            self.tally.problems.append((one, reason))
        return None

    async def _first(self, one: KeptOrder, order: Order) -> None:
        """Write a new order by itself."""
        mine = await self._claimed([one], new=True)
        for kept in mine:
            await self._settle(kept, await self._call(lambda sink: sink.create(order, kept.request_id)))  # noqa: B023 - awaited at once

    async def _several(self, sink: SeveralAtOnce, part: Sequence[tuple[KeptOrder, Order]]) -> None:
        """Write new orders with one call."""
        orders = {one.id: order for one, order in part}
        mine = await self._claimed([one for one, _ in part], new=True)
        if mine:
            mine = await self._absent(sink, mine, orders)
        if not mine:
            return
        wanted = [(orders[one.id], one.request_id) for one in mine]
        outcomes: Sequence[Written | ConnectorError]
        try:
            outcomes = await sink.create_many(wanted, new_id("pb"))
        except ConnectorError as error:
            outcomes = [error] * len(mine)
        self._ground.checkpoint("orders.sent")
        await self._keep(list(zip(mine, outcomes, strict=True)))

    async def _absent(
        self, sink: SeveralAtOnce, mine: Sequence[KeptOrder], orders: Mapping[str, Order]
    ) -> list[KeptOrder]:
        """Return those that are not in QuickBooks; one that is there is made what it says.

        What is kept here may not be all that was ever sent: a connection was erased and made again, or an order comes
        back after years.
        """
        try:
            there = await sink.find_many([(orders[one.id], one.request_id) for one in mine])
        except ConnectorError as error:
            self._heed([error] * len(mine))
            # Nothing of them was sent.
            await self._write(
                lambda session: [exchange_orders.move(session, one, OrderState.NEW, self._now()) for one in mine]
            )
            return []
        for one, found in zip(mine, there, strict=True):
            if found is not None:
                outcome = await self._call(lambda sink: sink.change(orders[one.id], one.request_id, found))  # noqa: B023 - awaited at once
                await self._settle(one, outcome, changes=True)
        left = [one for one, found in zip(mine, there, strict=True) if found is None]
        taken = [one for one in left if sink.is_taken(orders[one.id])]
        if taken:
            await self._keep([(one, Refused(number_taken(one.order_no), code="number_taken")) for one in taken])
        return [one for one in left if one not in taken]

    async def _change(self, one: KeptOrder, order: Order, before: Written) -> None:
        """Let what an earlier revision became be this one."""
        for kept in await self._claimed([one]):
            outcome = await self._call(lambda sink: sink.change(order, kept.request_id, before))  # noqa: B023 - awaited at once
            await self._settle(kept, outcome, changes=True)

    async def _cancelled(self, one: KeptOrder) -> None:
        """Close what an earlier revision became; where none became anything, there is nothing to close."""
        before = await self._read(lambda session: exchange_orders.before(session, one, self._into))
        if before is not None and self._sink is None:
            if await self._write(lambda session: exchange_orders.block(session, one, NOT_ALLOWED)):
                self.tally.problems.append((one, NOT_ALLOWED))
            return
        for kept in await self._claimed([one]):
            outcome: _Outcome = None
            if before is not None:
                outcome = await self._call(lambda sink: self._close(sink, kept, before))  # noqa: B023 - awaited at once
            await self._settle(kept, outcome, before=before)

    async def _close(self, sink: SalesOrderSink, one: KeptOrder, before: Written) -> None:
        await sink.cancel(_bare(one), one.request_id, before)

    async def _second(self, part: Sequence[KeptOrder], books: BooksNow | None) -> None:
        """Look what came of earlier tries, and only where nothing did, try again."""
        if self._sink is None:
            return
        mine = await self._claimed(part)
        several = _several_of(self._sink)
        for one, found in zip(mine, await self._found(mine), strict=True):
            if isinstance(found, ConnectorError | Waiting):
                await self._settle(one, found, doubted=True)
                continue

            def look(session: Session, one: KeptOrder = one) -> tuple[Written | None, bool]:
                return exchange_orders.before(session, one, self._into), exchange_orders.has_later(session, one)

            before, later = await self._read(look)
            if found is None and not later and several is not None and several.is_taken(_bare(one)):
                # Somebody's, or ours without its note: nobody can know, so that no second one is made.
                await self._settle(one, Refused(number_taken(one.order_no), code="number_taken"))
                continue
            if found is None and not later and several is not None and (now := several.renamed(_bare(one))) is not None:
                # It stands there, and only a person can say whether it is the order still.
                await self._settle(one, Refused(_nameless(one, now), code="renamed"))
                continue
            await self._on(one, _bare(one), found, before, later, books)

    async def _found(self, mine: Sequence[KeptOrder]) -> Sequence[_Outcome]:
        """Return for each what QuickBooks has of it."""
        several = _several_of(self._sink)
        wanted = [(_bare(one), one.request_id) for one in mine]
        if several is None or not mine:
            return [await self._call(lambda sink: sink.find(order, name)) for order, name in wanted]  # noqa: B023 - awaited at once

        def traced(session: Session) -> list[Trace]:
            known = [one.written or exchange_orders.before(session, one, self._into) for one in mine]
            return [
                Trace(there.target_id if there else "", one.read_at) for one, there in zip(mine, known, strict=True)
            ]

        try:
            return await several.find_many(wanted, await self._read(traced))
        except ConnectorError as error:
            return [error] * len(mine)

    async def _on(
        self, one: KeptOrder, order: Order, found: Written | None, before: Written | None, later: bool,  # noqa: FBT001 - a fact
        books: BooksNow | None,
    ) -> None:  # fmt: skip
        """Go on with an order of which is known whether QuickBooks has it."""
        if found is not None and (before is None or one.id in self._gone):
            await self._settle(one, found)
        elif one.id in self._gone and not later:
            await self._moved(one, OrderState.FAILED, self._gone[one.id])
        elif later:
            # Nothing came of it, or the later revision says what is to stand there.
            await self._write(lambda session: exchange_orders.move(session, one, OrderState.SUPERSEDED, self._now()))
        elif one.order is None:
            # It is taken again, and this turn did not come to read it: of nothing nobody can say what is wrong with it.
            again = self._now() + QUIET
            await self._write(
                lambda session: exchange_orders.move(
                    session, one, OrderState.SENDING, self._now(), reason=_UNREAD, next_at=again
                )
            )
        elif isinstance(passed := check(order, books, self._into.target), Stopped):
            await self._moved(one, OrderState.BLOCKED, passed.reason)
        elif found is None:
            await self._settle(one, await self._call(lambda sink: sink.create(passed.order, one.request_id)))
        else:
            changed = await self._call(lambda sink: sink.change(passed.order, one.request_id, found))
            await self._settle(one, changed, changes=True)

    # -- its steps ----------------------------------------------------------------------------------------------------

    async def _claimed(self, found: Sequence[KeptOrder], *, new: bool = False) -> list[KeptOrder]:
        """Say that these are being sent, and return those that nobody else took.

        `new`: nothing of them stands in QuickBooks, so each number must be free there of other connections' orders.
        """
        now = self._now()
        blocked: list[KeptOrder] = []

        def work(session: Session) -> list[KeptOrder]:
            blocked.clear()
            if self._sink is not None and not self._may(session):
                self._over = True
                return []
            if new and found:
                # Of two connections that bring a number at once, the second sees that the first one took it.
                organizations.lock(session, found[0].organization_id)
                taken = exchange_orders.taken_elsewhere(session, found, self._into)
                blocked.extend(
                    one for one in found if one.order_no in taken and exchange_orders.block(session, one, _TAKEN)
                )
                return claimed(session, [one for one in found if one.order_no not in taken])
            return claimed(session, found)

        def claimed(session: Session, found: Sequence[KeptOrder]) -> list[KeptOrder]:
            won = [one for one in found if exchange_orders.claim(session, one, self._into, now, now + HOLD)]
            return [kept for one in won if (kept := exchange_orders.find(session, one.id)) is not None]

        mine = await self._write(work)
        if self._over:
            log.warning("orders_not_wanted", source=self._source_id, orders=len(found))
        self.tally.problems += [(one, _TAKEN) for one in blocked]
        self._looked |= {(one.id, one.attempts) for one in mine}
        self._ground.checkpoint("orders.claimed")
        if mine and self._now() - now > _FRESH:
            # This process stood still: what it claimed may be somebody else's by now. It is looked for again.
            log.warning("orders_claim_outlived", source=self._source_id, orders=len(mine))
            return []
        return mine

    async def _call(self, work: Callable[[SalesOrderSink], Awaitable[Written | None]]) -> _Outcome:
        assert self._sink is not None
        try:
            outcome: _Outcome = await work(self._sink)
        except (ConnectorError, Waiting) as error:
            outcome = error
        self._ground.checkpoint("orders.sent")
        return outcome

    async def _settle(
        self, one: KeptOrder, outcome: _Outcome, *, changes: bool = False, before: Written | None = None,
        doubted: bool = False,
    ) -> None:  # fmt: skip
        await self._keep([(one, outcome)], changes=changes, before=before, doubted=doubted)

    async def _keep(
        self, outcomes: Sequence[tuple[KeptOrder, _Outcome]], *, changes: bool = False, before: Written | None = None,
        doubted: bool = False,
    ) -> None:  # fmt: skip
        """Keep what came of some orders, in one transaction; `doubted`: an earlier try of them may have arrived."""
        now = self._now()
        self._heed([outcome for _, outcome in outcomes])
        moves = [(one, outcome, self._move_of(one, outcome, before, doubted=doubted)) for one, outcome in outcomes]

        def work(session: Session) -> list[bool]:
            return [
                exchange_orders.move(
                    session, one, to.state, now, written=to.written, reason=to.reason, next_at=to.next_at
                )
                for one, _, to in moves
            ]

        won = await self._write(work)
        self._ground.checkpoint("orders.settled")
        for (one, outcome, to), mine in zip(moves, won, strict=True):
            if mine:
                self._count(one, outcome, to, changes=changes)

    def _heed(self, outcomes: Sequence[_Outcome]) -> None:
        """End the turn where the pace, the grant or silence asks for it; a call is one, however many orders it has."""
        problems = [one for one in outcomes if _unanswered(one)]
        pace = next((one for one in problems if isinstance(one, Reconnect) or _throttled(one)), None)
        if pace is not None:
            self.tally.stopped = self.tally.stopped or pace
        if len(problems) < len(outcomes) or not problems:
            self._silent = 0
            return
        self._silent += 1
        if self._silent >= _TIRED or not isinstance(problems[0], Retry):
            self.tally.stopped = self.tally.stopped or problems[0]

    def _move_of(self, one: KeptOrder, outcome: _Outcome, before: Written | None, *, doubted: bool) -> "_Move":
        if _unanswered(outcome):
            return self._doubtful(one, outcome, doubted=doubted)
        if isinstance(outcome, Refused):
            return _Move(OrderState.FAILED, outcome.reason)
        if isinstance(outcome, WriteRefused):
            return _Move(OrderState.BLOCKED, NOT_ALLOWED)
        if isinstance(outcome, Waiting):
            return _Move(OrderState.WAITING, outcome.reason)
        if isinstance(outcome, Written):
            return _Move(OrderState.CONFIRMED, written=outcome)
        return _Move(OrderState.CANCELLED, written=before)

    def _doubtful(self, one: KeptOrder, problem: ConnectorError, *, doubted: bool) -> "_Move":
        """What was certainly not taken is sent again as it is; anything else is in doubt."""
        if not doubted and isinstance(problem, Retry) and _throttled(problem):
            return _Move(OrderState.NEW, next_at=self._now() + timedelta(seconds=problem.after or 60.0))
        if not doubted and isinstance(problem, Reconnect):
            return _Move(OrderState.NEW)
        wait = min(QUIET * (1 << min(max(one.attempts - 1, 0), 6)), _LONGEST)
        return _Move(OrderState.SENDING, _IN_DOUBT, next_at=self._now() + wait)

    def _count(self, one: KeptOrder, outcome: _Outcome, to: "_Move", *, changes: bool) -> None:
        known = one.written.target_id if one.written is not None else ""
        if isinstance(outcome, Written) and not changes and outcome.target_id == known:
            self.tally.there.append(one)
        elif isinstance(outcome, Written):
            (self.tally.changed if changes else self.tally.confirmed).append((one, outcome))
        elif to.state is OrderState.CANCELLED:
            self.tally.cancelled.append(one)
        elif to.state is OrderState.WAITING:
            self.tally.waiting.append(one)
        elif to.state in {OrderState.FAILED, OrderState.BLOCKED}:
            self.tally.problems.append((one, to.reason))
            log.info("order_refused", source=self._source_id, order=one.id, code=getattr(outcome, "code", ""))

    async def _moved(self, one: KeptOrder, state: OrderState, reason: str) -> None:
        if await self._write(lambda session: exchange_orders.move(session, one, state, self._now(), reason=reason)):
            self.tally.problems.append((one, reason))

    def _now(self) -> datetime:
        return self._ground.clock.now()

    async def _read(self, work: Callable[[Session], T]) -> T:
        return await self._ground.database.reading(work)

    async def _write(self, work: Callable[[Session], T]) -> T:
        return await self._ground.database.writing(work)


@dataclass(frozen=True, slots=True)
class _Move:
    """Where an order goes."""

    state: OrderState
    reason: str = ""
    written: Written | None = None
    next_at: datetime | None = None


def _unanswered(outcome: _Outcome) -> TypeGuard[ConnectorError]:
    """Whether QuickBooks said nothing about the order itself."""
    return isinstance(outcome, ConnectorError) and not isinstance(outcome, Refused | WriteRefused)


def _throttled(outcome: _Outcome) -> bool:
    return isinstance(outcome, Retry) and outcome.code == THROTTLED


def _several_of(sink: object) -> SeveralAtOnce | None:
    return sink if isinstance(sink, SeveralAtOnce) else None


def _nameless(one: KeptOrder, number: str) -> str:
    there = f"has the number {number}" if number else "has no number"
    return (
        f"The estimate that it became {there} in QuickBooks now, and not the note PA {one.order_no}: give it that note"
        " again, or delete it there. Then take the order again."
    )


def _bare(one: KeptOrder) -> Order:
    """Return an order of which only the number counts: what is looked for, or closed."""
    day = one.read_at.date()
    return one.order or Order(one.cust_id, one.order_no, one.revision, day, "", ())
