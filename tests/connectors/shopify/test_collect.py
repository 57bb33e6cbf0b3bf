"""Collections against the Shopify stand-in: what is kept is what the shop holds, through every change."""

import dataclasses
import itertools
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from connectors.base import OVERLAP, Mark, mark, open_session
from connectors.errors import Reconnect
from connectors.intake import Intake
from connectors.limits import Unlimited
from connectors.shopify.connection import Pager
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reader, Reading
from connectors.shopify.roots import ROOTS
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.money import discount
from storage.facts.clock import OffsetClock
from tests.connectors.worlds import SHOP, World, shopify_world

ENTITIES = {"orders": "Order", "products": "Product", "customers": "Customer"}


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=60, clock=clock)


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock) as world:
        yield world


def agrees(said: Any, truth: Any) -> bool:
    """Say whether all that we asked for is what the shop holds: pages are its lists, references its ids."""
    if isinstance(said, dict):
        if not isinstance(truth, dict):
            return agrees(said["nodes"], truth) if "nodes" in said else said == {"id": truth}
        return all(agrees(value, truth.get(name)) for name, value in said.items())
    if isinstance(said, list):
        return isinstance(truth, list) and len(said) == len(truth) and all(map(agrees, said, truth))
    return bool(said == truth)


def money(bag: Any) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def assert_true(world: World, app: Shopify) -> None:
    """Compare keys, times of change, amounts, and every value of every record and list with the shop's own."""
    store = app.shops[SHOP]
    by_product: dict[str, list[Any]] = {}
    for variant in sorted(store.truth("ProductVariant"), key=lambda each: each["position"]):
        by_product.setdefault(variant["product"], []).append(variant)
    for name, entity in ENTITIES.items():
        rows = world.kept.rows[name]
        truth = {record["id"]: record for record in store.truth(entity)}
        assert set(rows) == set(truth)
        for key, record in truth.items():
            said = record["updatedAt"].replace("Z", "+00:00")
            assert rows[key]["updated_at"].isoformat() == said
            assert agrees(
                json.loads(rows[key]["_raw"]), record | ({"variants": by_product[key]} if key in by_product else {})
            )
    for order in store.truth("Order"):
        row = world.kept.rows["orders"][order["id"]]
        assert (row["total"], row["current_total"]) == (
            money(order["totalPriceSet"]),
            money(order["currentTotalPriceSet"]),
        )
        assert (row["test"], row["name"], row["financial_status"]) == (
            order["test"],
            order["name"],
            order["displayFinancialStatus"],
        )
        assert row["customer_id"] == order["customer"]


async def test_first_read_keeps_the_whole_shop(world: World, app: Shopify) -> None:
    done = await world.collect()
    assert_true(world, app)
    assert set(done.full) == {*ENTITIES, "abandoned_checkouts"}
    assert not app.journal.mutating()
    assert any(told[0] == "orders" and told[2] == 60 for told in world.told)


async def test_changes_of_many_rounds_are_followed(world: World, app: Shopify, clock: OffsetClock) -> None:
    await world.collect()
    for seed in range(6):
        clock.advance(timedelta(minutes=7))
        app.shops[SHOP].mutate(seed=seed, new=4, changed=6, deleted=1, voided=1)
        clock.advance(timedelta(minutes=20))
        done = await world.collect()
        assert done.full == ()
        assert_true(world, app)


async def test_orders_with_many_lines_come_whole(world: World, app: Shopify) -> None:
    await world.collect()
    counts = {key: len(lines) for key, lines in world.kept.lines["order_lines"].items()}
    store = app.shops[SHOP]
    truth = {order["id"]: len(lines_of(order)) for order in store.truth("Order")}
    assert counts == {key: count for key, count in truth.items() if count}
    for lines in world.kept.lines["order_lines"].values():
        assert sorted(line["position"] for line in lines) == list(range(len(lines)))


async def test_long_lists_inside_an_order_come_whole(world: World, app: Shopify) -> None:
    store = app.shops[SHOP]
    order = next(order for order in store.truth("Order") if order["refunds"] and order["shippingLines"])
    refund, shipping, application = order["refunds"][0], order["shippingLines"][0], discount(7)
    many = {
        "refunds": [
            refund
            | {
                "id": f"{refund['id']}{place}",
                "refundLineItems": _copies(refund["refundLineItems"][0], 60 if place else 7),
                "refundShippingLines": _copies({"id": "gid://shopify/RefundShippingLine/9", **_given(shipping)}, 3),
            }
            for place in range(23)
        ],
        "shippingLines": _copies(shipping, 4),
        "discountApplications": [application | {"index": index} for index in range(5)],
    }
    store.put([order | many])
    await world.collect()
    assert_true(world, app)


def _copies(node: Any, count: int) -> list[Any]:
    return [node | {"id": f"{node['id']}{place}"} for place in range(count)]


def _given(shipping: Any) -> dict[str, Any]:
    return {
        "shippingLine": shipping,
        "subtotalAmountSet": shipping["originalPriceSet"],
        "taxAmountSet": shipping["originalPriceSet"],
    }


