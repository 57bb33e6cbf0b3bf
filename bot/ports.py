"""What the Slack edge needs of the system behind it; jobs.services has it all, tests bring a small twin."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.desktop_ports import Desktops
from bot.exchange_ports import Exchange, OrderWriting
from connectors.errors import ConnectorError
from jobs.access import AccessAnswer, Wish
from jobs.api_keys import NewKey
from jobs.channels import ChannelView
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.views import Link, Offer, Parted, Parting
from jobs.incidents.handling import Snooze, SnoozePreview
from jobs.incidents.muting import Muting
from jobs.installs.leaving import Departure, Left
from jobs.members import Changed
from jobs.metrics.files import Links
from jobs.metrics.making import Saved
from jobs.metrics.posting import Posted
from jobs.outgoing.service import Made
from jobs.pages.service import PageLink
from jobs.promising import Promised
from jobs.refresh.ask import Outcome, Place, Scope, TriggerKey
from jobs.refresh.clicks import Played
from jobs.refresh.held import HeldRead
from jobs.refresh.rereading import Preview, Wanted
from jobs.schedules import Planned
from jobs.subscriptions.own import OwnChanges
from jobs.timelines import SentAgain
from storage.facts.access import AccessRequest
from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.audit import AuditPage
from storage.facts.begun import Begun
from storage.facts.clicks import Click
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel
from storage.facts.digests import DigestView
from storage.facts.estimates import Calibration
from storage.facts.explain import Explanation
from storage.facts.feedback import Feedback, Given, Verdict
from storage.facts.home import Index
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.landed import LandedAnswer, Sought
from storage.facts.metric_drafts import Draft, Filling, Pick
from storage.facts.metric_why import MetricWhy
from storage.facts.metrics import PostTime, Shown
from storage.facts.outgoing import Endpoint, Send
from storage.facts.own import Own
from storage.facts.people import Actor, GroupRole, Member, Role, SlackIdentity
from storage.facts.policies import PolicyView
from storage.facts.quiet import Quiet, QuietView, Rhythm
from storage.facts.receipts import ReceiptPage
from storage.facts.restated import Restated
from storage.facts.runs import Run
from storage.facts.shared import Answer
from storage.facts.sources import Organization, Provider, Source
from storage.facts.status import RefreshStatus, SourceStatus
from storage.facts.subscriptions import ChannelChoices, Choices, Topic, Ways
from storage.facts.talk import Conversation
from storage.facts.timelines import Timeline


class People(Protocol):
    """Who acts."""

    async def actor(self, identity: SlackIdentity, *, rechecked: bool = False) -> Actor | None:
        """Return who this is, None when Slack must be asked first; an older role does where it is read again later."""
        ...

    async def readers(
        self, team_id: str, identities: Collection[SlackIdentity]
    ) -> Mapping[SlackIdentity, Actor | None]:
        """Return who these are for requests that change nothing; None where Slack must be asked first."""
        ...

    def reader(self, identity: SlackIdentity) -> Actor | None:
        """Return who this is for a request that changes nothing, where that is known without a look."""
        ...

    async def learn(self, identity: SlackIdentity) -> Actor:
        """Ask Slack and return who this is; for workers."""
        ...

    def profile_changed(self, event: Mapping[str, Any]) -> None:
        """Take over what a user_change event says."""
        ...

    async def admins(self, organization_id: str) -> list[Member]:
        """Return the admins."""
        ...

    async def organization(self, organization_id: str) -> Organization:
        """Return the organization."""
        ...


class Status(Protocol):
    """How fresh the data is, and what happened."""

    async def sources(self, actor: Actor) -> list[Source]:
        """Return the sources of the actor's organization."""
        ...

    async def connections(self, actor: Actor) -> list[Source]:
        """Return its connections: the sources, and what files and orders go over."""
        ...

    async def all(self, actor: Actor, *, with_durations: bool = False) -> list[SourceStatus]:
        """Return the status of all of them; with how long each one's runs take where that is wanted."""
        ...

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        """Return the status of one."""
        ...

    async def history(self, actor: Actor, source_id: str | None, limit: int = 10) -> tuple[list[Run], dict[str, str]]:
        """Return runs, newest first, and their receipts."""
        ...

    async def begun(self, actor: Actor, source_ids: Sequence[str], limit: int = 50) -> list[Begun]:
        """Return the newest runs of some sources with who asked for them."""
        ...

    async def calibration(self, actor: Actor, source_id: str) -> Calibration | None:
        """Return how well the estimates of time held; for admins."""
        ...


