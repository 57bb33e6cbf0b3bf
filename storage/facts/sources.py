"""Organizations' sources and the connections behind them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.facts.mutes import Mute
from storage.facts.promises import Promise
from storage.facts.rhythms import FileRhythm
from storage.facts.schedules import Rule


class Provider(StrEnum):
    """The outside systems that data comes from: each line registers the package of `connectors` of that name."""

    QUICKBOOKS = "quickbooks"
    SHOPIFY = "shopify"
    AMAZON = "amazon"
    #: files of saved searches, in a folder
    NETSUITE = "netsuite"
    #: CSV files, one table each, in a folder
    FOLDER = "folder"
    #: order system that files and orders are exchanged with
    POCKETADVANTAGE = "pocketadvantage"


class CollectMode(StrEnum):
    """How a source's raw data comes: by the button, by the timer alone, when the provider delivers, or not at all."""

    ON_DEMAND = "on_demand"
    TIMER = "timer"
    PUSH = "push"
    #: files and orders are exchanged over its connection: no data is read from it, so that none can be fresh or late
    EXCHANGE = "exchange"

    @property
    def collects(self) -> bool:
        """Whether data is read from it; what is not read has a connection, and neither runs nor freshness."""
        return self is not CollectMode.EXCHANGE


class ConnectionState(StrEnum):
    """The state of the grant behind a source; never the state of its runs or of its freshness."""

    CONNECTED = "connected"
    #: works, but a person should look (missing scope, about to expire)
    ATTENTION = "attention"
    DISCONNECTED = "disconnected"


class Freshness(StrEnum):
    """How a source stands against its promise."""

    FRESH = "fresh"
    #: past 1x the promised interval
    LATE = "late"
    #: past 2x the promised interval
    OVERDUE = "overdue"
    #: no run was ever ready
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Organization:
    """The customer company."""

    id: str
    name: str
    #: IANA name, for schedules and for times in text
    timezone: str
    support_email: str | None
    #: ``team/channel`` of the operator's support channel for this organization
    support_channel: str | None
    account_rep: str | None
    #: what its metrics are called
    metric_noun: str = "Metric"


@dataclass(frozen=True, slots=True)
class Source:
    """One connected account of an organization."""

    id: str
    organization_id: str
    provider: Provider
    #: realm id, shop domain: the provider's own name of the account
    account: str
    #: what people read: ``quickbooks_<realmId>``, ``temeritygoods.myshopify.com``
    label: str
    #: the company or shop name, as the provider tells it
    company: str
    mode: CollectMode
    schedule_minutes: int
    #: grows with each change of the schedule
    schedule_version: int
    connection: ConnectionState
    #: why the connection is not plainly connected, in words
    connection_reason: str | None
    connection_since: datetime
    #: Amazon's region of the account (na, eu, fe); empty elsewhere
    region: str = ""
    #: host that gave the grant its tokens; empty where that was never noted
    environment: str = ""
    #: a person disconnected it, so that nobody has to do anything about it
    on_purpose: bool = False
    #: its schedule where that is no interval; `schedule_minutes` is then a day
    rule: Rule | None = None
    #: zone of that schedule and of the promise's calendar: the organization's; not told where there is neither
    zone: str = "UTC"
    #: when a person set the schedule: what was due by then is not made up for
    scheduled_at: datetime | None = None
    #: minutes as they were set, where `schedule_minutes` is stretched
    planned_minutes: int | None = None
    #: how fresh it must be; None: as its schedule says
    promise: Promise | None = None
    #: alarms about it that people muted; one whose time is over may still stand here
    mutes: tuple[Mute, ...] = ()
    #: since when its alarm waits, because the fault may be ours
    alarm_held_at: datetime | None = None
    #: in what rhythm its files come, as observed; None where none are delivered, or too few came yet
    file_rhythm: FileRhythm | None = None
    #: escalation policy of its organization as it is stored (`storage.facts.policies`); told where sources are listed
    policy: str | None = None
