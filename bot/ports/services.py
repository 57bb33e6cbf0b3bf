"""Everything that a listener may use; jobs.services has it all, tests bring a small twin."""

from typing import Protocol

from bot.ports.alarms import Escalations, Incidents, Mutes, Policies
from bot.ports.connecting import ApiKeys, Connections, Disconnects, Help, Outgoing
from bot.ports.desktop import Desktops
from bot.ports.exchange import Adapting, Exchange, OrderWriting
from bot.ports.metrics import Making, MetricFiles, MetricPosts, Metrics
from bot.ports.people import Access, Addresses, Channels, Installs, Members, People
from bot.ports.refreshing import Asks, Clicks, HeldReads, MissingStreams, Promises, Refreshes, Rereads, Schedules
from bot.ports.showing import (
    Audit,
    Explains,
    Feedbacks,
    Home,
    Landings,
    Pages,
    Receipts,
    Sharing,
    Status,
    Talk,
    Timelines,
)
from bot.ports.telling import ChannelChoosing, Digests, OwnMessages, QuietHours, Subscriptions
from storage.facts.clock import Clock


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

    @property
    def adapting(self) -> Adapting:
        """The organization's own mapping of the exchange."""
        ...
