"""A small twin of the services: everything in memory, every call written down."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError
from jobs.access import AccessAnswer, Wish
from jobs.api_keys import NewKey
from jobs.authorize import authorize, authorize_support
from jobs.channels import ChannelRefusedError, ChannelView
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.views import Link, Offer, Parted, Parting
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError, TooLateError, UnavailableError
from jobs.escalating.due import rehearsed
from jobs.escalating.wishes import PolicyRefusedError, read_wish, wished
from jobs.explain.chain import explain_metric
from jobs.explain.tree import explain
from jobs.incidents.handling import LONGEST as LONGEST_SNOOZE
from jobs.incidents.handling import Snooze, SnoozePreview
from jobs.incidents.muting import USUAL, Muting
from jobs.incidents.until import read_until
from jobs.installs.leaving import Departure, Left
from jobs.members import Changed
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.choosing import Names, filter_of, items_of
from jobs.metrics.export import FileForm
from jobs.metrics.files import Links
from jobs.metrics.filling import complaints, filled
from jobs.metrics.fitting import BEGINS, fits
from jobs.metrics.making import Saved
from jobs.metrics.posting import Posted
from jobs.metrics.service import NotConnectedError
from jobs.outgoing.service import Made
from jobs.pages.service import PageLink
from jobs.plans import read_plan
from jobs.promise_words import read_words
from jobs.promises import turns
from jobs.promising import Promised
from jobs.refresh.ask import Joined, LeftOut, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.clicks import Played
from jobs.refresh.held import HeldRead
from jobs.refresh.rereading import Preview, RereadRefusedError, Wanted
from jobs.rooms import Room
from jobs.schedule import schedule_of
from jobs.schedules import Planned
from jobs.slots import next_slots
from jobs.subscriptions.own import OwnChanges
from jobs.timelines import SentAgain
from storage.facts.access import AccessRequest, AccessStanding, AskedAccess
from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.audit import AuditPage
from storage.facts.begun import Asker, Begun
from storage.facts.clicks import Click
from storage.facts.clock import Clock, SystemClock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.digests import DigestView
from storage.facts.estimates import Calibration
from storage.facts.explain import Evidence, Explanation
from storage.facts.feedback import Feedback, Given, Verdict
from storage.facts.home import Administration, Index
from storage.facts.ids import derived_id
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.landed import LandedAnswer, Sought, Standing
from storage.facts.metric_drafts import Desk as FormDesk
from storage.facts.metric_drafts import Draft, Filling, Pick
from storage.facts.metric_why import MetricEvidence, MetricWhy
from storage.facts.metrics import Dataset, Definition, ItemKind, Metric, MetricState, PostTime, Selection, Shown
from storage.facts.mutes import LONGEST, Mute
from storage.facts.outgoing import TOLD_OF, Endpoint, Send
from storage.facts.own import Own
from storage.facts.people import Action, Actor, GroupRole, Member, Role, SlackIdentity
from storage.facts.policies import DEFAULT_POLICY, PlannedCall, Policy, PolicyView, StepKind
from storage.facts.promises import Promise
from storage.facts.quiet import Digest, Quiet, QuietView, Rhythm
from storage.facts.receipts import ReceiptPage
from storage.facts.restated import Restated
from storage.facts.runs import Clocks, Held, Run, RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.shared import Answer
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Organization, Provider, Source
from storage.facts.status import RefreshStatus, SourceStatus
from storage.facts.subscriptions import ChannelChoice, ChannelChoices, Choice, Choices, Topic, Ways
from storage.facts.talk import Conversation
from storage.facts.timelines import Reader as TimelineReader
from storage.facts.timelines import Timeline, Told
from tests.bot.desktop_twins import TwinDesktops
from tests.bot.exchange_twins import TwinExchange, TwinOrderWriting

AT = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)


def source(identifier: str, provider: Provider, label: str, *, organization: str = "org_temerity",
           company: str = "Temerity Goods", connection: ConnectionState = ConnectionState.CONNECTED) -> Source:  # fmt: skip
    return Source(
        id=identifier,
        organization_id=organization,
        provider=provider,
        account=label,
        label=label,
        company=company,
        mode=CollectMode.TIMER if provider is Provider.QUICKBOOKS else CollectMode.ON_DEMAND,
        schedule_minutes=60,
        schedule_version=1,
        connection=connection,
        connection_reason=None if connection is ConnectionState.CONNECTED else "the grant was revoked",
        connection_since=AT,
    )


QBO = source("src_qbo", Provider.QUICKBOOKS, "quickbooks_9341", company="Temerity Goods LLC")
SHOP = source("src_shop", Provider.SHOPIFY, "temeritygoods.myshopify.com", company="Temerity Goods Store")
OTHERS = source("src_other", Provider.SHOPIFY, "rival.myshopify.com", organization="org_rival", company="Rival")


def run_of(one: Source, *, state: RunState = RunState.READY) -> Run:
    clocks = Clocks(AT, source_as_of=AT, loaded_at=AT, ready_at=AT)
    return Run(f"run_{one.id}", one.organization_id, one.id, Trigger.REQUEST, state, None, 1, 1, clocks, AT, AT, 10, None,
               AT, None, None)  # fmt: skip


def status_of(one: Source) -> SourceStatus:
    return SourceStatus(one, Freshness.FRESH, run_of(one), None, None, AT + timedelta(hours=1), None)


def member(user: str, name: str, role: Role, team: str = "T0TEMERITY", email: str | None = None) -> Member:
    return Member(
        f"mem_{user}", "org_temerity", team, user, name, role, "America/New_York", email, email_confirmed=False
    )


MEMBERS = (
    member("U0MAYA", "Maya Ortiz", Role.REFRESHER, email="maya@temeritygoods.example"),
    member("U0DANIEL", "Daniel Kim", Role.ADMIN, email="daniel@temeritygoods.example"),
    member("U0PRIYA", "Priya Nair", Role.VIEWER, email="priya@temeritygoods.example"),
    member("U0NOMAIL", "Noor Haddad", Role.REFRESHER),
)


@dataclass
class TwinPeople:
    """Knows everybody of the world, or nobody until asked (`cold`)."""

    cold: bool = False
    known: dict[SlackIdentity, Actor] = field(default_factory=dict)
    changed: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in MEMBERS:
            identity = SlackIdentity(one.team_id, one.user_id)
            self.known[identity] = Actor(identity, one)
        sam = SlackIdentity("T0SUPPORT", "U0SAM")
        self.known[sam] = Actor(sam, None, support=True)

    async def actor(self, identity: SlackIdentity, *, rechecked: bool = False) -> Actor | None:
        return None if self.cold else self.known.get(identity, Actor(identity, None))

    async def readers(self, _team_id: str, identities: Collection[SlackIdentity]) -> dict[SlackIdentity, Actor | None]:
        return {identity: await self.actor(identity) for identity in identities}

    def reader(self, identity: SlackIdentity) -> Actor | None:
        return None if self.cold else self.known.get(identity)

    async def learn(self, identity: SlackIdentity) -> Actor:
        self.cold = False
        return self.known.get(identity, Actor(identity, None))

    def profile_changed(self, event: Mapping[str, Any]) -> None:
        self.changed.append(event)

    async def admins(self, organization_id: str) -> list[Member]:
        return [one for one in MEMBERS if one.role is Role.ADMIN and one.organization_id == organization_id]

    async def organization(self, organization_id: str) -> Organization:
        return Organization(organization_id, "Temerity Goods", "America/New_York", None, None, None)


@dataclass
class TwinStatus:
    """The state of every source; the others' are there, too, and must not be seen."""

    everything: list[Source] = field(default_factory=lambda: [QBO, SHOP, OTHERS])
    slow: bool = False

    async def sources(self, actor: Actor) -> list[Source]:
        if self.slow:
            raise UnavailableError("busy")
        who = authorize(actor, Action.SEE_STATUS)
        return [one for one in self.everything if one.organization_id == who.organization_id]

    async def connections(self, actor: Actor) -> list[Source]:
        return await self.sources(actor)

    async def all(self, actor: Actor, *, with_durations: bool = False) -> list[SourceStatus]:
        return [status_of(one) for one in await self.sources(actor)]

    async def begun(self, actor: Actor, source_ids: Sequence[str], limit: int = 50) -> list[Begun]:
        authorize(actor, Action.SEE_HISTORY)
        known = [one for one in await self.sources(actor) if one.id in source_ids]
        return [Begun(run_of(one), (Asker("Maya Ortiz", "U0MAYA"),)) for one in known][:limit]

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        for found in await self.all(actor):
            if found.source.id == source_id:
                return found
        raise NotFoundError

    async def history(self, actor: Actor, source_id: str | None, limit: int = 10) -> tuple[list[Run], dict[str, str]]:
        authorize(actor, Action.SEE_HISTORY)
        known = [one for one in await self.sources(actor) if source_id in (None, one.id)]
        if not known:
            raise NotFoundError
        return [run_of(one) for one in known][:limit], {}

    async def calibration(self, actor: Actor, source_id: str) -> Calibration | None:
        authorize(actor, Action.SEE_AUDIT)
        return Calibration(48, 0.5, 0.91)


