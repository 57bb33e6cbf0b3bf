"""Stock: items with their levels at each location, read once an hour.

A change of stock moves the level's time of change, not the item's. So the levels that changed are asked for by
location, and their items are read whole. Items and levels that are gone are in no such list, and Shopify counts
neither: once a day everything is read, and what is missing is gone.

Where there are very many items the first read takes the newest, and each further run some that were made before: by
their ids, which never change. The cursor says below which one nothing is in yet.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.base import OVERLAP, Held, Mark
from connectors.errors import Broken
from connectors.intake import Intake
from connectors.shopify import shapes
from connectors.shopify.connection import LARGEST_PAGE, Pager, Root
from connectors.shopify.documents import inventory as documents
from connectors.shopify.graph import Graph
from connectors.shopify.lists import Inner, Nodes, Parts, complete, connection
from connectors.shopify.reading import SLICE, Reading, last_whole, stamp

#: So often stock is looked at, however often the shop is refreshed.
EVERY = timedelta(minutes=55)
#: So often it is read whole, by the cursor's note of the last time.
WHOLE_EVERY = timedelta(hours=24)
SCOPE = "read_inventory"
#: Items asked for together by their ids: so many cost less than one query may.
AT_ONCE = 40

_LEVELS = Inner("inventoryLevels", "levels", 2, "InventoryLevels", documents.INVENTORY_LEVELS, "inventoryItem", more=60)
ROOT = Root(
    shape=shapes.INVENTORY,
    field="inventoryItems",
    name="Inventory",
    document=documents.INVENTORY,
    first=40,
    inners=(_LEVELS,),
)
LOCATIONS = Root(
    shape=shapes.LOCATIONS, field="locations", name="Locations", document=documents.LOCATIONS, first=LARGEST_PAGE
)


class Stock:
    """Reads a shop's locations and stock."""

    def __init__(
        self, graph: Graph, pager: Pager, intake: Callable[[Root], Intake], held: Held, *, most: int = SLICE
    ) -> None:
        self._held = held
        #: items of one slice of a first read
        self._most = min(most, SLICE)
        self._graph = graph
        self._pager = pager
        self._items = intake(ROOT)
        self._locations = intake(LOCATIONS)

    async def read(self, since: Mark | None, until: datetime) -> list[Reading]:
        """Read what changed since the mark, all of it when that was long ago; nothing before its hour has come."""
        below = _below(since)
        if since is not None and until - since.read_to < EVERY and not below:
            return []
        places = await self._places()
        if since is not None and below:
            cursor = await self._older(until, below)
            # After the slice: of an item that changed meanwhile the newer state wins.
            await self._changes(places, since.read_to - OVERLAP)
            return _readings(cursor, full=False)
        if since is None and not await self._held.count(ROOT.shape.name):
            cursor = await self._older(until, "")
            return _readings(cursor, full=not cursor.back_to)
        last = last_whole(since)
        whole = last is None or since is None or until - last > WHOLE_EVERY
        if whole or since is None:
            await self._whole()
        else:
            await self._changes(places, since.read_to - OVERLAP)
        noted = until if last is None or whole else last
        return _readings(Mark(until, noted.astimezone(UTC).isoformat()), full=whole)

    async def _older(self, until: datetime, below: str) -> Mark:
        """Read the next slice of items below an id, the newest first, and return the cursor after it."""
        read = 0
        async for page in self._pager.pages(f"id:<{below}" if below else None, newest_first=True):
            await self._items.take([page.records])
            read += len(page.records)
            if read >= self._most and page.records:
                made = msgspec.json.decode(page.records[-1], type=_Made).created_at
                last = page.ids[-1].rpartition("/")[2]
                return Mark(until, f"<{last}", back_to=made.astimezone(UTC).date().isoformat())
        return Mark(until, until.astimezone(UTC).isoformat())

    async def _places(self) -> list[str]:
        pages = [page async for page in Pager(self._graph, LOCATIONS).pages(None)]
        await self._locations.take([page.records for page in pages])
        return [key for page in pages for key in page.ids]

    async def _whole(self) -> None:
        """Read every item, by id; a new query begins before Shopify stops paging."""
        behind: str | None = None
        while True:
            read = 0
            async for page in self._pager.pages(None if behind is None else f"id:>{behind}"):
                await self._items.take([page.records])
                read += len(page.records)
                behind = page.ids[-1].rpartition("/")[2] if page.ids else behind
                if read >= SLICE:
                    break
            else:
                return

    async def _changes(self, places: list[str], since: datetime) -> None:
        wanted: set[str] = set()
        for place in places:
            async for nodes in self._level_changes(place, since):
                wanted |= {_item(node) for node in nodes.nodes}
        async for page in self._pager.pages(f"updated_at:>='{stamp(since)}'"):
            await self._items.take([page.records])
            wanted -= set(page.ids)
        keys = sorted(wanted)
        for start in range(0, len(keys), AT_ONCE):
            await self._items.take([await self._by_id(keys[start : start + AT_ONCE])])

    async def _level_changes(self, place: str, since: datetime) -> AsyncIterator[Nodes]:
        after, seen = None, set[str]()
        variables = {"id": place, "first": LARGEST_PAGE, "query": f"updated_at:>='{stamp(since)}'"}
        while True:
            data = await self._graph.ask("LevelChanges", documents.LEVEL_CHANGES, {**variables, "after": after})
            owner = msgspec.json.decode(data, type=Parts).get("location")
            if owner is None or bytes(owner) == b"null":  # removed a moment ago
                return
            found = connection(owner, "inventoryLevels")
            yield found
            after = found.after(seen, ROOT.shape.label)
            if after is None:
                return

    async def _by_id(self, keys: list[str]) -> list[bytes]:
        variables = {"ids": keys, _LEVELS.variable: _LEVELS.first}
        data = await self._graph.ask("InventoryById", documents.INVENTORY_BY_ID, variables)
        try:
            nodes = msgspec.json.decode(data, type=dict[str, list[Parts | None]])["nodes"]
        except (msgspec.MsgspecError, KeyError) as error:
            raise Broken("Shopify sent stock of an unknown shape", code="page_unreadable") from error
        there = [node for node in nodes if node]
        for node in there:
            key = msgspec.json.decode(node["id"], type=str)
            await complete(self._graph, _LEVELS, key, node, ROOT.shape.label)
        return [msgspec.json.encode(node) for node in there]


def _below(since: Mark | None) -> str:
    """Return the id below which items are still to be read; empty when all were."""
    return since.newest[1:] if since is not None and since.back_to and since.newest.startswith("<") else ""


def _readings(cursor: Mark, *, full: bool) -> list[Reading]:
    places = Mark(cursor.read_to, "" if cursor.back_to else cursor.newest)
    return [Reading(ROOT.shape.name, cursor, full, keep=True), Reading("locations", places, full=True, keep=True)]


def _item(node: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(node, type=_Level).item.id
    except msgspec.MsgspecError as error:
        raise Broken("Shopify sent a level of stock without its item", code="record_unreadable") from error


class _Made(msgspec.Struct, rename="camel"):
    created_at: datetime


class _Item(msgspec.Struct):
    id: str


class _Level(msgspec.Struct):
    item: _Item
