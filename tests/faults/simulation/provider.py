"""A provider with a memory of its own: every change of every account, every read, and its moods."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa

from connectors.apart import Aside
from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from storage.facts.clock import Clock
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import RECORD_COLUMNS, Batch, Column, ColumnType, Stream
from storage.warehouse.columns import arrow_schema

_COLUMNS = (Column("id"), Column("version", ColumnType.INTEGER))
STREAMS = (Stream("sales", "Sales", _COLUMNS), Stream("returns", "Returns", _COLUMNS))
NAMES = tuple(stream.name for stream in STREAMS)
_OVERLAP = timedelta(minutes=10)


class Mood(StrEnum):
    """How an account answers now."""

    WELL = "well"
    #: 503
    DOWN = "down"
    #: 429 with an hour to wait: a refresh then overruns
    THROTTLED = "throttled"
    #: what neither time nor a person of the customer's cures
    BROKEN = "broken"
    #: one stream cannot be read
    PARTLY = "partly"
    #: everything seems to be gone: a full answer without a record
    EMPTY = "empty"
    #: the grant is dead
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Change:
    """A record was put, or deleted, at that instant."""

    at: datetime
    stream: str
    key: str
    #: grows with every change of the account
    version: int
    gone: bool = False


@dataclass(slots=True)
class Read:
    """One collection as the provider saw it."""

    began: datetime
    mood: Mood
    ended: datetime | None = None
    #: the streams that were handed over to their end
    whole: tuple[str, ...] = ()


@dataclass
class Account:
    """One account at a provider: its truth."""

    name: str
    mood: Mood = Mood.WELL
    #: how long a read takes
    seconds: float = 20.0
    changes: list[Change] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    #: when it fell into the mood that it is in
    since: datetime | None = None
    #: when it refused a dead grant
    refusals: list[datetime] = field(default_factory=list)
    #: called in the middle of a read, when its pages are taken and the time has passed
    meanwhile: Callable[[], Awaitable[None]] | None = None
    #: called after that: whoever reads may stand still here
    reading: Callable[[], Awaitable[None]] | None = None

    def fall(self, mood: Mood, at: datetime) -> None:
        """Answer differently from now on."""
        self.mood, self.since = mood, at
        if mood is Mood.WELL:
            self.refusals.clear()

    def refuse(self, at: datetime) -> None:
        """Raise what stands against a read, if anything does."""
        if self.mood is Mood.REVOKED:
            self.refusals.append(at)
        _refuse(self.mood)

    def last_changes(self, at: datetime) -> dict[tuple[str, str], Change]:
        """Return the last change of every record as of that instant."""
        return {(change.stream, change.key): change for change in self.changes if change.at <= at}

    def read_to(self, stream: str) -> datetime | None:
        """Return the begin of the newest read that was handed over all of the stream."""
        return max((read.began for read in self.reads if read.ended and stream in read.whole), default=None)

    def change(self, at: datetime, stream: str, key: str, *, gone: bool = False) -> None:
        """Write a record, or delete it."""
        self.changes.append(Change(at, stream, key, len(self.changes) + 1, gone))


@dataclass
class Providers:
    """All accounts of all providers."""

    clock: Clock
    accounts: dict[str, Account] = field(default_factory=dict)


class Ledger:
    """The connector of one of these providers: reads an account's changes since the cursor, page by page."""

    streams = STREAMS

    def __init__(self, providers: Providers, provider: Provider, mode: CollectMode) -> None:
        self._providers = providers
        self.provider, self.mode, self.label = provider, mode, provider.value.title()
        self.ready = tuple(
            ReadyTable(
                f"{provider.value}_{name}", f"SELECT id, version FROM raw_{provider}_{name}", f"raw_{provider}_{name}"
            )
            for name in NAMES
        )

    @contextlib.asynccontextmanager
    async def session(self, access: Access) -> AsyncIterator[Session]:
        async def close() -> None:
            await asyncio.sleep(0)

        yield Session(access, cast("Any", SimpleNamespace(close=close)), cast("Any", None))

    async def probe(self, session: Session) -> Company:
        account = self._account(session)
        account.refuse(self._providers.clock.now())
        return Company(account.name, account.name)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        account, clock = self._account(session), self._providers.clock
        read = Read(clock.now(), account.mood)
        account.reads.append(read)
        account.refuse(read.began)
        wanted = tuple(name for name in NAMES if session.access.wants(name))
        lost = ("returns",) if account.mood is Mood.PARTLY and "returns" in wanted else ()
        nothing = account.mood is Mood.EMPTY and account.read_to(NAMES[0]) is not None
        come = tuple(name for name in wanted if name not in lost)
        read.whole = () if nothing else come
        pages = {} if nothing else {name: _page(account, name, cursors.get(name), read.began) for name in come}
        await clock.sleep(account.seconds)
        if account.meanwhile is not None:
            await account.meanwhile()
        if account.reading is not None:
            await account.reading()
        for number, (name, page) in enumerate(pages.items(), 1):
            await sink(page)
            progress(name, number, None)
        read.ended = clock.now()
        return Collected(
            source_as_of=read.began,
            cursors=dict.fromkeys(come, read.began.isoformat()),
            full=come if nothing else (),
            reads=len(pages),
            keep_cursors=() if nothing else come,
            aside=tuple(Aside((name,), Broken("it could not be read", code="unreadable")) for name in lost),
        )

    def _account(self, session: Session) -> Account:
        return self._providers.accounts[session.access.account]


class Revoking:
    """A provider that takes a grant back when it is asked to."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def revoke(self, *_settings: Any, **_about: Any) -> bool:
        """Say that it is gone."""
        return True


def _page(account: Account, stream: str, cursor: str | None, now: datetime) -> Batch:
    since = datetime.fromisoformat(cursor) - _OVERLAP if cursor else None
    newest = {change.key: change for (name, _), change in account.last_changes(now).items() if name == stream}
    touched = [change for change in newest.values() if since is None or change.at >= since]
    live = [change for change in touched if not change.gone]
    return Batch(
        next(one for one in STREAMS if one.name == stream),
        pa.Table.from_pydict(
            {
                "id": [change.key for change in live],
                "version": [change.version for change in live],
                "_raw": [f'{{"version": {change.version}}}' for change in live],
                "_hash": [str(change.version) for change in live],
                "_updated_at": [change.at for change in live],
            },
            schema=arrow_schema(_COLUMNS + RECORD_COLUMNS),
        ),
        {},
        tuple(change.key for change in touched if change.gone),
    )


def _refuse(mood: Mood) -> None:
    errors: Mapping[Mood, ConnectorError] = {
        Mood.DOWN: Retry(None, "the provider does not answer", code="unavailable"),
        Mood.THROTTLED: Retry(3600, "the provider asks to wait", code="throttled"),
        Mood.BROKEN: Broken("the provider answers what cannot be read", code="unexpected"),
        Mood.REVOKED: Reconnect("the provider has withdrawn the access", code="invalid_grant"),
    }
    if mood in errors:
        raise errors[mood]