class OpenHome(Protocol):
    """A Home that is open."""

    @property
    def identity(self) -> SlackIdentity:
        """Whose."""
        ...

    @property
    def showing(self) -> str:
        """Filter and page."""
        ...


class Home(Protocol):
    """The data source index."""

    async def index(self, actor: Actor) -> Index:
        """Return every source; for admins also how the organization is set up."""
        ...

    async def opened(self, actor: Actor, showing: str) -> None:
        """Write down that the person looks at it now, and at what."""
        ...

    async def take_changed(self) -> Sequence[OpenHome]:
        """Return the open Homes that have changed; each is the caller's to draw."""
        ...

    async def drawn(self, view: Any) -> None:
        """Say that one of them is drawn."""
        ...

    async def refused(self, view: Any) -> bool:
        """Say that one of them could not be drawn; whether it is tried again."""
        ...


class Feedbacks(Protocol):
    """What people say of results."""

    async def give(self, actor: Actor, of: str | Given, verdict: Verdict, words: str = "") -> None:
        """Keep it; the last counts."""
        ...

    async def told(self, actor: Actor, source_id: str | None = None) -> list[Feedback]:
        """Return what was said, for admins."""
        ...


class Talk(Protocol):
    """What a follow-up refers to."""

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        """Return what the person asked there last, as it was kept."""
        ...

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        """Keep what the person asked there, or nothing any more."""
        ...


