"""The connection to PocketAdvantage: it is proven and kept as every other one, and nothing is collected over it."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.errors import Broken
from connectors.pocketadvantage.declared import Declared, read_declared
from connectors.pocketadvantage.looking import look_at_files, try_orders
from connectors.pocketadvantage.places import allowed_of, operator_of, places_of
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream


class ExchangeSession(Session):
    """An opened declaration; whoever exchanges something opens the file server or the database for itself."""

    declared: Declared

    def __init__(self, access: Access, declared: Declared) -> None:
        # A session is frozen; one of a declaration has no more than these.
        for name, value in (("access", access), ("declared", declared)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.access.account!r})"

    async def close(self) -> None:
        """Nothing is open."""


def opened(session: Session) -> ExchangeSession:
    """Return a session as one of this connector."""
    if not isinstance(session, ExchangeSession):
        raise TypeError("a session of another connector")
    return session


class PocketAdvantageConnector:
    """Files go out and orders come in by schedules of their own; there is no data here that could be fresh."""

    provider = Provider.POCKETADVANTAGE
    mode = CollectMode.EXCHANGE
    label = "PocketAdvantage"
    streams: tuple[Stream, ...] = ()
    ready: tuple[ReadyTable, ...] = ()

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Read the declaration; nothing is asked yet."""
        return _session(access)

    async def probe(self, session: Session) -> Company:
        """Look at the file server and, where orders are taken, at the database; nothing is written or taken."""
        declared, access = opened(session).declared, session.access
        files, orders = places_of(declared, access.settings, access.organization)
        await look_at_files(files, operator_of(access.settings))
        if orders is not None:
            await try_orders(orders, allowed_of(access.settings, access.organization))
        return Company(declared.cust_id, declared.company)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Refuse: whoever asks took the connection for a source of data."""
        _ = session, cursors, until, sink, progress
        raise Broken("no data is read from this connection: files and orders go over it", code="nothing_to_collect")


@contextlib.asynccontextmanager
async def _session(access: Access) -> AsyncIterator[Session]:
    yield ExchangeSession(access, read_declared((await access.tokens.load()).access))
