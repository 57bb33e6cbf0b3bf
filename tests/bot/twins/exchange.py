"""A small exchange for the bot's tests: one connection, with its pairs in a dict."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from bot.cli.samples.exchange import a_run, some_orders, the_exchange
from bot.cli.samples.exchange_mapping import the_look, the_mapping
from bot.cli.samples.facts import QUICKBOOKS
from jobs.authorize import authorize
from jobs.errors import NotFoundError, TooLateError
from jobs.exchange.adapting import MappingRefusedError
from jobs.exchange.service import ScheduleRefusedError
from jobs.exchange.writing import Writing
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import ExchangeRun, RunState, Trigger, read_schedule
from storage.facts.exchange_mapping import MappingLook, MappingSaved, MappingView, MappingWish
from storage.facts.exchange_orders import KeptOrder
from storage.facts.exchange_view import ExchangeView, FileVersion, PairView, RunView
from storage.facts.people import Action, Actor
from storage.facts.sources import Source

AT = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)


@dataclass
class TwinOrderWriting:
    """One QuickBooks company, in which no orders may be created."""

    books: Source = QUICKBOOKS
    is_allowed: bool = False
    against: str = ""

    async def shown(self, actor: Actor) -> list[Writing]:
        authorize(actor, Action.ALLOW_ORDERS)
        return [Writing(self.books, self.is_allowed)]

    async def allow(self, actor: Actor, source_id: str) -> Writing:
        return self._set(actor, source_id, allowed=True)

    async def withdraw(self, actor: Actor, source_id: str) -> Writing:
        return self._set(actor, source_id, allowed=False)

    def _set(self, actor: Actor, source_id: str, *, allowed: bool) -> Writing:
        authorize(actor, Action.ALLOW_ORDERS)
        if source_id != self.books.id:
            raise NotFoundError
        if self.against:
            raise TooLateError(self.against)
        changed, self.is_allowed = self.is_allowed is not allowed, allowed
        return Writing(self.books, allowed, changed)


@dataclass
class TwinAdapting:
    """The sample's mapping; a text with the word wrong in it is refused, and `against` all that is tried."""

    known: MappingView = field(default_factory=the_mapping)
    saved: dict[str, MappingWish] = field(default_factory=dict)
    against: str = ""

    async def view(self, actor: Actor, pair_id: str) -> MappingView:
        authorize(actor, Action.SEE_STATUS)
        if pair_id != self.known.pair_id:
            raise NotFoundError
        return self.known

    async def check(self, actor: Actor, wish: MappingWish) -> None:
        authorize(actor, Action.CHANGE_EXCHANGE)
        if wish.pair_id != self.known.pair_id:
            raise NotFoundError
        if "wrong" in wish.layer:
            raise MappingRefusedError(["line 3: customers PHONE: not allowed at col 1: there is no field wrong"])
        if wish.seen != self.known.number or self.against:
            raise TooLateError(self.against or "Maya Chen saved version 5 of the mapping meanwhile; look at it first")

    async def look(self, actor: Actor, wish: MappingWish) -> MappingLook:
        await self.check(actor, wish)
        return the_look(wish)

    async def save(self, actor: Actor, wish: MappingWish, trigger: TriggerKey) -> MappingSaved:
        await self.check(actor, wish)
        self.saved[trigger.trigger_id] = wish
        return MappingSaved(self.known.pair, wish.seen + 1)