class Refreshes(Protocol):
    """Starts, joins and stops refreshes."""

    async def ask(self, actor: Actor, scope: Scope) -> list[SourceStatus]:
        """Return what a confirm card shows; starts nothing."""
        ...

    async def choices(self, actor: Actor) -> list[SourceStatus]:
        """Return how every source stands, as far as choosing among them needs it."""
        ...

    async def request(self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place) -> Outcome:
        """Start or join."""
        ...

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Ask the runs to stop."""
        ...


class Clicks(Protocol):
    """Confirmed refreshes: accepted before the ack, played behind it."""

    async def accept(
        self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place, request: Mapping[str, object]
    ) -> Click | None:
        """Write the click down; None when another click on the card waits."""
        ...

    async def play(self, click: Click) -> Played | None:
        """Give it its effect; None when another process has."""
        ...

    async def settle(self, click: Click) -> None:
        """Forget one that started nothing."""
        ...

    async def waiting(self, longer_than: timedelta) -> list[Click]:
        """Return what nobody has played yet."""
        ...


class Escalations(Protocol):
    """What support people do to an escalated refresh."""

    async def acknowledge(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Take it on."""
        ...

    async def retry(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Start what waits now."""
        ...

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Stop it."""
        ...


class Policies(Protocol):
    """Who is called when a refresh does not end."""

    async def shown(self, actor: Actor) -> PolicyView:
        """Return what holds."""
        ...

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        """Return what a change would mean."""
        ...

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        """Change it."""
        ...


class Incidents(Protocol):
    """What people do with an incident besides mending it."""

    async def preview(self, actor: Actor, incident_id: str, words: str = "") -> SnoozePreview | None:
        """Show what a snooze would hide."""
        ...

    async def acknowledge(self, actor: Actor, incident_id: str, trigger: TriggerKey) -> Incident:
        """Take it on."""
        ...

    async def snooze(self, actor: Actor, incident_id: str, choice: Snooze | datetime, trigger: TriggerKey) -> Incident:
        """Say nothing of it for a while."""
        ...


class Access(Protocol):
    """Access to refreshes by request."""

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        """Ask support, or join whoever did."""
        ...

    async def decide(
        self, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        """Approve or decline, once."""
        ...


class Asks(Protocol):
    """Keeps interactions for a worker."""

    async def persist(self, kind: str, team_id: str, trigger_id: str, payload: Mapping[str, object]) -> str:
        """Keep one, once."""
        ...

    async def load(self, ask_id: str) -> Mapping[str, Any] | None:
        """Return what was kept."""
        ...


class Connections(Protocol):
    """Links to connect and reconnect accounts."""

    def catalogue(self) -> tuple[Offer, ...]:
        """Return what can be connected."""
        ...

    async def link(self, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None = None) -> Link:
        """Make a link for the actor."""
        ...


class Help(Protocol):
    """Connections that do not work."""

    async def source(self, actor: Actor, source_id: str) -> Source:
        """Return the source."""
        ...

    async def test(self, actor: Actor, source_id: str) -> ConnectorError | None:
        """Ask the provider."""
        ...

    async def ticket(self, actor: Actor, source_id: str, trigger: TriggerKey) -> str:
        """Open a ticket."""
        ...


class Disconnects(Protocol):
    """Disconnects sources on purpose."""

    async def preview(self, actor: Actor, source_id: str) -> Parting:
        """Return what disconnecting affects; changes nothing."""
        ...

    async def disconnect(self, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        """Disconnect."""
        ...


class Members(Protocol):
    """Who may do what."""

    async def all(self, actor: Actor) -> list[Member]:
        """Return the members."""
        ...

    async def named(self, actor: Actor, words: str) -> Member:
        """Return the one of that name."""
        ...

    async def grant(self, actor: Actor, user_id: str, role: Role, trigger: TriggerKey) -> Changed:
        """Give a role."""
        ...

    async def groups(self, actor: Actor) -> tuple[GroupRole, ...]:
        """Return the user groups whose people have a role."""
        ...

    async def group(self, actor: Actor, group_id: str, role: Role | None, trigger: TriggerKey) -> Role | None:
        """Give a user group a role, or none."""
        ...

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        """Take the role away."""
        ...


class Outgoing(Protocol):
    """Addresses that Tidings sends webhooks to."""

    async def all(self, actor: Actor) -> list[Endpoint]:
        """Return them."""
        ...

    async def one(self, actor: Actor, endpoint_id: str) -> tuple[Endpoint, list[Send]]:
        """Return one, and what was sent there."""
        ...

    async def add(self, actor: Actor, url: str, trigger: TriggerKey) -> Made:
        """Enter one."""
        ...

    async def renew(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Made:
        """Give it another secret."""
        ...

    async def remove(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Forget it."""
        ...

    async def test(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Send a test."""
        ...

    async def replay(self, actor: Actor, endpoint_id: str, hours: int, trigger: TriggerKey) -> tuple[Endpoint, int]:
        """Send again."""
        ...


class Audit(Protocol):
    """Who did what."""

    async def newest(self, actor: Actor, limit: int = 20) -> AuditPage:
        """Return the newest entries."""
        ...


class Receipts(Protocol):
    """What became of finished runs."""

    async def one(self, actor: Actor, receipt_id: str) -> ReceiptPage:
        """Return one with its names; NotFoundError for a missing one and for somebody else's."""
        ...


class Timelines(Protocol):
    """What became of messages."""

    async def of(self, actor: Actor, named: str) -> Timeline:
        """Return what became of the messages about something; NotFoundError for a missing one."""
        ...

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        """Send one to the person again."""
        ...

    async def test(self, actor: Actor, trigger: TriggerKey) -> str:
        """Send a test; returns its id."""
        ...


class Landings(Protocol):
    """Whether a change is in the data."""

    async def landed(
        self, actor: Actor, wanted: Sought, source_ids: Sequence[str], trigger: TriggerKey
    ) -> LandedAnswer:
        """Return what is there, or watch for it."""
        ...


class Explains(Protocol):
    """Why data is as old as it is."""

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        """Return the one cause; NotFoundError for a missing source and for somebody else's."""
        ...

    async def metric(self, actor: Actor, words: str) -> MetricWhy | None:
        """Return the way of the data of the metric that the words name; None when they name none."""
        ...

    async def metric_of(self, actor: Actor, metric_id: str) -> MetricWhy:
        """Return the same by its id; NotFoundError for a missing one and for somebody else's."""
        ...

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        """Return the ids of the sources that a message of ours is about; none for somebody else's."""
        ...


class Sharing(Protocol):
    """Answers for all of a channel."""

    async def share(self, actor: Actor, place: Place, card: str, wanted: Answer) -> str:
        """Have the answer posted there, once for a card; returns the channel's name."""
        ...


class Subscriptions(Protocol):
    """What people are told."""

    async def mine(self, actor: Actor) -> Choices:
        """Return what the person chose."""
        ...

    async def choose(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], ways: Ways | None, trigger: TriggerKey
    ) -> Choices:
        """Change it."""
        ...


class OwnMessages(Protocol):
    """One's own messages, all at once."""

    async def mine(self, actor: Actor) -> Own:
        """Return how they stand."""
        ...

    async def save(self, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        """Save what was changed."""
        ...


class ChannelChoosing(Protocol):
    """What channels are told."""

    async def seen(self, actor: Actor, place: Place) -> ChannelChoices:
        """Return what the channel is told."""
        ...

    async def choose(
        self,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - told, not told, or by the default
        trigger: TriggerKey,
    ) -> ChannelChoices:
        """Change it; asks Slack."""
        ...


class QuietHours(Protocol):
    """Hours in which a person wants to hear nothing."""

    async def mine(self, actor: Actor) -> QuietView:
        """Return how they stand."""
        ...

    async def choose(self, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        """Set them; None: none."""
        ...


class Digests(Protocol):
    """What happened, once a day."""

    async def seen(self, actor: Actor, place: Place) -> DigestView:
        """Return the digests that come to the person and there."""
        ...

    async def choose(
        self, actor: Actor, rhythm: Rhythm | None, ways: Ways, place: Place, trigger: TriggerKey
    ) -> DigestView:
        """Set the person's own."""
        ...

    async def choose_here(self, actor: Actor, rhythm: Rhythm | None, place: Place, trigger: TriggerKey) -> DigestView:
        """Set the channel's."""
        ...

    async def instead(self, actor: Actor, source_id: str | None, topics: frozenset[Topic], trigger: TriggerKey) -> None:
        """Tell of topics in the digest alone."""
        ...


class Addresses(Protocol):
    """The one question about the e-mail address."""

    def slack_only(self, actor: Actor) -> bool:
        """Whether there is no address to which anything could be mailed."""
        ...

    async def question(self, actor: Actor) -> str | None:
        """Return the address to ask about, None when the member was asked before."""
        ...

    async def answer(self, actor: Actor, *, yes: bool, address: str | None = None) -> Member:
        """Remember the answer."""
        ...


class HeldReads(Protocol):
    """Full reads that wait for a person, because far fewer rows came."""

    async def ask(self, actor: Actor, run_id: str) -> HeldRead:
        """Return what was found; starts nothing."""
        ...

    async def load(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read again and let it be so few."""
        ...


class MissingStreams(Protocol):
    """Streams that a run could not read."""

    async def retry(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read them, alone."""
        ...


class Schedules(Protocol):
    """When sources are collected."""

    async def preview(self, actor: Actor, source_id: str, words: str) -> Planned | None:
        """Return what a schedule would mean."""
        ...

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Planned:
        """Set it."""
        ...


class Making(Protocol):
    """Metrics through a form."""

    async def begin(self, actor: Actor, card: str, wanted: str = "", *, by_name: bool = False) -> Filling:
        """Return what the form shows first."""
        ...

    async def filled(self, actor: Actor, draft: Draft, fields: Mapping[str, str], *, more: bool) -> Filling:
        """Return the draft with what stands in the form."""
        ...

    async def search(self, actor: Actor, draft: Draft, field: str, words: str) -> list[Pick] | None:
        """Return what a menu offers."""
        ...

    async def preview(self, actor: Actor, draft: Draft) -> Shown:
        """Return what the draft would come to."""
        ...

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        """Make or change it."""
        ...

    async def delete(self, actor: Actor, metric_id: str, trigger: TriggerKey) -> Saved:
        """Delete it."""
        ...

    async def noun(self, actor: Actor) -> str:
        """Return what metrics are called."""
        ...

    async def name_all(self, actor: Actor, noun: str, trigger: TriggerKey) -> str:
        """Call them otherwise."""
        ...


class Metrics(Protocol):
    """Numbers that are calculated from QuickBooks."""

    async def all(self, actor: Actor) -> list[Shown]:
        """Return all of them."""
        ...

    async def one(self, actor: Actor, name: str) -> Shown:
        """Return one with its last values."""
        ...

    async def restated(self, actor: Actor, name: str) -> tuple[Shown, list[Restated]]:
        """Return one, and its values of closed periods that moved."""
        ...

    async def preview(self, actor: Actor, words: str) -> Shown:
        """Return what the words would make."""
        ...

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        """Make it."""
        ...


class MetricPosts(Protocol):
    """Where metrics are posted once a week."""

    async def post(
        self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey, when: PostTime | None = None
    ) -> Posted:
        """Post one there, or nowhere; all of that channel at that time, where one is named."""
        ...

    async def at(self, actor: Actor, place: Place, when: PostTime, trigger: TriggerKey) -> Posted:
        """Post what is posted there at that time from now on."""
        ...


class MetricFiles(Protocol):
    """Metrics to download."""

    async def links(self, actor: Actor, wanted: str) -> Links:
        """Return links to one, by its name or id."""
        ...


class ApiKeys(Protocol):
    """Keys of programs."""

    async def all(self, actor: Actor) -> list[tuple[ApiKey, str]]:
        """Return all of them, each with who made it."""
        ...

    async def new(self, actor: Actor, name: str, scopes: frozenset[KeyScope], trigger: TriggerKey) -> NewKey:
        """Make one."""
        ...

    async def revoke(self, actor: Actor, key_id: str, trigger: TriggerKey) -> ApiKey:
        """Let it open nothing any more."""
        ...


class Pages(Protocol):
    """Answers as pages of a browser."""

    async def link(self, actor: Actor, about: str) -> PageLink:
        """Return a link to the page of a source or metric, by its id."""
        ...


class Promises(Protocol):
    """How fresh sources must be."""

    async def preview(self, actor: Actor, source_id: str, words: str) -> Promised | None:
        """Return what a promise would mean."""
        ...

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Promised:
        """Set it."""
        ...


class Mutes(Protocol):
    """Alarms that people do not want for a while."""

    async def preview(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], words: str) -> Muting | None:
        """Return what a mute would hide."""
        ...

    async def mute(
        self,
        actor: Actor,
        source_id: str,
        kinds: Sequence[IncidentKind],
        until: datetime,
        seen: int,
        trigger: TriggerKey,
    ) -> Muting:
        """Mute until then."""
        ...

    async def lift(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], trigger: TriggerKey) -> Muting:
        """Lift it."""
        ...


class Rereads(Protocol):
    """Reading again what is there already."""

    def stream_named(self, provider: Provider, words: str) -> str:
        """Return the stream of that name."""
        ...

    async def preview(self, actor: Actor, wanted: Wanted) -> Preview:
        """Return what would be read."""
        ...

    async def start(self, actor: Actor, wanted: Wanted, trigger: TriggerKey, place: Place) -> Outcome:
        """Start it."""
        ...


class Installs(Protocol):
    """The app in workspaces."""

    async def left(self, departure: Departure) -> Left:
        """Take what Slack says about a removal."""
        ...

    async def link_enterprises(self) -> None:
        """Look at the workspaces of enterprises."""
        ...


class Channels(Protocol):
    """Where Tidings may speak."""

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        """Return how a channel stands."""
        ...

    async def allow(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Let Tidings speak there."""
        ...

    async def deny(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Say nothing there any more."""
        ...


class Services(Protocol):
    """Everything that a listener may use."""

    @property
    def people(self) -> People:
        """Who acts."""
        ...

    @property
    def home(self) -> Home:
        """The data source index."""
        ...

    @property
    def feedback(self) -> Feedbacks:
        """What people say of results."""
        ...

    @property
    def talk(self) -> Talk:
        """What a follow-up refers to."""
        ...

    @property
    def status(self) -> Status:
        """How fresh the data is."""
        ...

    @property
    def refresh(self) -> Refreshes:
        """Refreshes."""
        ...

    @property
    def clicks(self) -> Clicks:
        """Confirmed refreshes."""
        ...

    @property
    def held(self) -> HeldReads:
        """Reads that wait for a person."""
        ...

    @property
    def missing(self) -> MissingStreams:
        """Streams that a run could not read."""
        ...

    @property
    def escalation(self) -> Escalations:
        """Escalated refreshes."""
        ...

    @property
    def policies(self) -> Policies:
        """Escalation policies."""
        ...

    @property
    def incidents(self) -> Incidents:
        """Incidents."""
        ...

    @property
    def access(self) -> Access:
        """Access to refreshes."""
        ...

    @property
    def asks(self) -> Asks:
        """Kept interactions."""
        ...

    @property
    def addresses(self) -> Addresses:
        """E-mail addresses."""
        ...

    @property
    def connect(self) -> Connections:
        """Connections."""
        ...

    @property
    def help(self) -> Help:
        """Connections that do not work."""
        ...

    @property
    def disconnect(self) -> Disconnects:
        """Disconnecting."""
        ...

    @property
    def members(self) -> Members:
        """Members."""
        ...

    @property
    def channels(self) -> Channels:
        """Channels."""
        ...

    @property
    def rereads(self) -> Rereads:
        """Reading again what is there already."""
        ...

    @property
    def posting(self) -> MetricPosts:
        """Where metrics are posted."""
        ...

    @property
    def making(self) -> Making:
        """Metrics through a form."""
        ...

    @property
    def files(self) -> MetricFiles:
        """Metrics to download."""
        ...

    @property
    def pages(self) -> Pages:
        """Answers as pages of a browser."""
        ...

    @property
    def api_keys(self) -> ApiKeys:
        """Keys of programs."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Numbers that are calculated from QuickBooks."""
        ...

    @property
    def promises(self) -> Promises:
        """How fresh sources must be."""
        ...

    @property
    def mutes(self) -> Mutes:
        """Muted alarms."""
        ...

    @property
    def schedules(self) -> Schedules:
        """When sources are collected."""
        ...

    @property
    def installs(self) -> Installs:
        """Installations."""
        ...

    @property
    def outgoing(self) -> Outgoing:
        """Webhooks that Tidings sends."""
        ...

    @property
    def audit(self) -> Audit:
        """The audit."""
        ...

    @property
    def sharing(self) -> Sharing:
        """Sharing answers."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """What people are told."""
        ...

    @property
    def own(self) -> OwnMessages:
        """One's own messages."""
        ...

    @property
    def channel_choices(self) -> ChannelChoosing:
        """What channels are told."""
        ...

    @property
    def digests(self) -> Digests:
        """Digests."""
        ...

    @property
    def quiet(self) -> QuietHours:
        """Quiet hours."""
        ...

    @property
    def timelines(self) -> Timelines:
        """What became of messages."""
        ...

    @property
    def landed(self) -> Landings:
        """Whether changes landed."""
        ...

    @property
    def explain(self) -> Explains:
        """Why."""
        ...

    @property
    def receipts(self) -> Receipts:
        """Receipts."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def desktops(self) -> Desktops:
        """Which QuickBooks Desktop takes orders."""
        ...

    @property
    def order_writing(self) -> OrderWriting:
        """Whether orders may be created in QuickBooks."""
        ...

    @property
    def exchange(self) -> Exchange:
        """The exchange with PocketAdvantage."""
        ...
