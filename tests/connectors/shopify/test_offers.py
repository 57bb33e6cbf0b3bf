"""Draft orders, abandoned checkouts and discounts: followed through every change, once an hour, where allowed."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.base import open_session
from connectors.intake import Intake
from connectors.shopify import offers
from connectors.shopify.connection import Pager
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reader
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.offers import CHECKOUT, DISCOUNT, DRAFT, move_on, used
from sandbox.providers.shopify.store import Store, text_of
from storage.facts.clock import OffsetClock
from storage.warehouse import Warehouse
from tests.connectors.equality import assert_same
from tests.connectors.shopify.test_ready_tables import load
from tests.connectors.worlds import SCOPES, SHOP, World, shopify_world

HOUR = timedelta(hours=1)
NAMES = {root.shape.name for root in offers.ROOTS}


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=20, clock=clock)


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock, scopes=(*SCOPES, "read_draft_orders", "read_discounts")) as world:
        yield world


def _told(store: Store, kind: str) -> list[Any]:
    """Return the records as an answer tells them."""
    return [_named(node) for node in store.truth(kind)]


def _named(node: Any) -> Any:
    lines = [line | {name: {"id": line[name]} for name in ("product", "variant")} for line in node["lineItems"]]
    order = {"order": {"id": node["order"]}} if node.get("order") else {}
    return node | {"lineItems": {"nodes": lines}, "customer": {"id": node["customer"]}} | order


def _discount(node: Any) -> Any:
    inner = node["discount"]
    codes = {"codes": {"nodes": inner["codes"][:1]}} if "codes" in inner else {}
    return node | {"discount": inner | codes}


def assert_true(world: World, store: Store) -> None:
    assert_same(world.kept, offers.DRAFTS.shape, _told(store, DRAFT))
    assert_same(world.kept, offers.CHECKOUTS.shape, _told(store, CHECKOUT))
    assert_same(world.kept, offers.DISCOUNTS.shape, [_discount(node) for node in store.truth(DISCOUNT)])


async def test_offers_are_followed_through_every_change(world: World, app: Shopify, clock: OffsetClock) -> None:
    store = app.shops[SHOP]
    assert set((await world.collect()).full) >= NAMES
    assert_true(world, store)
    for seed in range(3):
        clock.advance(HOUR)
        move_on(store, seed, clock.now())
        clock.advance(timedelta(minutes=1))
        done = await world.collect()
        assert not NAMES & set(done.full)
        assert_true(world, store)
    used(store, 5)
    clock.advance(HOUR)
    await world.collect()
    with pytest.raises(AssertionError):  # nothing tells of a use before everything is read
        assert_true(world, store)
    clock.advance(offers.WHOLE_EVERY)
    assert set((await world.collect()).full) & NAMES == {"discounts"}
    assert_true(world, store)


async def test_offers_are_looked_at_once_an_hour(world: World, app: Shopify, clock: OffsetClock) -> None:
    await world.collect()
    before = len(app.journal.entries)
    clock.advance(timedelta(minutes=50))
    move_on(app.shops[SHOP], 1, clock.now())
    done = await world.collect()
    asked = {entry.entity for entry in app.journal.entries[before:]}
    assert not asked & {name for root in offers.ROOTS for name in (root.field, root.count_field)}
    assert not NAMES & set(done.cursors)
    # Nobody is to take them for as fresh as the orders.
    (said,) = (note for note in done.notes if "read once an hour" in note)
    names, _, at = said.partition(": read once an hour, here as of ")
    assert names == "Abandoned checkouts, Discounts, Draft orders"
    age = clock.now() - datetime.strptime(at, "%b %d, %Y, %H:%M UTC.").replace(tzinfo=UTC)
    assert timedelta(minutes=49) < age < timedelta(minutes=52)


@pytest.mark.parametrize("by_id, whole", [(True, True), (False, False)])
async def test_long_windows_without_a_sort_by_change_are_read_in_slices(
    world: World,
    app: Shopify,
    by_id: bool,  # noqa: FBT001 - a column of the table above
    whole: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    """The twin goes on behind the time of change of a list that is not in its order."""
    store = app.shops[SHOP]
    first = store.truth(CHECKOUT)[0]
    moments = [text_of(world.clock.now() - timedelta(hours=number)) for number in range(60)]
    store.put([first | {"id": f"{first['id']}{n:02d}", "updatedAt": at} for n, at in enumerate(moments)])
    root = dataclasses.replace(offers.CHECKOUTS, by_id=by_id)
    async with open_session(world.connector, world.access) as session:
        intake = partial(Intake, root.shape, world.kept.sink, lambda *_: None)
        pager = Pager(Graph(session.http), root)
        await Reader(pager, root, world.kept, intake, sees_all=False, slices_of=20).read(None, world.clock.now())
    with contextlib.nullcontext() if whole else pytest.raises(AssertionError):
        assert_same(world.kept, offers.CHECKOUTS.shape, _told(store, CHECKOUT))


async def test_without_the_permissions_they_are_left_out_and_said(app: Shopify, clock: OffsetClock) -> None:
    async with shopify_world(app, clock) as world:
        done = await world.collect()
    for label in ("Draft orders", "Discounts"):
        assert (
            f"{label}: not read, the connection has no permission for it. To have it, reconnect Shopify." in done.notes
        )
    assert NAMES & set(world.kept.rows) == {"abandoned_checkouts"}
    assert "orders" in done.full


async def test_their_ready_tables_add_up(world: World, app: Shopify, tmp_path: Path) -> None:
    warehouse, store = Warehouse(str(tmp_path), "org_1"), app.shops[SHOP]
    move_on(store, 1, world.clock.now())
    await load(world, warehouse, "run_1")
    with warehouse.reader() as reader:
        off = reader.query(
            "SELECT d.draft_order_id FROM ready_shopify_draft_orders d"
            " JOIN ready_shopify_draft_order_lines l USING (draft_order_id) GROUP BY d.draft_order_id, d.gross_amount,"
            " d.subtotal, d.discounts, d.shipping, d.tax, d.total HAVING sum(l.net_amount) <> d.gross_amount"
            " OR d.subtotal <> d.gross_amount - d.discounts OR d.total <> d.subtotal + d.shipping + d.tax"
        )
        left = reader.query("SELECT count(*) AS n, sum(total) AS total FROM ready_shopify_abandoned_checkouts")
        lines = reader.query("SELECT sum(net_amount) AS total FROM ready_shopify_abandoned_checkout_lines")
        kinds = reader.query("SELECT method, kind, code, percentage, amount FROM ready_shopify_discounts ORDER BY ALL")
    total = sum((Decimal(node["totalPriceSet"]["shopMoney"]["amount"]) for node in store.truth(CHECKOUT)), Decimal(0))
    assert off == []
    assert left == [{"n": len(store.truth(CHECKOUT)), "total": total}]
    assert lines == [{"total": total}]
    assert {(row["method"], row["kind"]) for row in kinds} >= {
        *((method, kind) for method in ("code", "automatic") for kind in ("percentage", "buy_x_get_y", "free_shipping", "app")),
        ("code", "amount"),
    }  # fmt: skip
    assert {"method": "code", "kind": "amount", "code": "TAKE5", "percentage": None, "amount": Decimal(5)} in kinds
