"""The Shopify connector."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from connectors.base import Access, Collected, Company, Mark, Progress, Session, Sink, mark, serial
from connectors.errors import Partial, Reconnect
from connectors.intake import Intake
from connectors.shopify import entry
from connectors.shopify.connection import Pager, Root
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reader, Reading
from connectors.shopify.roots import ROOTS
from connectors.shopify.tables import READY
from connectors.side_by_side import together
from storage.facts.clock import aware
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream


class ShopifyConnector:
    """Collected on demand and by schedule."""

    provider = Provider.SHOPIFY
    mode = CollectMode.ON_DEMAND
    label = "Shopify"
    streams: tuple[Stream, ...] = tuple(root.shape.stream for root in ROOTS)
    ready: tuple[ReadyTable, ...] = READY

    def __init__(self) -> None:
        #: page sizes by shop: the first page of a collection is as big as the last one of the collection before
        self._sizes: dict[str, dict[str, int]] = {}

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open a connection to one shop."""
        return entry.session(access)

    async def probe(self, session: Session) -> Company:
        """Ask for the shop's name."""
        return await entry.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the three streams side by side, from one bucket of points."""
        until = aware(until)
        await session.keeper.token()
        graph, one_by_one = Graph(session.http), serial(sink)
        sizes = self._sizes.setdefault(session.access.account, {})
        marks = {root.shape.name: _mark(root, cursors, until) for root in ROOTS}
        found = await together(
            _read(session, Pager(graph, root, sizes), root, marks[root.shape.name], until, one_by_one, progress)
            for root in ROOTS
        )
        denied = tuple(item for item in found if isinstance(item, str))
        if len(denied) == len(ROOTS):
            raise Reconnect("the installation lacks the permissions that Tidings reads with", code="scope_missing")
        if denied:
            raise Partial(
                denied, f"the installation lacks the permission to read {', '.join(denied)}", code="scope_missing"
            )
        return _collected(session, [item for item in found if isinstance(item, Reading)], until)


def _mark(root: Root, cursors: Mapping[str, str], until: datetime) -> Mark | None:
    """Return where the last collection ended; None when it asked less of each record than we do now."""
    found = mark(cursors.get(root.shape.name), until)
    return found if found is not None and found.newest == root.edition else None


async def _read(
    session: Session, pager: Pager, root: Root, since: Mark | None, until: datetime, sink: Sink, progress: Progress
) -> Reading | str:
    """Read one stream; return its name alone when the grant does not allow it."""
    sees_all = root.whole_scope is None or root.whole_scope in session.keeper.scopes
    intake = partial(Intake, root.shape, sink, progress)
    reader = Reader(pager, root, session.access.held, intake, sees_all=sees_all)
    try:
        return await reader.read(since, until)
    except Reconnect as refusal:
        if refusal.code != "scope_missing":
            raise
        return root.shape.name


def _collected(session: Session, readings: list[Reading], until: datetime) -> Collected:
    behind = session.http.behind
    notes = {note for reading in readings for note in reading.notes}
    return Collected(
        source_as_of=until,
        cursors={
            reading.name: str(replace(reading.cursor, read_to=reading.cursor.read_to - behind)) for reading in readings
        },
        reads=session.http.reads,
        full=tuple(reading.name for reading in readings if reading.full),
        keep_cursors=tuple(reading.name for reading in readings if reading.keep),
        notes=tuple(sorted(notes)),
    )