@dataclass(frozen=True)
class OpenTwin:
    identity: SlackIdentity
    showing: str


@dataclass
class TwinHome:
    """The index of the same sources; how the organization is set up for admins alone."""

    status: TwinStatus
    open: list[tuple[SlackIdentity, str]] = field(default_factory=list)
    changed: list[OpenTwin] = field(default_factory=list)
    #: who was drawn, and who could not be
    settled: list[tuple[SlackIdentity, bool]] = field(default_factory=list)

    async def opened(self, actor: Actor, showing: str) -> None:
        self.open.append((actor.identity, showing))

    async def take_changed(self) -> list[OpenTwin]:
        found, self.changed = self.changed, []
        return found

    async def drawn(self, view: OpenTwin) -> None:
        self.settled.append((view.identity, True))

    async def refused(self, view: OpenTwin) -> bool:
        self.settled.append((view.identity, False))
        return True

    async def index(self, actor: Actor) -> Index:
        who = authorize(actor, Action.SEE_STATUS)
        found = tuple(await self.status.all(actor))
        company = Organization(
            who.organization_id, "Temerity Goods", "America/New_York", "help@tidings.example", None, "Sam Ode"
        )
        settings = Administration({Role.ADMIN: 1, Role.REFRESHER: 2, Role.VIEWER: 1}, webhooks=1)
        return Index(company, found, {QBO.id: "Daniel Kim"}, settings if who.role is Role.ADMIN else None)


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
class TwinEscalation:
    """One escalated refresh, `rfr_1`."""

    refresh: TwinRefresh
    done: list[tuple[str, str]] = field(default_factory=list)

    async def _act(self, what: str, action: Action, actor: Actor, refresh_id: str) -> RefreshStatus:
        authorize_support(actor, action, named_in_post=refresh_id == "rfr_1")
        if ("cancel", refresh_id) in self.done:
            raise TooLateError("This refresh ended already.")
        self.done.append((what, refresh_id))
        return self.refresh.view(None)

    async def acknowledge(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("acknowledge", Action.ACKNOWLEDGE_ESCALATION, actor, refresh_id)

    async def retry(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("retry", Action.RETRY_ESCALATED, actor, refresh_id)

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("cancel", Action.CANCEL_ESCALATED, actor, refresh_id)


@dataclass
class TwinIncidents:
    """One incident of Temerity's shop, `inc_1`."""

    done: list[str] = field(default_factory=list)

    def _found(self, actor: Actor, incident_id: str) -> Incident:
        who = authorize(actor, Action.HANDLE_INCIDENT)
        if incident_id not in {"inc_1", SHOP.id} or who.organization_id != SHOP.organization_id:
            raise NotFoundError
        return Incident("inc_1", who.organization_id, SHOP.id, IncidentKind.LATE, "it is late", AT, None, 0, None, None)

    async def preview(self, actor: Actor, incident_id: str, words: str = "") -> SnoozePreview | None:
        until = read_until(words, AT, "America/New_York", longest=LONGEST_SNOOZE) if words else AT + timedelta(hours=1)
        if until is None:
            return None
        choice = None if words else Snooze.HOUR
        return SnoozePreview(self._found(actor, incident_id), (SHOP,), ((choice, until),), None)

    async def acknowledge(self, actor: Actor, incident_id: str, trigger: TriggerKey) -> Incident:
        found = self._found(actor, incident_id)
        self.done.append("acknowledge")
        return replace(found, acknowledged_by="Daniel Kim", acknowledged_at=AT)

    async def snooze(self, actor: Actor, incident_id: str, choice: Snooze | datetime, trigger: TriggerKey) -> Incident:
        found = self._found(actor, incident_id)
        self.done.append(choice.value if isinstance(choice, Snooze) else choice.isoformat())
        return replace(found, snoozed_by="Daniel Kim", snoozed_until=AT)


@dataclass
class TwinPolicies:
    """Temerity's policy; its people and the channel #ops can be called."""

    policy: Policy = DEFAULT_POLICY
    saved: list[tuple[str, str]] = field(default_factory=list)

    async def shown(self, actor: Actor) -> PolicyView:
        authorize(actor, Action.CHANGE_ESCALATION)
        return self._view(self.policy)

    def _view(self, policy: Policy) -> PolicyView:
        calls = [PlannedCall(due.at, tuple(policy.steps[n] for n in due.numbers if due.kind == "step"))
                 for due in rehearsed(policy, AT, again=1)]  # fmt: skip
        return PolicyView("Temerity Goods", policy, tuple(calls), frozenset(), 1, 7)

    def _find(self, kind: StepKind, who: str) -> tuple[str, str]:
        known = {"<#c0ops|ops>": ("T0TEMERITY/C0OPS", "#ops"), "<@u0maya>": ("T0TEMERITY/U0MAYA", "Maya Ortiz"),
                 "<#c0finance|c0finance>": ("T0TEMERITY/C0FINANCE", "#finance")}  # fmt: skip
        if who not in known:
            raise PolicyRefusedError(kind.value)
        return known[who]

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        authorize(actor, Action.CHANGE_ESCALATION)
        wish = read_wish(words)
        return None if wish is None else self._view(wished(self.policy, wish, self._find))

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        if trigger.trigger_id not in [one for one, _ in self.saved]:
            found = await self.preview(actor, words)
            assert found is not None
            assert seen == found.seen
            self.saved.append((trigger.trigger_id, words))
            self.policy = found.policy
        return self._view(self.policy)


@dataclass
class TwinMutes:
    """What is muted of the shop."""

    status: TwinStatus
    saved: list[tuple[str, ...]] = field(default_factory=list)

    def _found(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], until: datetime | None) -> Muting:
        who = authorize(actor, Action.MUTE_ALARMS)
        if source_id != SHOP.id or who.organization_id != SHOP.organization_id:
            raise NotFoundError
        return Muting(SHOP, tuple(kinds), until, (), 4, 7)

    async def preview(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], words: str) -> Muting | None:
        until = read_until(words or USUAL, AT, "America/New_York", longest=LONGEST)
        return None if until is None else self._found(actor, source_id, kinds, until)

    async def mute(
        self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], until: datetime, seen: int,
        trigger: TriggerKey,
    ) -> Muting:  # fmt: skip
        assert seen == 7
        found = self._found(actor, source_id, kinds, until)
        if trigger.trigger_id not in [one[0] for one in self.saved]:
            self.saved.append((trigger.trigger_id, *kinds, until.isoformat()))
            muted = replace(SHOP, mutes=tuple(Mute(kind, "mem_U0DANIEL", "Daniel Kim", AT, until) for kind in kinds))
            self.status.everything = [muted if one.id == SHOP.id else one for one in self.status.everything]
        return found

    async def lift(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], trigger: TriggerKey) -> Muting:
        self.saved.append((trigger.trigger_id, "lifted"))
        self.status.everything = [SHOP if one.id == SHOP.id else one for one in self.status.everything]
        return self._found(actor, source_id, kinds, None)


