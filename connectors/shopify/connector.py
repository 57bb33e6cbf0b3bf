"""The Shopify connector."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Protocol

from connectors.apart import Aside, apart, refuse_nothing
from connectors.base import Access, Collected, Company, Mark, Progress, Session, Sink, mark, serial
from connectors.errors import Reconnect, Retry
from connectors.intake import Intake
from connectors.past import Slicing
from connectors.shopify import entry, inventory, offers, payments
from connectors.shopify.bulk import BULK_FROM, PENDING, BulkReader, BulkSettings
from connectors.shopify.connection import Pager, Root
from connectors.shopify.graph import Graph
from connectors.shopify.past import PAGED, SLICING, Past
from connectors.shopify.reading import Reader, Reading
from connectors.shopify.roots import ROOTS
from connectors.shopify.tables import READY
from storage.facts.clock import aware
from storage.facts.past import Older
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream

_MAIN = frozenset(root.shape.name for root in ROOTS)
_LATER = (
    "Inventory, locations, payouts, balance transactions, draft orders, abandoned checkouts and discounts "
    "are not in yet: they are read with the next run, which follows by itself."
)


class ShopifyConnector:
    """Collected on demand and by schedule."""

    provider = Provider.SHOPIFY
    mode = CollectMode.ON_DEMAND
    label = "Shopify"
    streams: tuple[Stream, ...] = (
        *(root.shape.stream for root in ROOTS),
        inventory.ROOT.shape.stream,
        inventory.LOCATIONS.shape.stream,
        payments.PAYOUTS.shape.stream,
        payments.TRANSACTIONS.shape.stream,
        *(root.shape.stream for root in offers.ROOTS),
    )
    ready: tuple[ReadyTable, ...] = READY

    def __init__(self, *, bulk_from: int = BULK_FROM, slicing: Slicing = SLICING, paged: int = PAGED) -> None:
        self._bulk_from = bulk_from
        self._slicing = slicing
        self._paged = paged
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
        """Read the streams side by side, from one bucket of points.

        Of records that are too many for one run it reads the newest first, and with each further run an older period.
        Then nothing holds up the first of these runs: what is beside orders, products and customers waits for the next.
        """
        until = aware(until)
        await session.keeper.token()
        graph, one_by_one = Graph(session.http), serial(sink)
        sizes = self._sizes.setdefault(session.access.account, {})
        intake = partial(_intake, one_by_one, progress)
        parts: dict[tuple[str, ...], Callable[[], Awaitable[_Part]]] = {
            (root.shape.name,): partial(
                _read,
                session,
                Pager(graph, root, sizes, self._in_bulk(session, graph, root)),
                root,
                _mark(root, cursors, until),
                until,
                one_by_one,
                progress,
                self._slicing,
                self._paged,
            )
            for root in ROOTS
        }
        begins = not cursors and not session.access.only
        optional = partial(_optional, session, until)
        stock, paid = (inventory.ROOT, inventory.LOCATIONS), (payments.PAYOUTS, payments.TRANSACTIONS)
        parts[tuple(root.shape.name for root in stock)] = partial(
            optional, inventory.ROOT, (inventory.SCOPE,), _mark_of(stock, cursors, until),
            inventory.Stock(
                graph, Pager(graph, inventory.ROOT, sizes), intake, session.access.held, most=self._paged
            ),
        )  # fmt: skip
        parts[tuple(root.shape.name for root in paid)] = partial(
            optional, payments.PAYOUTS, payments.SCOPES, _mark_of(paid, cursors, until),
            payments.Payments(
                graph, sizes, intake, session.access.held, back_to=_back_to(payments.TRANSACTIONS, cursors, until),
                most=self._slicing.first or self._slicing.most,
            ),
        )  # fmt: skip
        for root in offers.ROOTS:
            hourly = _hourly(session, Pager(graph, root, sizes), root, one_by_one, progress)
            parts[root.shape.name,] = partial(
                optional, root, offers.SCOPES[root.shape.name], _mark_of((root,), cursors, until), hourly
            )
        wanted = {streams: part for streams, part in parts.items() if session.access.wants(*streams)}
        first = {streams: part for streams, part in wanted.items() if streams[0] in _MAIN} if begins else wanted
        found, aside = await apart((streams, part()) for streams, part in first.items())
        rest = {streams: part for streams, part in wanted.items() if streams not in first}
        if rest and any(reading.left for part in found for reading in part.readings):
            found.append(_Part(notes=(_LATER,)))
        elif rest:
            more, lost = await apart((streams, part()) for streams, part in rest.items())
            found, aside = found + more, aside + lost
        _refuse_losses(found, aside, session.access.only)
        return replace(_collected(session, found, until), aside=tuple(aside))

    def _in_bulk(self, session: Session, graph: Graph, root: Root) -> BulkReader | None:
        settings = session.access.settings
        home = settings.address(settings.api_url, session.access.account)
        anew = session.access.anew_since
        since = anew - session.http.behind if anew else None
        given = BulkSettings(home, settings.limits, self._bulk_from, since)
        return BulkReader(graph, root, root.bulk, given) if root.bulk else None


def _refuse_losses(found: list["_Part"], aside: list[Aside], only: Collection[str]) -> None:
    """Raise what decides when nothing was read, or when the grant allows nothing of what everybody reads."""
    denied = {name for one in aside if one.error.code == "scope_missing" for name in one.streams}
    if not only and denied >= {root.shape.name for root in ROOTS}:
        raise Reconnect("the installation lacks the permissions that Tidings reads with", code="scope_missing")
    read = [reading for part in found for reading in part.readings]
    if not read and not only and {one.error.code for one in aside} == {PENDING}:
        # With nothing beside them there is no part to make ready: the run waits as a whole, and says for all of what.
        *first, last = [
            root.shape.label.lower() for root in ROOTS if any(root.shape.name in one.streams for one in aside)
        ]
        what = f"{', '.join(first)} and {last}" if first else last
        detail = f"Shopify is still writing down {what}: nothing else is to be read now, and it goes on by itself"
        raise Retry(60, detail, code=PENDING)
    refuse_nothing(read, aside, only)


@dataclass(frozen=True, slots=True)
class _Part:
    """What came of one part of a collection."""

    readings: tuple[Reading, ...] = ()
    notes: tuple[str, ...] = ()
    #: what is not due yet, as people call it, and when it was read last
    waits: tuple[tuple[str, datetime], ...] = ()


class _Reads(Protocol):
    async def read(self, since: Mark | None, until: datetime) -> list[Reading]:
        """Read what is due."""
        ...


def _hourly(session: Session, pager: Pager, root: Root, sink: Sink, progress: Progress) -> offers.Hourly:
    intake = partial(Intake, root.shape, sink, progress)
    whole_every = offers.WHOLE_EVERY if root is offers.DISCOUNTS else None
    reader = Reader(pager, root, session.access.held, intake, sees_all=True, sweeps=session.access.sweeps)
    return offers.Hourly(reader, whole_every=whole_every)


def _intake(sink: Sink, progress: Progress, root: Root) -> Intake:
    return Intake(root.shape, sink, progress)


def _mark(root: Root, cursors: Mapping[str, str], until: datetime) -> Mark | None:
    """Return where the last collection ended; None when it asked less of each record than we do now."""
    found = mark(cursors.get(root.shape.name), until)
    return found if found is not None and found.newest == root.edition else None


def _mark_of(roots: Sequence[Root], cursors: Mapping[str, str], until: datetime) -> Mark | None:
    """Return from where streams that are read together go on: from the one that is furthest behind."""
    found = [mark(cursors.get(root.shape.name), until) for root in roots]
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: one.read_to) if len(known) == len(found) else None


def _back_to(root: Root, cursors: Mapping[str, str], until: datetime) -> str:
    """Return the first day whose records are in, where older ones are still to be read."""
    found = mark(cursors.get(root.shape.name), until)
    return found.back_to if found is not None else ""


async def _read(
    session: Session, pager: Pager, root: Root, since: Mark | None, until: datetime, sink: Sink, progress: Progress,
    slicing: Slicing, paged: int,
) -> _Part:  # fmt: skip
    """Read one stream."""
    sees_all = root.whole_scope is None or root.whole_scope in session.keeper.scopes
    intake = partial(Intake, root.shape, sink, progress)
    past = Past(pager, slicing, paged)
    reader = Reader(
        pager, root, session.access.held, intake, sees_all=sees_all, sweeps=session.access.sweeps, past=past
    )
    reading = await reader.read(since, until)
    return _Part((reading,), notes=reading.notes)


async def _optional(
    session: Session, until: datetime, root: Root, scopes: tuple[str, ...], since: Mark | None, reader: _Reads
) -> _Part:
    """Read what came later than our first permissions; an installation without this one is whole without it.

    What was read before and no longer may be (Reconnect) would grow old in silence.
    """
    held = session.keeper.scopes
    if all(scope in held or scope.replace("read_", "write_") in held for scope in scopes):
        try:
            found = tuple(await reader.read(since, until))
            return _Part(found, waits=((root.shape.label, since.read_to),) if since is not None and not found else ())
        except Reconnect as refusal:
            if refusal.code != "scope_missing":
                raise
    lacks = f"the installation lacks {' and '.join(scopes)}"
    if await session.access.held.count(root.shape.name):
        raise Reconnect(lacks, code="scope_missing")
    return _Part(
        notes=(
            f"{root.shape.label}: not read, the connection has no permission for it. To have it, reconnect Shopify.",
        )
    )


def _not_due(parts: Sequence[_Part]) -> tuple[str, ...]:
    """Say what this collection did not look at, and how old it is: nobody may take it for as fresh as the orders."""
    waits = sorted(wait for part in parts for wait in part.waits)
    if not waits:
        return ()
    at = min(read_to for _, read_to in waits)
    when = f"{at:%b} {at.day}, {at.year}, {at:%H:%M} UTC"
    return (f"{', '.join(label for label, _ in waits)}: read once an hour, here as of {when}.",)


def _collected(session: Session, parts: list[_Part], until: datetime) -> Collected:
    behind = session.http.behind
    readings = [reading for part in parts for reading in part.readings]
    return Collected(
        source_as_of=session.http.told(until),
        cursors={
            reading.name: str(replace(reading.cursor, read_to=reading.cursor.read_to - behind)) for reading in readings
        },
        reads=session.http.reads,
        full=tuple(reading.name for reading in readings if reading.full),
        keep_cursors=tuple(reading.name for reading in readings if reading.keep),
        notes=tuple(sorted({*_not_due(parts), *(note for part in parts for note in part.notes)})),
        guarded=tuple(reading.name for reading in readings if reading.swept),
        older=tuple(
            Older(one.name, date.fromisoformat(one.cursor.back_to), one.left) for one in readings if one.cursor.back_to
        ),
    )
