"""Twins of what refreshes sources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from jobs.authorize import authorize
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError, UnavailableError
from jobs.plans import read_plan
from jobs.promise_words import read_words
from jobs.promises import turns
from jobs.promising import Promised
from jobs.refresh.ask import Joined, LeftOut, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.clicks import Played
from jobs.refresh.held import HeldRead
from jobs.refresh.rereading import Preview, RereadRefusedError, Wanted
from jobs.schedule import schedule_of
from jobs.schedules import Planned
from jobs.slots import next_slots
from storage.facts.access import AccessStanding
from storage.facts.clicks import Click
from storage.facts.clock import Clock
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.promises import Promise
from storage.facts.runs import Held, RunState
from storage.facts.sources import ConnectionState, Provider, Source
from storage.facts.status import RefreshStatus, SourceStatus
from tests.bot.twins.showing import TwinStatus
from tests.bot.twins.world import AT, SHOP, run_of, status_of


@dataclass
class TwinRefresh:
    """Starts a refresh in memory; the same trigger gives what it gave first."""

    status: TwinStatus
    clock: Clock
    asked: list[Scope] = field(default_factory=list)
    #: the effects: what was really started
    started: list[tuple[str, Scope, Place]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    first: dict[TriggerKey, Outcome] = field(default_factory=dict)
    busy: bool = False
    broken: bool = False
    #: the organization has no access to refreshes
    closed: bool = False

    async def _sources(self, actor: Actor, scope: Scope) -> list[Source]:
        known = await self.status.sources(actor)
        if scope.everything:
            return known
        chosen = [one for one in known if one.id in scope.source_ids]
        if len(chosen) != len(scope.source_ids):
            raise NotFoundError
        return chosen

    def _accessible(self, scope: Scope) -> None:
        if self.closed:
            raise NoAccessError(AccessStanding("Temerity Goods", None, waiting=False), scope)

    async def ask(self, actor: Actor, scope: Scope) -> list[SourceStatus]:
        authorize(actor, Action.START_REFRESH)
        self._accessible(scope)
        self.asked.append(scope)
        return [status_of(one) for one in await self._sources(actor, scope)]

    async def choices(self, actor: Actor) -> list[SourceStatus]:
        authorize(actor, Action.START_REFRESH)
        return [status_of(one) for one in await self.status.sources(actor)]

    async def request(self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place) -> Outcome:
        who = authorize(actor, Action.START_REFRESH)
        if self.broken:
            raise RuntimeError("xoxb-1234567890-abcdefghij must not be seen")
        if self.busy:
            raise UnavailableError("busy")
        if trigger in self.first:
            return Joined(self.view(who), newly=False)
        self._accessible(scope)
        chosen = await self._sources(actor, scope)
        connected = tuple(one for one in chosen if one.connection is not ConnectionState.DISCONNECTED)
        if not connected:
            outcome: Outcome = LeftOut(tuple(chosen))
        elif self.started:
            outcome = Joined(self.view(who), newly=True)
        else:
            self.started.append((derived_id("rfr", trigger.trigger_id), scope, place))
            outcome = Started("rfr_1", connected)
        self.first[trigger] = outcome
        return outcome

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        who = authorize(actor, Action.CANCEL_REFRESH)
        if refresh_id != "rfr_1":
            raise NotFoundError
        self.cancelled.append(refresh_id)
        return self.view(who)

    def view(self, who: Member | None) -> RefreshStatus:
        name = who.name if who else "Maya Ortiz"
        runs = ((SHOP, run_of(SHOP, state=RunState.RUNNING)),)
        return RefreshStatus("rfr_1", "org_temerity", "Temerity Goods", AT, name, False, runs, {}, (name,), None, None, None,
                             {}, {})  # fmt: skip


@dataclass
class TwinClicks:
    """Keeps clicks in memory until they are played."""

    refresh: TwinRefresh
    known: Mapping[SlackIdentity, Actor]
    rows: dict[tuple[str, str], Click] = field(default_factory=dict)
    #: how often the database is busy when a click is played
    busy: int = 0

    async def accept(
        self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place, request: Mapping[str, object]
    ) -> Click | None:
        who = authorize(actor, Action.START_REFRESH)
        if self.refresh.busy:
            raise UnavailableError("busy")
        sources = None if scope.everything else scope.source_ids
        click = Click(trigger.team_id, trigger.trigger_id, who.organization_id, actor.identity, place.channel_id, sources,
                      scope.only_stale, self.refresh.clock.now(), json.dumps(request))  # fmt: skip
        if click.key in self.rows:
            return None
        self.rows[click.key] = click
        return click

    async def play(self, click: Click) -> Played | None:
        if self.busy:
            self.busy -= 1
            raise UnavailableError("busy")
        if click.key not in self.rows:
            return None
        actor = self.known.get(click.identity, Actor(click.identity, None))
        scope = Scope(
            everything=click.source_ids is None, source_ids=click.source_ids or (), only_stale=click.only_stale
        )
        place = Place(click.team_id, click.channel_id)
        try:
            outcome = await self.refresh.request(actor, scope, TriggerKey(*click.key), place)
        except (NotAllowedError, NoAccessError, NotFoundError) as refused:
            return Played(actor, None, refused)
        if not isinstance(outcome, LeftOut):
            del self.rows[click.key]
        return Played(actor, outcome, None)

    async def settle(self, click: Click) -> None:
        self.rows.pop(click.key, None)

    async def waiting(self, longer_than: timedelta) -> list[Click]:
        return [click for click in self.rows.values() if click.at < self.refresh.clock.now() - longer_than]


@dataclass
class TwinHeld:
    """One read of Shopify that waits for a person."""

    loaded: list[str] = field(default_factory=list)

    async def ask(self, actor: Actor, run_id: str) -> HeldRead:
        authorize(actor, Action.LOAD_HELD)
        if run_id != "run_held":
            raise NotFoundError
        return HeldRead(SHOP, replace(run_of(SHOP, state=RunState.FAILED), id=run_id), Held("orders", 200, 80))

    async def load(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        held = await self.ask(actor, run_id)
        self.loaded.append(trigger.trigger_id)
        return Started("rfr_held", (held.source,))


@dataclass
class TwinMissing:
    """One run of Shopify that could not read a stream."""

    async def retry(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        authorize(actor, Action.START_REFRESH)
        if run_id != "run_partly":
            raise NotFoundError
        return Started("rfr_alone", (SHOP,))


@dataclass
class TwinAsks:
    """Keeps interactions in memory."""

    kept: dict[str, Mapping[str, object]] = field(default_factory=dict)

    async def persist(self, kind: str, team_id: str, trigger_id: str, payload: Mapping[str, object]) -> str:
        ask_id = derived_id("ask", team_id, trigger_id)
        self.kept.setdefault(ask_id, payload)
        return ask_id

    async def load(self, ask_id: str) -> Mapping[str, Any] | None:
        return self.kept.get(ask_id)


@dataclass
class TwinRereads:
    """A shop whose orders can be read again."""

    started: list[tuple[Wanted, str]] = field(default_factory=list)

    def stream_named(self, provider: Provider, words: str) -> str:
        return words if words == "orders" and provider is SHOP.provider else ""

    async def preview(self, actor: Actor, wanted: Wanted) -> Preview:
        authorize(actor, Action.REREAD)
        if wanted.since is not None and wanted.since > AT.date():
            raise RereadRefusedError("future")
        return Preview(SHOP, wanted, wanted.stream.title(), 754.0)

    async def start(self, actor: Actor, wanted: Wanted, trigger: TriggerKey, place: Place) -> Outcome:
        await self.preview(actor, wanted)
        self.started.append((wanted, trigger.trigger_id))
        return Started("rfr_again", (SHOP,))


@dataclass
class TwinPromises:
    """The shop's promise."""

    saved: list[tuple[str, str]] = field(default_factory=list)

    async def preview(self, actor: Actor, source_id: str, words: str) -> Promised | None:
        authorize(actor, Action.CHANGE_PROMISE)
        wanted = read_words(words)
        if wanted is None:
            return None
        promise = wanted if isinstance(wanted, Promise) else None
        source = replace(SHOP, promise=promise, zone="America/New_York")
        late, overdue = turns(source, AT)
        return Promised(source, SHOP, AT, late, overdue, turns(SHOP, AT)[0], (), str(promise), source.zone)

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Promised:
        found = await self.preview(actor, source_id, words)
        assert found is not None
        self.saved.append((source_id, found.words))
        return found


@dataclass
class TwinSchedules:
    """The shop's schedule."""

    saved: list[tuple[str, str]] = field(default_factory=list)

    async def preview(self, actor: Actor, source_id: str, words: str) -> Planned | None:
        authorize(actor, Action.CHANGE_SCHEDULE)
        plan = read_plan(words, SHOP.provider)
        if plan is None:
            return None
        source = replace(SHOP, schedule_minutes=plan.minutes, rule=plan.rule, zone="America/New_York")
        return Planned(source, SHOP, next_slots(schedule_of(source), AT, 5), plan.words, source.zone)

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Planned:
        found = await self.preview(actor, source_id, words)
        if found is None or source_id != SHOP.id:
            raise NotFoundError
        self.saved.append((words, trigger.trigger_id))
        return found
