"""What pages and messages may show of a flow; nothing in it is secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.grants import FormField, FormRows, FormTest, HintField
from storage.facts.dependents import Dependent
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider, Source
from storage.facts.status import SourceStatus


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider of the catalogue."""

    provider: Provider
    title: str
    #: what connecting it brings, in one line
    line: str
    help_url: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link for one person; whoever has it sees whose it is, and nothing more without proof."""

    flow_id: str
    url: Secret
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The person chose another account than the source's: keep the source as it is, or make a new one of it."""

    chosen: str
    chosen_account: str
    expected: str
    expected_account: str
    #: whether `confirm(as_new=True)` may make a new source of what was chosen
    new_allowed: bool


@dataclass(frozen=True, slots=True)
class FlowView:
    """A flow as its own person may see it."""

    #: goes into the form that confirms or gives up, so that another tab's flow is never meant
    id: str
    state: FlowState
    provider: Provider
    #: the provider's name for people
    provider_label: str
    organization: str
    member: str
    workspace: str
    #: when the next step is no longer waited for
    expires_at: datetime
    #: what must be asked before the person can be sent to the provider; None: nothing
    hint: HintField | None
    #: the source that is reconnected, as it is now
    source: Source | None
    #: whether signing in with Slack is set up
    can_sign_in: bool
    code_sent: bool
    codes_left: int
    tries_left: int
    #: from here on: once the provider answered
    company: str | None = None
    account: str | None = None
    #: the organization has this account already: yes renews its connection
    known: Source | None = None
    mismatch: Mismatch | None = None
    #: scopes that were asked for and not given
    missing: tuple[str, ...] = ()
    #: why it failed: a code of ours, and plain words
    reason: str | None = None
    said: str | None = None
    #: the source that came of it, and the streams that it has
    connected: SourceStatus | None = None
    streams: tuple[str, ...] = ()
    #: the first collection, or the catch-up, that it started
    run_id: str | None = None
    #: the member's own zone, an IANA name
    zone: str = "UTC"
    #: the fields of our own form, for a provider that has no page of consent
    form: tuple[FormField, ...] = ()
    #: what tries a part of it
    tests: tuple[FormTest, ...] = ()
    #: its blocks, of which there may be several
    rows: FormRows | None = None
    #: what the form begins with: how the source that is reconnected was declared
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """What Amazon asks for when a seller starts there; nobody has proven anything yet."""

    seller: str
    #: of the Seller Central that asks, as people name it
    region: str
    #: whether signing in with Slack is set up
    can_sign_in: bool


@dataclass(frozen=True, slots=True)
class Parting:
    """A source that somebody is about to disconnect, and what that affects."""

    status: SourceStatus
    #: names the state that is shown: disconnecting is refused once it is another one
    mark: str
    #: refreshes that wait for the run that is under way
    waiting: int
    #: it is disconnected already; its data may be erased still
    only_data: bool
    #: what stands still once it is disconnected
    dependents: tuple[Dependent, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What may be typed to confirm: the label, or the company's name."""
        return tuple(dict.fromkeys(name for name in (self.status.source.label, self.status.source.company) if name))


@dataclass(frozen=True, slots=True)
class Parted:
    """A source that was disconnected; the same answer when the same confirmation comes twice."""

    disconnect_id: str
    source: Source
    #: its data is being erased
    erase: bool
    #: as of when the data stays; None where nothing was ever loaded
    frozen_at: datetime | None
    #: what stands still since then
    dependents: tuple[Dependent, ...] = ()


@dataclass(frozen=True, slots=True)
class Connected:
    """A stored grant; the same answer when the same yes comes twice."""

    flow_id: str
    source: Source
    #: the first collection, or the catch-up after a reconnect
    run_id: str | None
    #: a new source, not one that was connected before
    newly: bool

    @property
    def state(self) -> ConnectionState:
        """Connected, or attention when scopes miss."""
        return self.source.connection
