"""Stock: levels are followed through every change, once an hour, and only where the grant allows it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import mark, open_session
from connectors.intake import Intake
from connectors.rewind import rewound
from connectors.shopify import inventory
from connectors.shopify.connection import Pager
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.graph import Graph
from connectors.shopify.shapes import INVENTORY, LOCATIONS
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.store import Store
from storage.facts.clock import OffsetClock
from tests.connectors.equality import assert_same
from tests.connectors.worlds import SCOPES, SHOP, World, shopify_world

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=20, clock=clock)


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock, scopes=(*SCOPES, inventory.SCOPE)) as world:
        yield world


def truth(store: Store) -> list[dict[str, Any]]:
    """Return the items as an answer tells them."""
    return [item | {"inventoryLevels": {"nodes": list(map(_level, item["inventoryLevels"]))}} for item in _items(store)]


def _items(store: Store) -> list[Any]:
    return store.truth("InventoryItem")


def _level(level: Any) -> dict[str, Any]:
    counts = {name: [{"quantity": count}] for name, count in level["quantities"].items()}
    return {**level, "location": {"id": level["location"]}, **counts, "onHand": counts["on_hand"]}


def assert_true(world: World, store: Store) -> None:
    assert_same(world.kept, INVENTORY, truth(store))
    assert_same(world.kept, LOCATIONS, store.truth("Location"))


async def test_levels_are_followed_through_orders_costs_and_new_items(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    store = app.shops[SHOP]
    first = await world.collect()
    assert {"inventory_items", "locations"} <= set(first.full)
    assert_true(world, store)
    for seed in range(3):
        clock.advance(HOUR)
        store.mutate(seed, new=6, changed=2)
        item = _items(store)[seed]
        cost = {"unitCost": {"amount": f"{seed}.125", "currencyCode": "USD"}, "updatedAt": _now(clock)}
        store.put([item | cost, item | {"id": f"{item['id']}{seed}", "updatedAt": _now(clock)}])
        clock.advance(timedelta(minutes=1))
        done = await world.collect()
        assert "inventory_items" not in done.full
        assert_true(world, store)


async def test_very_many_items_are_read_in_slices_the_newest_first(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    """Each slice is saved with the id below which nothing is in; none is read again, and changes are followed."""
    store = app.shops[SHOP]
    some = _items(store)
    store.put(
        [item | {"id": f"{item['id']}{number:02}"} for item in some for number in range(max(2, 300 // len(some)))]
    )
    world.connector = ShopifyConnector(paged=10)
    world.access = replace(world.access, only=frozenset({"inventory_items", "locations"}))
    done, slices, late = await world.collect(), 1, set[str]()
    while done.older:
        assert [one.stream for one in done.older] == ["inventory_items"]
        assert "inventory_items" not in done.full
        held = set(world.kept.rows["inventory_items"])
        assert slices > 1 or len(held) < len(_items(store)) / 2
        # An item that is in, and one that is not, change meanwhile; one comes that is newer than all.
        newest, oldest = max(held, key=_number), min((item["id"] for item in _items(store)), key=_number)
        moved = [item | {"sku": f"S-{slices}", "updatedAt": _now(clock)} for item in _items(store)
                 if item["id"] in {newest, oldest}]  # fmt: skip
        store.put([*moved, moved[0] | {"id": f"{newest}{slices}"}])
        clock.advance(timedelta(minutes=1))
        began = len(app.journal.entries)
        done, slices = await world.collect(), slices + 1
        asked = [entry.detail for entry in app.journal.entries[began:] if '"reverse":true' in entry.detail]
        assert asked
        (below,) = {one.partition("id:<")[2].partition('"')[0] for one in asked}
        assert int(below) <= min(_number(key) for key in held if key not in late)
        late |= {one["id"] for one in moved}
        assert slices < 20
    assert slices >= 3
    assert_true(world, store)
    clock.advance(timedelta(hours=25))
    assert "inventory_items" in (await world.collect()).full


def _number(key: str) -> int:
    return int(key.rpartition("/")[2])


def _now(clock: OffsetClock) -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


class ItemsOnly(inventory.Stock):
    """The twin that trusts the item's own time of change."""

    async def _places(self) -> list[str]:
        await super()._places()
        return []


