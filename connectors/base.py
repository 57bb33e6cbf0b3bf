"""The shape that every provider drops into: what a connector declares, is given, and returns."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from connectors.apart import Aside
from connectors.errors import Broken
from connectors.http import Http
from connectors.limits import Limiter
from connectors.oauth import TokenKeeper
from connectors.places import Places
from connectors.tokens import Tokens, TokenStore
from connectors.wire import HttpLimits, pinned
from storage.facts.clock import Clock, aware
from storage.facts.past import Older
from storage.facts.ready import ReadyTable
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Batch, Stream

__all__ = [
    "Access",
    "Addresses",
    "Collected",
    "Company",
    "Connector",
    "Held",
    "NothingHeld",
    "ProviderSettings",
    "Session",
    "Tokens",
]

#: Each incremental read goes back this far behind the last one: clocks differ and commits become visible late.
OVERLAP = timedelta(minutes=10)
#: Behind a longer gap everything is read again.
LONGEST_GAP = timedelta(days=30)

Sink = Callable[[Batch], Awaitable[None]]
#: stream, rows read so far, rows expected (None: not known)
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a provider is reached (``{shop}`` stands for the account)."""

    api_url: str
    auth_url: str
    token_url: str


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The app's own keys and the provider's addresses (``{shop}`` in them stands for the account)."""

    client_id: str
    client_secret: Secret
    api_url: str
    auth_url: str
    token_url: str
    limits: HttpLimits = field(default_factory=HttpLimits)
    #: the secret before this one: both are good while it is changed at the provider
    previous_secret: Secret | None = None
    #: addresses by region, where the provider has regions; the plain ones are those of the first
    regions: Mapping[str, Addresses] = field(default_factory=dict)
    #: what the consent page calls the app, where that is not the client id (Amazon)
    application_id: str = ""
    #: True while the provider has not published the app (Amazon's ``version=beta``)
    draft: bool = False
    #: addresses of buckets, beside the clouds' own, that a grant may name
    endpoints: tuple[str, ...] = ()
    #: what its grants are of, where no host gives tokens
    place: str = ""
    #: whose connection a form tries: what lies on this machine lies in a folder of theirs
    organization: str = ""
    #: the organization's QuickBooks companies, id and name, where files are made of the books of one of them
    companies: tuple[tuple[str, str], ...] = ()

    def address(self, template: str, account: str) -> str:
        """Fill the account into an address."""
        return template.replace("{shop}", account)

    @property
    def client_secrets(self) -> tuple[Secret, ...]:
        """The present secret, then the one before it where there is one."""
        return (self.client_secret, self.previous_secret) if self.previous_secret else (self.client_secret,)

    def at(self, region: str) -> "ProviderSettings":
        """Return the settings with the addresses of a region; Broken for one that is not known."""
        if not self.regions and not region:
            return self
        there = self.regions.get(region)
        if there is None:
            raise Broken("this account belongs to a region that is not set up here", code="region_unknown")
        return replace(self, api_url=there.api_url, auth_url=there.auth_url, token_url=there.token_url)

    def environment(self, account: str, region: str = "") -> str:
        """Return the host that gives this account its tokens: a grant of one environment is never used in another."""
        return self.place or pinned(self.address(self.at(region).token_url, account)).host


class Held(Protocol):
    """What the warehouse holds now: live rows of ``raw_<provider>_<stream>`` of this source."""

    async def count(self, stream: str) -> int:
        """Return how many."""
        ...

    async def keys(self, stream: str) -> Collection[str]:
        """Return their keys; asked for only when counts leave a doubt."""
        ...

    async def among(self, stream: str, keys: Collection[str]) -> Collection[str]:
        """Return which of these keys they have; cheap where all keys would be millions."""
        ...


class NothingHeld:
    """A warehouse before the first read."""

    async def count(self, stream: str) -> int:
        """None."""
        _ = stream
        return 0

    async def keys(self, stream: str) -> Collection[str]:
        """None."""
        _ = stream
        return ()

    async def among(self, stream: str, keys: Collection[str]) -> Collection[str]:
        """None."""
        _ = stream, keys
        return ()


@dataclass(frozen=True, slots=True)
class Access:
    """Everything a connector is given about one connection."""

    account: str
    settings: ProviderSettings
    tokens: TokenStore
    clock: Clock
    limiter: Limiter
    held: Held = field(default_factory=NothingHeld)
    #: only an exchange that creates orders, and giving a shop up, ask for this; collections never do
    writes: bool = False
    #: Amazon's region of the account; empty elsewhere
    region: str = ""
    #: the environment that the stored grant is of; empty where that was never noted
    environment: str = ""
    #: the organization's id: files that are delivered to us lie in a folder of its own
    organization: str = ""
    #: compare ids too where no call tells of deletions: the night's sweep, see `Collected.guarded`
    sweeps: bool = False
    #: streams that are read alone, after an earlier collection could not; empty: everything
    only: frozenset[str] = frozenset()
    #: something is read again: what the provider wrote down before this instant is not used for it; None: nothing is
    anew_since: datetime | None = None
    #: counts calls that are under way together with all other collections of the account; None: not counted
    places: Places | None = None

    def wants(self, *streams: str) -> bool:
        """Whether any of these streams is to be read; those that are read together are asked for together."""
        return not self.only or bool(self.only.intersection(streams))


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection: a client with a live grant, and what the connection was given."""

    access: Access
    http: Http
    keeper: TokenKeeper

    async def close(self) -> None:
        """Count the last reads."""
        await self.http.close()