@pytest.mark.parametrize("edition, whole", [("", True), ("2", False)])
async def test_a_cursor_of_an_older_edition_reads_everything_again(
    world: World,
    clock: OffsetClock,
    edition: str,
    whole: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    await world.collect()
    clock.advance(timedelta(minutes=5))
    before = mark(world.kept.cursors["orders"], clock.now())
    assert before is not None
    done = await world.collect({**world.kept.cursors, "orders": str(dataclasses.replace(before, newest=edition))})
    assert ("orders" in done.full) is whole
    assert "customers" not in done.full


def lines_of(order: Any) -> list[Any]:
    found = order["lineItems"]
    return list(found["nodes"] if isinstance(found, dict) else found)


async def test_the_next_collection_begins_with_the_page_size_that_the_last_one_came_to(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    assert isinstance(world.connector, ShopifyConnector)
    await world.collect()
    calls = []
    for forgets in (True, False):
        clock.advance(timedelta(hours=1))
        app.shops[SHOP].mutate(seed=int(forgets), new=18, changed=0)
        clock.advance(timedelta(minutes=15))
        if forgets:
            world.connector._sizes.clear()
        calls.append((await world.collect()).reads)
    assert_true(world, app)
    first, second = calls
    assert second < first


async def test_nothing_changed_costs_a_few_calls(world: World, clock: OffsetClock) -> None:
    await world.collect()
    clock.advance(timedelta(minutes=50))
    done = await world.collect()
    assert done.reads == 9
    assert world.kept.times_keys_asked == 0


async def test_throttling_never_fails_a_run(app: Shopify, clock: OffsetClock) -> None:
    from sandbox.providers.shopify.bucket import Bucket

    waits: list[float] = []

    class Quick(OffsetClock):
        async def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            self.advance(timedelta(seconds=seconds))

    quick = Quick()
    shop = Shopify.generated(seed=2, orders=60, clock=quick)
    shop.buckets[SHOP] = Bucket(1000.0, 100.0)
    async with shopify_world(shop, quick) as world:
        await world.collect()
        assert_true(world, shop)
    assert waits
    assert max(waits) <= 20


class Meddler(Unlimited):
    """Lets the shop work on while it is read: runs something before the n-th call."""

    def __init__(self, at: int, work: Callable[[], object]) -> None:
        super().__init__()
        self._at = at
        self._work = work
        self._calls = itertools.count(1)

    async def blocked(self, key: str) -> float:
        if next(self._calls) == self._at:
            self._work()
        return 0.0


@pytest.mark.parametrize("at", [4, 6, 8, 10])
async def test_what_happens_during_the_first_read_is_in_it_or_in_the_next(clock: OffsetClock, at: int) -> None:
    app = Shopify.generated(seed=6, orders=80, clock=clock)
    work = partial(app.shops[SHOP].mutate, seed=3, new=3, changed=9, deleted=3)
    async with shopify_world(app, clock, limiter=Meddler(at, work)) as world:
        await world.collect()
        await world.collect()
        assert_true(world, app)


class NoOverlap(Reader):
    """The twin that trusts the cursor to the second."""

    async def read(self, since: Mark | None, until: Any) -> Reading:
        moved = None if since is None else Mark(since.read_to + OVERLAP)
        return await super().read(moved, until)


@pytest.mark.parametrize("reader, seen", [(Reader, "seen"), (NoOverlap, "lost")])
async def test_a_change_that_shows_late_is_seen_thanks_to_the_overlap(
    world: World, app: Shopify, clock: OffsetClock, reader: type[Reader], seen: str
) -> None:
    await world.collect()
    app.shops[SHOP].mutate(seed=9, new=0, changed=6, deleted=0, at=clock.now() - timedelta(minutes=5))
    clock.advance(timedelta(hours=1))
    until = clock.now()
    async with open_session(world.connector, world.access) as session:
        graph = Graph(session.http)
        for root in ROOTS:
            intake = partial(Intake, root.shape, world.kept.sink, lambda *_: None)
            await reader(Pager(graph, root), root, world.kept, intake, sees_all=True).read(
                mark(world.kept.cursors[root.shape.name], until), until
            )
    if seen == "seen":
        assert_true(world, app)
    else:
        with pytest.raises(AssertionError):
            assert_true(world, app)


async def test_without_all_orders_old_ones_are_kept(clock: OffsetClock) -> None:
    app = Shopify.generated(seed=2, orders=60, clock=clock)
    async with shopify_world(app, clock) as world:
        await world.collect()
        before = set(world.kept.rows["orders"])
        fewer = ("read_orders", "read_products", "read_customers")
        grant = app.oauth.grant(SHOP, scopes=fewer)
        secret = type(world.tokens.tokens.access)
        world.tokens.tokens = dataclasses.replace(world.tokens.tokens, access=secret(grant.access_token), scopes=fewer)
        again: tuple[dict[str, str] | None, ...] = (None, {})
        for cursors in again:
            done = await world.collect(cursors)
            assert set(world.kept.rows["orders"]) == before
            assert "orders" not in done.full
            assert any("60 days" in note for note in done.notes)


async def test_a_missing_permission_is_partial_and_none_at_all_is_a_reconnect(clock: OffsetClock) -> None:
    app = Shopify.generated(seed=2, orders=10, clock=clock)
    scopes: tuple[str, ...] = ("read_orders", "read_all_orders", "read_customers")
    async with shopify_world(app, clock, scopes=scopes) as world:
        (lost,) = (await world.collect(partly=True)).aside
        assert (lost.streams, lost.error.code) == (("products",), "scope_missing")
        assert "customers" in world.kept.rows
    async with shopify_world(app, clock, scopes=("read_locations",)) as world:
        with pytest.raises(Reconnect) as none:
            await world.collect()
        assert none.value.code == "scope_missing"


async def test_probe_names_the_shop(world: World) -> None:
    async with open_session(world.connector, world.access) as session:
        company = await world.connector.probe(session)
    assert (company.id, company.name) == (SHOP, "Temerity Goods")
