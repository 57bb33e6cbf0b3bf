"""First reads of a shop that take several runs: the newest orders first, and in the end all that the shop has."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from connectors.apart import Aside
from connectors.base import Collected, Session, mark, open_session
from connectors.errors import Retry
from connectors.past import Slicing, Span
from connectors.shopify import inventory
from connectors.shopify.bulk import BulkReader
from connectors.shopify.bulk_file import BulkUnusable, Sorting
from connectors.shopify.connection import Root
from connectors.shopify.connector import ShopifyConnector, _Part, _refuse_losses
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reading
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from storage.facts.streams import Batch
from tests.connectors.shopify.test_bulk import Quick, Stopped, begun, lines, sorted_file
from tests.connectors.shopify.test_collect import assert_true
from tests.connectors.worlds import SCOPES, SHOP, World, in_the_morning, shopify_world

SMALL = Slicing(above=20, most=16, first=10, by_days=True)
ORDERS = 40
#: how orders are read: by operations, or by pages in shorter slices
WAYS = {"bulk": ShopifyConnector(bulk_from=1, slicing=SMALL, paged=12),
        "pages": ShopifyConnector(bulk_from=10**6, slicing=SMALL, paged=12)}  # fmt: skip


@pytest.fixture
def clock() -> OffsetClock:
    return in_the_morning(Quick())


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=3, orders=ORDERS, clock=clock, as_of=clock.now())


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock, scopes=(*SCOPES, inventory.SCOPE)) as world:
        yield world


def missing(world: World, app: Shopify, done: Collected) -> list[str]:
    """Return the orders that should be in by now, and are not as they are there."""
    since = next((one.back_to.isoformat() for one in done.older if one.stream == "orders"), "")
    rows = {key: json.loads(row["_raw"])["updatedAt"] for key, row in world.kept.rows["orders"].items()}
    there = {one["id"]: one["updatedAt"] for one in app.shops[SHOP].truth("Order") if one["createdAt"] >= since}
    return [key for key, at in there.items() if rows.get(key) != at]


# By pages in any order of events: tests/sequences.
@pytest.mark.parametrize("way", WAYS if os.environ.get("SOAK") else ["bulk"])
async def test_the_newest_orders_are_in_first_and_the_past_follows(
    world: World, app: Shopify, clock: OffsetClock, way: str
) -> None:
    world.connector = WAYS[way]
    done = await world.collect()
    assert done.older
    first = len(world.kept.rows["orders"])
    assert 0 < first <= ORDERS // 2
    assert missing(world, app, done) == []
    assert {"orders", inventory.ROOT.shape.name} & {*done.full, *world.kept.rows} == {"orders"}
    assert "orders" not in done.full
    borders, runs = [done.older], 1
    while done.older:
        app.shops[SHOP].mutate(runs, new=2, changed=9, deleted=2, voided=1)
        clock.advance(timedelta(minutes=20))
        done, runs = await world.collect(), runs + 1
        borders.append(done.older)
        assert missing(world, app, done) == []
        assert runs < 60
    days = [one.back_to for older in borders for one in older if one.stream == "orders"]
    assert days == sorted(set(days), reverse=True)
    assert len(days) >= 3
    assert_true(world, app)
    assert world.kept.rows[inventory.ROOT.shape.name]
    assert (begun(app) > 0) is (way == "bulk")


async def dies(world: World, at: str) -> None:
    """Let a collection end while an operation is written, or while its file is read; nothing of it is kept."""

    def progress(stream: str, *_: object) -> None:
        if at == "written" and stream == "orders":
            raise Stopped

    async def sink(batch: Batch) -> None:
        if batch.stream.name == "orders":
            raise Stopped

    async with open_session(world.connector, world.access) as session:
        with pytest.raises((Stopped, BaseExceptionGroup)):
            await world.connector.collect(session, world.kept.cursors, world.clock.now(), sink, progress)


class Anew(BulkReader):
    """The twin that does not look which period was begun."""

    async def begun(self, end: date | None) -> Span | None:
        return None


class Forgetful(ShopifyConnector):
    """Reads with it."""

    def _in_bulk(self, session: Session, graph: Graph, root: Root) -> BulkReader | None:
        found = super()._in_bulk(session, graph, root)
        return Anew(graph, root, found._bulk, found._settings) if found else None


@pytest.mark.parametrize(
    "which, at, kind, asked",
    [
        ("first", "written", ShopifyConnector, 1),
        ("later", "read", ShopifyConnector, 2),
        ("first", "written", Forgetful, 2),
    ],
)
async def test_a_killed_run_goes_on_with_the_same_operation_and_period(
    world: World, app: Shopify, clock: OffsetClock, which: str, at: str, kind: type[ShopifyConnector], asked: int
) -> None:
    world.connector = kind(bulk_from=1, slicing=SMALL, paged=12)
    if which == "later":
        await world.collect()
    await dies(world, at)
    # What changes meanwhile would let the counting choose another period.
    app.shops[SHOP].mutate(5, new=40, changed=9, deleted=3)
    clock.advance(timedelta(minutes=10))
    done = await world.collect()
    orders = sum('"query":"{ orders' in str(entry.detail).replace("\\", "") for entry in app.journal.entries
                 if entry.entity == "bulkOperationRunQuery")  # fmt: skip
    assert orders == asked
    assert missing(world, app, done) == []


async def test_what_shopify_writes_for_long_holds_nothing_else_up(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    world.connector = WAYS["bulk"]
    app.bulks[SHOP].polls = 60
    done = await world.collect(partly=True)
    late = {name for one in done.aside for name in one.streams}
    assert {one.error.code for one in done.aside} == {"bulk_pending"}
    assert not late & set(done.cursors)
    assert set(world.kept.rows) - late
    told = [rows for name, rows, _ in world.told if name == "orders"]
    assert told == sorted(told)
    assert 0 < told[-1] <= ORDERS
    operations = begun(app)
    app.bulks[SHOP].polls = 1
    clock.advance(timedelta(minutes=5))
    done = await world.collect()
    assert begun(app) == operations
    assert missing(world, app, done) == []


@pytest.mark.parametrize("asks", [True, False], ids=["asked for", "by itself"])
async def test_what_is_read_again_on_request_is_written_anew(
    world: World, app: Shopify, clock: OffsetClock, *, asks: bool
) -> None:
    """Records that were wrong in the file keep their time of change; nothing but a new file corrects them."""
    world.connector = ShopifyConnector(bulk_from=1)
    await world.collect()
    clock.advance(timedelta(minutes=20))
    store = app.shops[SHOP]
    right: dict[str, Any] = {**store.truth("Order")[0], "name": "#9999"}
    store.put([right])
    world.access = replace(world.access, anew_since=clock.now() if asks else None)
    clock.advance(timedelta(seconds=5))
    await world.collect({name: text for name, text in world.kept.cursors.items() if name != "orders"})
    found = json.loads(world.kept.rows["orders"][right["id"]]["_raw"])
    assert (found["name"] == "#9999") is asks
    assert mark(world.kept.cursors["orders"], clock.now())


class Narrow(Sorting):
    """Has memory for some lines only."""

    largest_part = 5_000


def test_a_file_that_is_larger_than_it_was_said_to_be_fills_no_memory() -> None:
    body = b"\n".join(lines(40))
    with pytest.raises(BulkUnusable, match="larger than it was said"):
        sorted_file(body, 160, 40, kind=Narrow)
    assert len(sorted_file(body, 160, 40, kind=Narrow, size=64 << 20)) == 40
    assert len(sorted_file(body, 160, 40)) == 40


def test_where_nothing_else_is_to_be_read_the_run_says_for_what_it_waits() -> None:
    """There is no part that could be made ready: it waits as a whole, and its card says why."""
    names = ("orders", "products", "customers")
    late = [Aside((name,), Retry(60, f"{name}; they follow by themselves", code="bulk_pending")) for name in names]
    with pytest.raises(Retry) as caught:
        _refuse_losses([], late, ())
    assert caught.value.detail.startswith("Shopify is still writing down orders, products and customers: nothing else")
    with pytest.raises(Retry) as alone:
        _refuse_losses([], late[1:2], ())
    assert alone.value.detail.startswith("Shopify is still writing down products: nothing else")
    # What was read beside them is made ready, and what is read alone says nothing of the others.
    _refuse_losses([_Part((cast("Reading", None),))], late, ())
    _refuse_losses([], late, names)