@pytest.mark.parametrize("reader, seen", [(inventory.Stock, "seen"), (ItemsOnly, "lost")])
async def test_a_sale_moves_levels_whose_items_do_not_change(
    world: World, app: Shopify, clock: OffsetClock, reader: type[inventory.Stock], seen: str
) -> None:
    await world.collect()
    clock.advance(HOUR)
    app.shops[SHOP].mutate(4, new=5)
    clock.advance(timedelta(minutes=1))
    since = mark(world.kept.cursors["inventory_items"], clock.now())
    async with open_session(world.connector, world.access) as session:
        graph = Graph(session.http)
        pager = Pager(graph, inventory.ROOT)
        stock = reader(graph, pager, lambda root: Intake(root.shape, world.kept.sink, lambda *_: None), world.kept)
        await stock.read(since, clock.now())
    with contextlib.nullcontext() if seen == "seen" else pytest.raises(AssertionError):
        assert_true(world, app.shops[SHOP])


async def test_what_is_gone_is_seen_gone_within_a_day(world: World, app: Shopify, clock: OffsetClock) -> None:
    store = app.shops[SHOP]
    await world.collect()
    store.remove(_items(store)[0]["id"], clock.now())
    clock.advance(HOUR)
    await world.collect()
    with pytest.raises(AssertionError):  # nothing tells of it before everything is read
        assert_true(world, store)
    clock.advance(inventory.WHOLE_EVERY)
    done = await world.collect()
    assert "inventory_items" in done.full
    assert_true(world, store)


async def test_many_items_and_locations_come_whole(world: World, app: Shopify, clock: OffsetClock) -> None:
    store = app.shops[SHOP]
    place, item = store.truth("Location")[0], _items(store)[0]
    store.put([place | {"id": f"{place['id']}{number}"} for number in range(4)])
    level = item["inventoryLevels"][0]
    wide = [level | {"id": f"{level['id']}{n}", "location": f"{place['id']}{n}"} for n in range(4)]
    many = [item | {"id": f"{item['id']}{n}"} for n in range(90)]
    store.put(_with_levels(one, wide) for one in many)
    await world.collect()
    assert_true(world, store)
    clock.advance(HOUR)
    store.put(_with_levels(one, wide, updatedAt=_now(clock)) for one in many)
    await world.collect()
    assert_true(world, store)


def _with_levels(item: Any, levels: list[Any], **changes: str) -> Any:
    return item | {"inventoryLevels": [level | {"item": item["id"], **changes} for level in levels]}


async def test_stock_is_looked_at_once_an_hour(world: World, app: Shopify, clock: OffsetClock) -> None:
    await world.collect()
    before = len(app.journal.entries)
    clock.advance(timedelta(minutes=5))
    done = await world.collect()
    asked = [entry.entity for entry in app.journal.entries[before:]]
    assert not {"inventoryItems", "locations", "location"} & set(asked)
    assert "inventory_items" not in done.cursors
    # Whoever asks for locations to be read again gets them, though both are read together.
    world.kept.cursors = rewound(world.kept.cursors, ("locations",), None, clock.now())
    assert {"inventory_items", "locations"} <= set((await world.collect()).full)


async def test_without_the_permission_stock_is_left_out_and_said(app: Shopify, clock: OffsetClock) -> None:
    async with shopify_world(app, clock) as world:
        done = await world.collect()
    assert any("not read, the connection has no permission" in note for note in done.notes)
    assert "inventory_items" not in world.kept.rows
    assert "orders" in done.full
