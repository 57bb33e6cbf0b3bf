"""The Amazon connector: what a seller's account holds, most of it by way of reports."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from connectors.amazon import entry, inventory, orders, reading, returns, settlements, traffic, transactions
from connectors.amazon.calls import Calls, Pace
from connectors.amazon.part import Errand, Part
from connectors.amazon.reports import ASKED, Reports, Waiting
from connectors.amazon.spans import Stretch
from connectors.amazon.tables import READY
from connectors.apart import Aside, apart, refuse_nothing
from connectors.base import Access, Collected, Company, Progress, Session, Sink, serial
from connectors.errors import Broken
from connectors.intake import Intake
from connectors.shapes import Field, Shape
from storage.facts.clock import aware
from storage.facts.past import Older
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import ColumnType, Stream

MARKETPLACES = Shape(
    "marketplaces",
    "Marketplaces",
    (
        Field("id", "marketplace.id"),
        Field("name", "marketplace.name"),
        Field("country", "marketplace.countryCode"),
        Field("currency", "marketplace.defaultCurrencyCode"),
        Field("language", "marketplace.defaultLanguageCode"),
        Field("domain", "marketplace.domainName"),
        Field("store_name", "storeName"),
        Field("participating", "participation.isParticipating", ColumnType.BOOLEAN),
        Field("suspended_listings", "participation.hasSuspendedListings", ColumnType.BOOLEAN),
    ),
    full=True,
)
_TYPES = (orders.TYPE, returns.TYPE, traffic.TYPE)
#: Everything but the marketplaces: what is read together, by its first stream.
PARTS: Mapping[tuple[str, ...], Callable[[Errand], Awaitable[Part]]] = {
    ("orders",): reading.read_orders,
    ("settlements", "settlement_lines"): reading.read_settlements,
    ("transactions",): reading.read_transactions,
    ("inventory",): reading.read_inventory,
    ("returns",): reading.read_returns,
    ("sales_and_traffic",): reading.read_traffic,
}


class _Marketplace(msgspec.Struct):
    id: str


class _Taking(msgspec.Struct, rename="camel"):
    is_participating: bool = False


class _Participation(msgspec.Struct):
    marketplace: _Marketplace
    participation: _Taking


class AmazonConnector:
    """Collected on demand and by schedule."""

    provider = Provider.AMAZON
    mode = CollectMode.ON_DEMAND
    label = "Amazon"
    streams: tuple[Stream, ...] = (
        MARKETPLACES.stream,
        orders.ORDERS.stream,
        settlements.SETTLEMENTS.stream,
        settlements.LINES.stream,
        transactions.TRANSACTIONS.stream,
        inventory.INVENTORY.stream,
        returns.RETURNS.stream,
        traffic.TRAFFIC.stream,
    )
    ready: tuple[ReadyTable, ...] = READY

    def __init__(self, waiting: Waiting | None = None, past: Stretch | None = None) -> None:
        self._waiting = waiting or Waiting()
        self._past = past or Stretch()
        #: what each seller's answers said about the pace
        self._paces: dict[str, Pace] = {}

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open a connection to one seller."""
        return entry.session(access)

    async def probe(self, session: Session) -> Company:
        """Ask for the store's name."""
        return await entry.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the marketplaces, then everything else side by side: Amazon makes the reports at the same time."""
        until, one_by_one = aware(until), serial(sink)
        found = await entry.participations(session)
        await Intake(MARKETPLACES, one_by_one, progress).take([found])
        calls = Calls(session.http, self._paces.setdefault(session.access.account, Pace()))
        reports = Reports(session, calls, self._waiting)
        markets = _participating(found)
        errand = Errand(session, calls, reports, markets, cursors, until, one_by_one, progress, self._past)
        if not errand.marketplaces:
            if await session.access.held.count(orders.ORDERS.name):
                # What is here would grow old behind a time that says otherwise.
                raise Broken("Amazon lists no marketplace in which this seller takes part", code="no_marketplaces")
            note = "Amazon lists no marketplace in which this seller takes part: there is nothing to read."
            return Collected(until, {}, session.http.reads, full=(MARKETPLACES.name,), notes=(note,))
        await reports.look(_TYPES)
        wanted = [(streams, read(errand)) for streams, read in PARTS.items() if session.access.wants(*streams)]
        parts, aside = await apart(wanted)
        refuse_nothing(parts, aside, session.access.only)
        never = [one for one in aside if not await _is_lost(session, one)]
        done = _collected(session, parts, tuple(one for one in aside if one not in never), never, until)
        return replace(done, older=_older(parts, calls.pace))


async def _is_lost(session: Session, one: Aside) -> bool:
    """Whether something is missing that is expected: not what our app never had the role for.

    What was never read misleads nobody: the run says so in a note. What was read and no longer is would grow old behind
    a time that says otherwise.
    """
    return one.error.code != "role_missing" or await session.access.held.count(one.streams[0]) > 0


def _lacking(never: list[Aside]) -> str:
    what = ", ".join(one.streams[0].replace("_", " ") for one in never)
    return f"Our app lacks a role at Amazon that {what} need: its operator must ask Amazon for it."


def _participating(found: list[msgspec.Raw]) -> tuple[str, ...]:
    try:
        listed = [msgspec.json.decode(one, type=_Participation) for one in found]
    except msgspec.MsgspecError as error:
        raise Broken("Amazon sent marketplaces of an unknown shape", code="page_unreadable") from error
    return tuple(sorted(one.marketplace.id for one in listed if one.participation.is_participating))


def _older(parts: list[Part], pace: Pace) -> tuple[Older, ...]:
    """Return what is not in yet; streams that come as reports share what Amazon allows of those."""
    seconds = sum(part.reports for part in parts) / pace.rate(ASKED).per_second
    return tuple(
        replace(one, seconds=seconds if one.seconds is None else one.seconds) for part in parts for one in part.older
    )


def _collected(
    session: Session, parts: list[Part], aside: tuple[Aside, ...], never: list[Aside], until: datetime
) -> Collected:
    lacking = {_lacking(never)} if never else set()
    return Collected(
        source_as_of=min([session.http.told(until), *(part.as_of for part in parts if part.as_of is not None)]),
        cursors={name: text for part in parts for name, text in part.cursors.items()},
        reads=session.http.reads,
        full=(MARKETPLACES.name, *(name for part in parts for name in part.full)),
        keep_cursors=tuple(name for part in parts for name in part.keep),
        notes=tuple(sorted(lacking | {note for part in parts for note in part.notes})),
        aside=aside,
        unknown={name: fields for part in parts for name, fields in part.unknown.items()},
    )