@dataclass
class TwinAccess:
    """One request, `acr_1`, decided once; deciding opens the refreshes."""

    refresh: TwinRefresh
    wishes: list[Wish] = field(default_factory=list)
    decided: list[tuple[bool, str]] = field(default_factory=list)

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        who = authorize(actor, Action.ASK_FOR_ACCESS)
        self.wishes.append(wish)
        asked = AskedAccess.NEW if len(self.wishes) == 1 else AskedAccess.WAITING
        request = AccessRequest("acr_1", who.organization_id, "Temerity Goods", None, AT, ())
        return AccessAnswer(asked, AccessStanding("Temerity Goods", request, waiting=True))

    async def decide(
        self, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        authorize_support(actor, Action.DECIDE_ACCESS, named_in_post=request_id == "acr_1")
        if self.decided:
            raise TooLateError("Sam Keller has decided this already.")
        self.decided.append((approve, message))
        self.refresh.closed = not approve
        return AccessRequest("acr_1", "org_temerity", "Temerity Goods", None, AT, (), AT, "Sam Keller", approve)


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
class TwinAddresses:
    """Asks each member once."""

    answers: dict[str, bool] = field(default_factory=dict)

    def slack_only(self, actor: Actor) -> bool:
        return actor.member is not None and actor.member.email is None

    async def question(self, actor: Actor) -> str | None:
        who = authorize(actor, Action.CONFIRM_EMAIL)
        return None if who.id in self.answers else who.email

    async def answer(self, actor: Actor, *, yes: bool, address: str | None = None) -> Member:
        who = authorize(actor, Action.CONFIRM_EMAIL)
        self.answers[who.id] = yes
        return replace(who, email_confirmed=yes)


@dataclass
class TwinConnections:
    """Makes links that lead nowhere."""

    links: list[tuple[Provider, str | None]] = field(default_factory=list)

    def catalogue(self) -> tuple[Offer, ...]:
        return tuple(Offer(each, each.value.title(), "reads it", "https://tidings.example/help") for each in Provider)

    async def link(self, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None = None) -> Link:
        authorize(actor, Action.CONNECT)
        self.links.append((provider, source_id))
        url = Secret("https://tidings.example/connect/l/abc")
        return Link("flw_1", url, datetime.now(UTC) + timedelta(minutes=15))


@dataclass
class TwinDisconnects:
    """Disconnects nothing, and says so as if it had."""

    confirmed: list[Confirmation] = field(default_factory=list)

    async def preview(self, actor: Actor, source_id: str) -> Parting:
        authorize(actor, Action.DISCONNECT)
        return Parting(SourceStatus(SHOP, Freshness.FRESH, None, None, None, None, None), "mark", 0, only_data=False)

    async def disconnect(self, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        authorize(actor, Action.DISCONNECT)
        self.confirmed.append(confirmed)
        return Parted("dis_1", SHOP, confirmed.erase, None)


@dataclass
class TwinMembers:
    """Remembers roles."""

    changed: list[tuple[str, Role | None]] = field(default_factory=list)
    agreed: dict[str, GroupRole] = field(default_factory=dict)

    async def all(self, actor: Actor) -> list[Member]:
        return [authorize(actor, Action.SEE_MEMBERS)]

    async def named(self, actor: Actor, words: str) -> Member:
        return authorize(actor, Action.SEE_MEMBERS)

    async def grant(self, actor: Actor, user_id: str, role: Role, trigger: TriggerKey) -> Changed:
        who = authorize(actor, Action.MANAGE_MEMBERS)
        self.changed.append((user_id, role))
        return Changed(who, None, role)

    async def groups(self, actor: Actor) -> tuple[GroupRole, ...]:
        return tuple(self.agreed.values())

    async def group(self, actor: Actor, group_id: str, role: Role | None, trigger: TriggerKey) -> Role | None:
        authorize(actor, Action.MANAGE_MEMBERS)
        before = self.agreed.pop(group_id, None)
        if role is not None:
            self.agreed[group_id] = GroupRole(role, "T0TEMERITY", group_id)
        return before.role if before else None

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        who = authorize(actor, Action.MANAGE_MEMBERS)
        self.changed.append((member_id, None))
        return Changed(who, who.role, None)


@dataclass
class TwinHelp:
    """Finds nothing wrong."""

    tickets: list[str] = field(default_factory=list)

    async def source(self, actor: Actor, source_id: str) -> Source:
        authorize(actor, Action.ASK_FOR_HELP)
        return SHOP

    async def test(self, actor: Actor, source_id: str) -> ConnectorError | None:
        authorize(actor, Action.ASK_FOR_HELP)
        return None

    async def ticket(self, actor: Actor, source_id: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.ASK_FOR_HELP)
        self.tickets.append(source_id)
        return "tck_1"


@dataclass
class TwinChannels:
    """Channels of one company."""

    allowed: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=lambda: {"C0PARTNERS"})

    def _room(self, place: Place) -> Room:
        return Room(place.channel_id, place.channel_id in self.shared, private=False, joined=True, archived=False)

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        authorize(actor, Action.SEE_STATUS)
        return ChannelView(self._room(place), place.channel_id in self.allowed)

    async def allow(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id in self.shared:
            raise ChannelRefusedError("shared")
        self.allowed.add(place.channel_id)
        return ChannelView(self._room(place), allowed=True, changed=True)

    async def deny(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        authorize(actor, Action.MANAGE_CHANNELS)
        self.allowed.discard(place.channel_id)
        return ChannelView(self._room(place), allowed=False, changed=True)


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


class TwinKeys:
    """Keys, and what was done with them."""

    def __init__(self) -> None:
        self.known: dict[str, ApiKey] = {}

    async def all(self, actor: Actor) -> list[tuple[ApiKey, str]]:
        authorize(actor, Action.MANAGE_API_KEYS)
        return [(key, "Daniel Kim") for key in self.known.values()]

    async def new(self, actor: Actor, name: str, scopes: frozenset[KeyScope], trigger: TriggerKey) -> NewKey:
        member = authorize(actor, Action.MANAGE_API_KEYS)
        key = ApiKey(f"key_{len(self.known)}", "org_1", member.id, name, scopes, datetime(2026, 11, 22, tzinfo=UTC))
        assert trigger.trigger_id
        self.known[key.id] = key
        return NewKey(key, Secret("tdk_only_now"))

    async def revoke(self, actor: Actor, key_id: str, trigger: TriggerKey) -> ApiKey:
        authorize(actor, Action.MANAGE_API_KEYS)
        if key_id not in self.known:
            raise NotFoundError
        assert trigger.trigger_id
        return self.known.pop(key_id)


class TwinFiles:
    """Links to whatever is wanted, but for nothing."""

    async def links(self, actor: Actor, wanted: str) -> Links:
        authorize(actor, Action.SEE_STATUS)
        if wanted == "nothing":
            raise NotFoundError
        urls = tuple((form, f"https://tidings.example/files/metric?ticket={form.value}") for form in FileForm)
        return Links(wanted, urls, datetime(2026, 11, 23, 14, tzinfo=UTC))


class TwinPages:
    """A link to the page of every source of one's own."""

    async def link(self, actor: Actor, about: str) -> PageLink:
        member = authorize(actor, Action.SEE_HISTORY)
        found = [one for one in (QBO, SHOP, OTHERS) if (one.id, one.organization_id) == (about, member.organization_id)]
        if not found:
            raise NotFoundError
        url = f"https://tidings.example/page?ticket={about}"
        return PageLink(found[0], url, datetime(2026, 11, 23, 14, tzinfo=UTC))


class TwinPosting:
    """Posts every metric wherever it is wanted."""

    def __init__(self) -> None:
        self.wanted: list[tuple[str, Place | None]] = []
        self.times: list[PostTime | None] = []
        self.refused = ""

    async def at(self, actor: Actor, place: Place, when: PostTime, trigger: TriggerKey) -> Posted:
        await self.post(actor, "", place, trigger, when)
        return Posted("", "finance", datetime(2026, 11, 27, 21, tzinfo=UTC), when)

    async def post(
        self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey, when: PostTime | None = None
    ) -> Posted:
        authorize(actor, Action.CHANGE_METRICS)
        if self.refused:
            raise ChannelRefusedError(self.refused)
        if name == "nothing":
            raise NotFoundError
        self.wanted.append((name, place))
        self.times.append(when)
        assert trigger.trigger_id
        due = datetime(2026, 11, 23, 14, tzinfo=UTC) if place else None
        return Posted(name, "finance", due, when or PostTime())


class TwinMaking:
    """Forms of metrics over a company of ten thousand accounts; what is saved is remembered."""

    def __init__(self) -> None:
        self.saved: dict[str, Draft] = {}
        self.deleted: list[str] = []
        self.called = "Metric"
        self.connected = True
        self.refused = ""
        #: what vanished from QuickBooks of the metric that is there
        self.gone = ""
        self.let = asyncio.Event()
        self.let.set()
        rows = [(str(n), f"Expenses:Department {n}", "Expense", "Expense") for n in range(10_000)]
        self.names = Names({"account": [("1", "Checking", "Bank", "Asset"), *rows], "class": [("7", "East", "", "")],
                            "section profit_and_loss": [("NetIncome", "NetIncome", "", "")]})  # fmt: skip
        self.desk = FormDesk({"src_qbo": "Temerity Goods"}, {"mem_1": "Maya Ortiz"}, {"T/C": "#finance"}, "UTC")

    async def begin(self, actor: Actor, card: str, wanted: str = "", *, by_name: bool = False) -> Filling:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        if not self.connected:
            raise NotConnectedError
        if wanted and wanted not in {"Fees", "met_1"}:
            raise NotFoundError
        draft = Draft(card, "src_qbo", BEGINS, owner_id="mem_1")
        if wanted:
            chosen = Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1", "Checking")
            left = Selection(Dataset.ACCOUNTS) if self.gone else chosen
            draft = replace(draft, name="Fees", metric_id="met_1", version=3, definition=Definition(left))
        lost = ("item",) if self.gone else ()
        return Filling(
            draft, self.desk, fits(draft.definition), bool(wanted and not self.gone), gone=self.gone, lost=lost
        )

    async def filled(self, actor: Actor, draft: Draft, fields: Mapping[str, str], *, more: bool) -> Filling:
        authorize(actor, Action.CHANGE_METRICS)
        done, wrong = filled(draft, fields, self.desk, self.names)
        return Filling(done, self.desk, fits(done.definition), more, {**complaints(done), **wrong})

    async def search(self, actor: Actor, draft: Draft, field: str, words: str) -> list[Pick] | None:
        authorize(actor, Action.CHANGE_METRICS)
        name, _, rest = field.partition(".")
        what = items_of(Dataset(rest.partition(".")[0])) if name == "item" else filter_of(name)
        return self.names.search(what, words)

    async def preview(self, actor: Actor, draft: Draft) -> Shown:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        if self.refused:
            raise MetricRefusedError(self.refused)
        metric = Metric("met_1", "org_1", "src_qbo", "1", draft.name, draft.definition, 1, "mem_1", "", AT,
                        MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
        return Shown(metric, MetricState.CALCULATING, "Temerity Goods")

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        authorize(actor, Action.CHANGE_METRICS)
        self.saved[trigger.trigger_id] = draft
        return Saved(draft.name, self.called, bool(draft.metric_id))

    async def delete(self, actor: Actor, metric_id: str, trigger: TriggerKey) -> Saved:
        authorize(actor, Action.CHANGE_METRICS)
        self.deleted.append(metric_id)
        return Saved("Fees", self.called, changed=True)

    async def noun(self, actor: Actor) -> str:
        authorize(actor, Action.SEE_STATUS)
        return self.called

    async def name_all(self, actor: Actor, noun: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.NAME_METRICS)
        self.called = noun.title()
        return self.called


class TwinMetrics:
    """No metrics, unless a test says which. What looks into the lake takes until it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.wished: list[str] = []
        self.demoted = False
        #: by name
        self.known: dict[str, Shown] = {}

    async def all(self, actor: Actor) -> list[Shown]:
        authorize(actor, Action.SEE_STATUS)
        return list(self.known.values())

    async def one(self, actor: Actor, name: str) -> Shown:
        authorize(actor, Action.SEE_STATUS)
        if name not in self.known:
            raise NotFoundError
        return self.known[name]

    async def restated(self, actor: Actor, name: str) -> tuple[Shown, list[Restated]]:
        return await self.one(actor, name), []

    async def preview(self, actor: Actor, words: str) -> Shown:
        authorize(actor, Action.CHANGE_METRICS)
        self.wished.append(words)
        await self.let.wait()
        if self.demoted:
            raise NotAllowedError(Action.CHANGE_METRICS, Role.MANAGER)
        raise NotConnectedError

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.CHANGE_METRICS)
        await self.let.wait()
        raise NotConnectedError


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


@dataclass
class TwinSubscriptions:
    """What was chosen, once for each trigger."""

    chosen: dict[str, tuple[str | None, frozenset[Topic], Ways | None]] = field(default_factory=dict)

    async def mine(self, actor: Actor) -> Choices:
        authorize(actor, Action.CHOOSE_MESSAGES)
        return Choices((), {}, None)

    async def choose(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], ways: Ways | None, trigger: TriggerKey
    ) -> Choices:
        self.chosen[trigger.trigger_id] = (source_id, topics, ways)
        return await self.mine(actor)


@dataclass
class TwinOwn:
    """One's own messages: what was saved last is what is shown."""

    saved: dict[str, OwnChanges] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    quiet: Quiet | None = None
    digest: Digest | None = None
    #: waited for before anything is shown
    gate: asyncio.Event | None = None

    async def mine(self, actor: Actor) -> Own:
        who = authorize(actor, Action.CHOOSE_MESSAGES)
        if self.gate is not None:
            await self.gate.wait()
        choices = Choices(self.choices, {SHOP.id: "Shopify", "src_books": "QuickBooks"}, "maya@temerity.example")
        return Own(choices, QuietView(self.quiet, who.timezone, None), self.digest)

    async def save(self, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        authorize(actor, Action.CHOOSE_MESSAGES)
        self.saved.setdefault(trigger.trigger_id, wanted)
        self.quiet = wanted.quiet[0] if wanted.quiet else self.quiet
        return await self.mine(actor)


@dataclass
class TwinChannelChoices:
    """What channels are told, once for each trigger."""

    chosen: dict[str, tuple[str, str | None, frozenset[Topic], bool | None]] = field(default_factory=dict)

    async def seen(self, actor: Actor, place: Place) -> ChannelChoices:
        authorize(actor, Action.CHOOSE_MESSAGES)
        kept = {(source_id, one): told for _, source_id, topics, told in self.chosen.values() for one in topics}
        choices = tuple(ChannelChoice(source_id, one, bool(told)) for (source_id, one), told in kept.items())
        return ChannelChoices(choices, {SHOP.id: "Shopify"}, allowed=place.channel_id == "C0FINANCE", first=True)

    async def choose(
        self,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - as the real one
        trigger: TriggerKey,
    ) -> ChannelChoices:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id == "C0PARTNERS":
            raise ChannelRefusedError("shared")
        if place.channel_id != "C0FINANCE":
            raise NotFoundError
        self.chosen[trigger.trigger_id] = (place.channel_id, source_id, topics, told)
        return await self.seen(actor, place)


@dataclass
class TwinDigests:
    """Digests, each set once for its trigger."""

    chosen: dict[str, tuple[str, Rhythm | None, Ways]] = field(default_factory=dict)
    topics: list[tuple[str | None, frozenset[Topic]]] = field(default_factory=list)

    async def seen(self, actor: Actor, _place: Place) -> DigestView:
        return DigestView(None, authorize(actor, Action.CHOOSE_MESSAGES).timezone)

    async def choose(
        self, actor: Actor, rhythm: Rhythm | None, ways: Ways, place: Place, trigger: TriggerKey
    ) -> DigestView:
        self.chosen[trigger.trigger_id] = ("mine", rhythm, ways)
        return await self.seen(actor, place)

    async def choose_here(self, actor: Actor, rhythm: Rhythm | None, place: Place, trigger: TriggerKey) -> DigestView:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id != "C0FINANCE":
            raise NotFoundError
        self.chosen[trigger.trigger_id] = (place.channel_id, rhythm, frozenset())
        return await self.seen(actor, place)

    async def instead(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], _trigger: TriggerKey
    ) -> None:
        authorize(actor, Action.CHOOSE_MESSAGES)
        self.topics.append((source_id, topics))


@dataclass
class TwinQuiet:
    """Quiet hours, each set once for its trigger."""

    chosen: dict[str, Quiet | None] = field(default_factory=dict)

    async def mine(self, actor: Actor) -> QuietView:
        who = authorize(actor, Action.CHOOSE_MESSAGES)
        return QuietView(next(reversed(self.chosen.values()), None), who.timezone, None)

    async def choose(self, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        self.chosen[trigger.trigger_id] = hours
        return await self.mine(actor)


@dataclass
class TwinTimelines:
    """One result, mailed and lost; every sending written down once."""

    sent: dict[tuple[str, str], tuple[str, Channel]] = field(default_factory=dict)
    tests: set[str] = field(default_factory=set)

    async def of(self, actor: Actor, named: str) -> Timeline:
        who = authorize(actor, Action.SEE_HISTORY)
        if not named.startswith(("last", "rfr_", "tst_")):
            raise NotFoundError
        one = Delivery("dlv_" + "1" * 22, "org_temerity", "refresh_finished", "rfr_1", Channel.EMAIL, "maya@example.com",
                       who.id, DeliveryState.FAILED, 1, 0, AT, None, None, "550 no such mailbox", AT, AT)  # fmt: skip
        return Timeline("rfr_1", (Told(one, TimelineReader.YOU, who.name, one.kind),), one.id, by_mail=True)

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        authorize(actor, Action.SEND_AGAIN)
        self.sent[trigger.team_id, trigger.trigger_id] = (delivery_id, channel)
        return SentAgain("dlv_" + "2" * 22, channel)

    async def test(self, actor: Actor, trigger: TriggerKey) -> str:
        authorize(actor, Action.SEND_TEST)
        self.tests.add(trigger.trigger_id)
        return "tst_" + "1" * 22


@dataclass
class TwinInstalls:
    """Hears of removals."""

    left_: list[Departure] = field(default_factory=list)
    known: set[str] = field(default_factory=lambda: {"T0TEMERITY", "T0SUPPORT"})
    looked: int = 0
    busy: bool = False

    async def left(self, departure: Departure) -> Left:
        if self.busy:
            raise UnavailableError("busy")
        self.left_.append(departure)
        return Left.CLOSED if departure.team_id in self.known else Left.UNKNOWN

    async def link_enterprises(self) -> None:
        self.looked += 1


class TwinOutgoing:
    """Has one receiver, and does what is asked."""

    def __init__(self) -> None:
        self.endpoint = Endpoint("hook_1", "org_1", "https://hooks.example.com/x", TOLD_OF, AT, None, None, "")
        self.asked: list[tuple[str, ...]] = []

    async def all(self, actor: Actor) -> list[Endpoint]:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        return [self.endpoint]

    async def one(self, actor: Actor, endpoint_id: str) -> tuple[Endpoint, list[Send]]:
        return self._found(actor, "one", endpoint_id), []

    async def add(self, actor: Actor, url: str, trigger: TriggerKey) -> Made:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        self.asked.append(("add", url, trigger.trigger_id))
        return Made(self.endpoint, Secret("whsec_" + "0" * 44))

    async def renew(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Made:
        return Made(self._found(actor, "renew", endpoint_id, trigger.trigger_id), Secret("whsec_" + "0" * 44))

    async def remove(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        return self._found(actor, "remove", endpoint_id, trigger.trigger_id)

    async def test(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        return self._found(actor, "test", endpoint_id, trigger.trigger_id)

    async def replay(self, actor: Actor, endpoint_id: str, hours: int, trigger: TriggerKey) -> tuple[Endpoint, int]:
        return self._found(actor, "replay", endpoint_id, str(hours), trigger.trigger_id), 3

    def _found(self, actor: Actor, *asked: str) -> Endpoint:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        self.asked.append(asked)
        if asked[1] != self.endpoint.id:
            raise NotFoundError
        return self.endpoint


class TwinAudit:
    """Has nothing to tell."""

    async def newest(self, actor: Actor, limit: int = 20) -> AuditPage:
        authorize(actor, Action.SEE_AUDIT)
        return AuditPage((), 0, ())


class TwinLandings:
    """Finds nothing, and watches."""

    async def landed(
        self, actor: Actor, wanted: Sought, _source_ids: Sequence[str], _trigger: TriggerKey
    ) -> LandedAnswer:
        authorize(actor, Action.SEE_STATUS)
        return LandedAnswer(wanted, (), (Standing(SHOP, AT, AT + timedelta(hours=1), running=False),), AT)


def why_of_fees() -> MetricWhy:
    """Return why a metric is as it is: its records are not imported yet."""
    metric = Metric("met_1", "org_1", QBO.id, "1", "Fees", Definition(Selection(Dataset.REVENUE)), 1, "mem_1", "", AT,
                    MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
    source = explain(Evidence(AT, status_of(QBO), Role.VIEWER))
    shown = Shown(metric, MetricState.CALCULATING, "Temerity Goods")
    return explain_metric(MetricEvidence(AT, shown, source, ["general_ledger"], "general_ledger", None, AT, ""))


class TwinExplain:
    """Explains what it sees itself: all is well; every message is about the shop."""

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        authorize(actor, Action.SEE_STATUS)
        return [SHOP.id] if delivery_id == "dlv_shop" else []

    async def metric(self, actor: Actor, words: str) -> MetricWhy | None:
        authorize(actor, Action.SEE_STATUS)
        return why_of_fees() if "fees" in words.casefold() else None

    async def metric_of(self, actor: Actor, metric_id: str) -> MetricWhy:
        authorize(actor, Action.SEE_STATUS)
        if metric_id != "met_1":
            raise NotFoundError
        return why_of_fees()

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        who = authorize(actor, Action.SEE_STATUS)
        found = next((one for one in (QBO, SHOP, OTHERS) if one.id == source_id), None)
        if found is None or found.organization_id != who.organization_id:
            raise NotFoundError
        return explain(Evidence(AT, status_of(found), who.role, asks_mail=asks_mail))


class TwinReceipts:
    """Has none."""

    async def one(self, actor: Actor, _receipt_id: str) -> ReceiptPage:
        authorize(actor, Action.SEE_HISTORY)
        raise NotFoundError


@dataclass
class TwinFeedback:
    """Keeps verdicts in memory."""

    given: dict[tuple[str, str | Given], tuple[Verdict, str]] = field(default_factory=dict)

    async def give(self, actor: Actor, of: str | Given, verdict: Verdict, words: str = "") -> None:
        who = authorize(actor, Action.SEE_STATUS)
        if isinstance(of, str) and of != "rfr_1":
            raise NotFoundError
        was, written = self.given.get((who.user_id, of), (verdict, ""))
        self.given[who.user_id, of] = (verdict, words or (written if was is verdict else ""))

    async def told(self, actor: Actor, source_id: str | None = None) -> list[Feedback]:
        authorize(actor, Action.SEE_AUDIT)
        return [Feedback(by, verdict, AT, words) for (by, _), (verdict, words) in self.given.items()]


@dataclass
class TwinTalk:
    """Keeps what was asked last, for any number of fronts."""

    kept: dict[tuple[SlackIdentity, Conversation], str | None] = field(default_factory=dict)

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        authorize(actor, Action.SEE_STATUS)
        return self.kept.get((actor.identity, where))

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        authorize(actor, Action.SEE_STATUS)
        self.kept[(actor.identity, where)] = asked


@dataclass
class TwinSharing:
    """Shares in one channel, once for a card."""

    done: dict[str, tuple[str, Answer]] = field(default_factory=dict)

    async def share(self, actor: Actor, place: Place, card: str, wanted: Answer) -> str:
        authorize(actor, Action.SHARE_ANSWER)
        if place.channel_id != "C0FINANCE":
            raise ChannelRefusedError("shared")
        self.done.setdefault(card, (place.channel_id, wanted))
        return "finance"


@dataclass
class TwinServices:
    """All of them."""

    clock: Clock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.people = TwinPeople()
        self.status = TwinStatus()
        self.home = TwinHome(self.status)
        self.talk = TwinTalk()
        self.feedback = TwinFeedback()
        self.refresh = TwinRefresh(self.status, self.clock)
        self.clicks = TwinClicks(self.refresh, self.people.known)
        self.held = TwinHeld()
        self.missing = TwinMissing()
        self.escalation = TwinEscalation(self.refresh)
        self.incidents = TwinIncidents()
        self.mutes = TwinMutes(self.status)
        self.policies = TwinPolicies()
        self.access = TwinAccess(self.refresh)
        self.asks = TwinAsks()
        self.addresses = TwinAddresses()
        self.connect = TwinConnections()
        self.disconnect = TwinDisconnects()
        self.members = TwinMembers()
        self.audit = TwinAudit()
        self.outgoing = TwinOutgoing()
        self.receipts = TwinReceipts()
        self.explain = TwinExplain()
        self.sharing = TwinSharing()
        self.landed = TwinLandings()
        self.timelines = TwinTimelines()
        self.subscriptions = TwinSubscriptions()
        self.quiet = TwinQuiet()
        self.digests = TwinDigests()
        self.channel_choices = TwinChannelChoices()
        self.own = TwinOwn()
        self.channels = TwinChannels()
        self.schedules = TwinSchedules()
        self.promises = TwinPromises()
        self.metrics = TwinMetrics()
        self.making = TwinMaking()
        self.posting = TwinPosting()
        self.files = TwinFiles()
        self.pages = TwinPages()
        self.api_keys = TwinKeys()
        self.rereads = TwinRereads()
        self.installs = TwinInstalls()
        self.help = TwinHelp()
        self.exchange = TwinExchange()
        self.order_writing = TwinOrderWriting()
        self.desktops = TwinDesktops()