@dataclass
class TwinExchange:
    """Keeps what was asked of it; every run ends at once."""

    known: list[ExchangeView] = field(default_factory=lambda: [the_exchange()])
    #: what was done, with the trigger's id
    did: list[tuple[str, str, str]] = field(default_factory=list)
    runs: dict[str, ExchangeRun] = field(default_factory=dict)
    #: why nothing can be begun; empty: it can
    against: str = ""

    async def view(self, actor: Actor) -> list[ExchangeView]:
        authorize(actor, Action.SEE_STATUS)
        return self.known

    async def one(self, actor: Actor, pair_id: str) -> PairView:
        authorize(actor, Action.SEE_STATUS)
        for view in self.known:
            for one in view.pairs:
                if one.pair.id == pair_id:
                    return one
        raise NotFoundError

    async def run(self, actor: Actor, run_id: str) -> RunView:
        authorize(actor, Action.SEE_STATUS)
        one = self.known[0].pairs[0]
        found = self.runs.get(run_id) or one.last
        assert found is not None
        return RunView(found, one.pair)

    async def history(self, actor: Actor, pair_id: str) -> list[ExchangeRun]:
        authorize(actor, Action.SEE_HISTORY)
        one = await self.one(actor, pair_id)
        return [one.last] if one.last else []

    async def choose_books(self, actor: Actor, source_id: str, books_id: str, trigger: TriggerKey) -> ExchangeView:
        authorize(actor, Action.CHANGE_EXCHANGE)
        if self.against:
            raise TooLateError(self.against)
        view = next((one for one in self.known if one.source.id == source_id), None)
        books = next((one for one in view.companies if one.id == books_id), None) if view else None
        if view is None or books is None:
            raise NotFoundError
        self.did.append((f"books {books_id}", source_id, trigger.trigger_id))
        return replace(the_exchange(), source=view.source, books=books)

    async def start(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, "start", pair_id, Trigger.PERSON, RunState.DONE, trigger)

    async def dry_run(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, "dry", pair_id, Trigger.DRY, RunState.DRY, trigger)

    async def release(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, f"release {run_id}", "xpr_items", Trigger.RELEASE, RunState.DONE, trigger)

    async def discard(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, f"discard {run_id}", "xpr_items", Trigger.PERSON, RunState.DISCARDED, trigger)

    async def restore(self, actor: Actor, pair_id: str, name: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, f"restore {name}", pair_id, Trigger.RESTORE, RunState.DONE, trigger)

    async def _begun(
        self, actor: Actor, what: str, pair_id: str, why: Trigger, ends: RunState, trigger: TriggerKey
    ) -> ExchangeRun:
        authorize(actor, Action.RUN_EXCHANGE)
        if self.against:
            raise TooLateError(self.against)
        one = await self.one(actor, pair_id)
        self.did.append((what, pair_id, trigger.trigger_id))
        begun = a_run(one.pair.pair, trigger=why, state=RunState.QUEUED, finished_at=None)
        self.runs[begun.id] = replace(begun, state=ends, finished_at=AT + timedelta(seconds=3))
        return begun

    async def pause(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        authorize(actor, Action.RUN_EXCHANGE)
        self.did.append(("pause", pair_id, trigger.trigger_id))
        one = await self.one(actor, pair_id)
        return replace(one, pair=replace(one.pair, paused_at=AT, paused_by="Daniel Kim"))

    async def resume(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        authorize(actor, Action.RUN_EXCHANGE)
        self.did.append(("resume", pair_id, trigger.trigger_id))
        return await self.one(actor, pair_id)

    async def switch(self, actor: Actor, pair_id: str, trigger: TriggerKey, *, on: bool) -> PairView:
        authorize(actor, Action.CHANGE_EXCHANGE)
        self.did.append((f"switch {on}", pair_id, trigger.trigger_id))
        one = await self.one(actor, pair_id)
        return replace(one, pair=replace(one.pair, on=on))

    async def preview_schedule(self, actor: Actor, pair_id: str, words: str) -> Sequence[datetime]:
        authorize(actor, Action.RUN_EXCHANGE)
        await self.one(actor, pair_id)
        try:
            read_schedule(words)
        except ValueError as error:
            raise ScheduleRefusedError("that is no schedule that can be kept") from error
        return [AT + timedelta(days=1), AT + timedelta(days=2)]

    async def schedule(self, actor: Actor, pair_id: str, words: str, seen: int, trigger: TriggerKey) -> PairView:
        authorize(actor, Action.RUN_EXCHANGE)
        one = await self.one(actor, pair_id)
        if seen != one.pair.schedule_version:
            raise TooLateError("somebody changed the schedule meanwhile")
        self.did.append((f"schedule {words}", pair_id, trigger.trigger_id))
        return replace(one, pair=replace(one.pair, schedule=read_schedule(words)))

    async def replay(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, f"replay {run_id}", "xpr_orders", Trigger.REPLAY, RunState.DONE, trigger)

    async def sent_since(self, actor: Actor, pair_id: str, day: date) -> int:
        authorize(actor, Action.RUN_EXCHANGE)
        await self.one(actor, pair_id)
        return 188 if day.year == AT.year else 0

    async def send_again(self, actor: Actor, pair_id: str, day: date, trigger: TriggerKey) -> ExchangeRun:
        return await self._begun(actor, f"again {day}", pair_id, Trigger.REPLAY, RunState.DONE, trigger)

    async def orders(self, actor: Actor, pair_id: str, text: str) -> list[KeptOrder]:
        authorize(actor, Action.SEE_STATUS)
        return [one for one in some_orders() if text in {one.order_no, one.written and one.written.number}]

    async def order_again(self, actor: Actor, pair_id: str, order_no: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.RUN_EXCHANGE)
        self.did.append((f"again {order_no}", pair_id, trigger.trigger_id))
        return f"Order {order_no} is looked for in QuickBooks, and sent again only if it is not there."

    async def versions(self, actor: Actor, pair_id: str) -> list[FileVersion]:
        authorize(actor, Action.RUN_EXCHANGE)
        await self.one(actor, pair_id)
        return [FileVersion("customer.fil.20261120T070301Z.1a2b3c4d.fil", 1_204_551, AT - timedelta(days=1))]
