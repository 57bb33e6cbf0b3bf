"""A small twin of the services: everything in memory, every call written down."""

from dataclasses import dataclass, field

from storage.facts.clock import Clock, SystemClock
from tests.bot.twins.alarms import TwinEscalation, TwinIncidents, TwinMutes, TwinPolicies
from tests.bot.twins.connecting import TwinConnections, TwinDisconnects, TwinHelp, TwinKeys, TwinOutgoing
from tests.bot.twins.desktop import TwinDesktops
from tests.bot.twins.exchange import TwinAdapting, TwinExchange, TwinOrderWriting
from tests.bot.twins.metrics import TwinFiles, TwinMaking, TwinMetrics, TwinPosting
from tests.bot.twins.people import TwinAccess, TwinAddresses, TwinChannels, TwinInstalls, TwinMembers, TwinPeople
from tests.bot.twins.refreshing import (
    TwinAsks,
    TwinClicks,
    TwinHeld,
    TwinMissing,
    TwinPromises,
    TwinRefresh,
    TwinRereads,
    TwinSchedules,
)
from tests.bot.twins.showing import (
    TwinAudit,
    TwinExplain,
    TwinFeedback,
    TwinHome,
    TwinLandings,
    TwinPages,
    TwinReceipts,
    TwinSharing,
    TwinStatus,
    TwinTalk,
    TwinTimelines,
)
from tests.bot.twins.telling import TwinChannelChoices, TwinDigests, TwinOwn, TwinQuiet, TwinSubscriptions


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
        self.making = TwinMaking(self.people)
        self.posting = TwinPosting()
        self.files = TwinFiles()
        self.pages = TwinPages()
        self.api_keys = TwinKeys()
        self.rereads = TwinRereads()
        self.installs = TwinInstalls()
        self.help = TwinHelp()
        self.exchange = TwinExchange()
        self.adapting = TwinAdapting()
        self.order_writing = TwinOrderWriting()
        self.desktops = TwinDesktops()