@dataclass(frozen=True, slots=True)
class Company:
    """Whose account it is, in the provider's words."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What one finished collection says about itself."""

    #: every change at the provider up to this instant is in what was read; taken before the first call
    source_as_of: datetime
    #: stream -> opaque text for the next collection; to be saved with the data
    cursors: Mapping[str, str]
    #: metered calls made
    reads: int
    #: streams that were read whole: what was not in them is gone
    full: tuple[str, ...] = ()
    #: streams whose cursor is worth saving even when no row changed
    keep_cursors: tuple[str, ...] = ()
    #: plain sentences worth showing with the run
    notes: tuple[str, ...] = ()
    #: streams of which ids were compared: where far fewer records are left of them, that is held for a person
    guarded: tuple[str, ...] = ()
    #: streams whose older records are still to be read, by the next runs
    older: tuple[Older, ...] = ()
    #: streams that could not be read, each for a reason of its own; they have no cursors here
    aside: tuple[Aside, ...] = ()
    #: stream -> fields that it has and that nobody here knows: they are kept in the raw record, and told once
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: what a source is made of where that is not the connector's streams, looked at or not: name -> what people read
    parts: Mapping[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """One provider."""

    @property
    def provider(self) -> Provider:
        """Which one."""
        ...

    @property
    def mode(self) -> CollectMode:
        """How its data comes."""
        ...

    @property
    def label(self) -> str:
        """Its name for people."""
        ...

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What it reads."""
        ...

    @property
    def ready(self) -> tuple[ReadyTable, ...]:
        """What is made of it."""
        ...

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open a connection; nothing is sent yet."""
        ...

    async def probe(self, session: Session) -> Company:
        """Make the cheapest call that proves the grant, and return whose account it is."""
        ...

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read what changed since the cursors (all of it without one) and hand it to the sink, batch by batch."""
        ...


@runtime_checkable
class Declared(Protocol):
    """A connector whose tables are each source's own: what its customer declared."""

    async def declared(self, access: Access) -> tuple[ReadyTable, ...]:
        """Return the ready tables of one source."""
        ...


async def ready_of(connector: Connector, access: Access) -> tuple[ReadyTable, ...]:
    """Return the ready tables of one source."""
    return await connector.declared(access) if isinstance(connector, Declared) else connector.ready


def refuse_foreign(access: Access) -> None:
    """Raise Broken when the stored grant is of another environment than the one we are set up for."""
    if access.environment and access.environment != access.settings.environment(access.account, access.region):
        detail = "the stored access is of another environment than this installation: connect the account again here"
        raise Broken(detail, code="wrong_environment")


@contextlib.asynccontextmanager
async def open_session(connector: Connector, access: Access) -> AsyncIterator[Session]:
    """Open a connection and count its last reads when it closes, however it ends.

    Raises Broken for a grant of another environment (a sandbox's in production, or the other way round).
    """
    refuse_foreign(access)
    async with connector.session(access) as session:
        try:
            yield session
        finally:
            await session.close()


@dataclass(frozen=True, slots=True)
class Mark:
    """A stream's cursor: read up to ``read_to``, newest change seen ``newest``, live rows then ``count``."""

    #: the instant from which the next read starts (less the overlap), by the provider's clock
    read_to: datetime
    newest: str = ""
    count: int | None = None
    #: the first day (ISO) whose records are in, while older ones are still being read; empty: all are in
    back_to: str = ""

    def __str__(self) -> str:
        count = "" if self.count is None else str(self.count)
        back_to = f"|{self.back_to}" if self.back_to else ""
        return f"{self.read_to.isoformat()}|{self.newest}|{count}{back_to}"


_MARK = re.compile(
    r"(?P<read_to>[^|]+)\|(?P<newest>[^|]*)\|(?P<count>[0-9]*)(?:\|(?P<back_to>[0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.ASCII
)


def mark(cursor: str | None, now: datetime) -> Mark | None:
    """Read a cursor; None when there is none, when it is not ours, or when it is too old to go on from."""
    match = _MARK.fullmatch(cursor or "")
    if match is None:
        return None
    try:
        read_to = aware(datetime.fromisoformat(match["read_to"]))
    except ValueError:
        return None
    if now - read_to > LONGEST_GAP or read_to - now > LONGEST_GAP:
        return None
    return Mark(read_to, match["newest"], int(match["count"]) if match["count"] else None, match["back_to"] or "")


def serial(sink: Sink) -> Sink:
    """Return a sink that takes one batch at a time, so that streams may be read side by side."""
    turn = asyncio.Lock()

    async def one(batch: Batch) -> None:
        async with turn:
            await sink(batch)

    return one
