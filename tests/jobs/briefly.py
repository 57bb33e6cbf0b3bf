"""A source that is read in a moment: one stream and one ready table of it, for tests of what comes before and after."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from connectors.base import Access, Collected, Company, Connector, Progress, Session, Sink
from connectors.registry import connector_for
from storage.facts.ready import ReadyTable
from storage.facts.sources import Provider


class Briefly:
    """Reads the first stream of a connector through its real code, and makes the first ready table of it."""

    def __init__(self, whole: Connector) -> None:
        self._whole = whole
        self.provider, self.mode, self.label = whole.provider, whole.mode, whole.label
        self.streams = whole.streams[:1]
        self.ready = tuple(table for table in whole.ready if self._has_all_of(table))[:1]

    def _has_all_of(self, table: ReadyTable) -> bool:
        names = [name for one in self.streams for name in (one.name, *(child.name for child in one.children))]
        raw = {f"raw_{self.provider}_{name}" for name in names}
        return raw.issuperset((table.parent, *table.lines, *table.lookups))

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open the whole one's session."""
        return self._whole.session(access)

    async def probe(self, session: Session) -> Company:
        """Ask as the whole one does."""
        return await self._whole.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read that stream alone, or of those that there are what is wanted."""
        only = frozenset(stream.name for stream in self.streams)
        if session.access.only:
            only &= session.access.only
        alone = replace(session, access=replace(session.access, only=only))
        return await self._whole.collect(alone, cursors, until, sink, progress)


class Some(Briefly):
    """Reads the streams of these names, and makes the ready tables that follow from them."""

    def __init__(self, whole: Connector, names: frozenset[str]) -> None:
        super().__init__(whole)
        self.streams = tuple(stream for stream in whole.streams if stream.name in names)
        self.ready = tuple(table for table in whole.ready if self._has_all_of(table))


def briefly(provider: Provider) -> Connector:
    """Return the provider's connector, with a single stream."""
    return Briefly(connector_for(provider))
