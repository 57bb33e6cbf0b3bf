"""The finance tables of a shop: their sums are the shop's own, order by order, after a first read and after changes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.store import Store
from storage.facts.clock import OffsetClock
from storage.warehouse import LoadRun, Warehouse
from tests.connectors.worlds import SHOP, World, shopify_world


def _money(*names: str) -> Callable[[Any], Decimal]:
    return lambda order: sum((Decimal(order[name]["shopMoney"]["amount"]) for name in names), Decimal(0))


#: what a table says of an order -> the same in the order's own sums
SUMS = {
    "sum(gross_amount - discount_amount) AS n FROM ready_shopify_order_lines": _money("subtotalPriceSet"),
    "sum(net_amount) AS n FROM ready_shopify_order_lines": _money("subtotalPriceSet"),
    "sum(tax_amount) AS n FROM ready_shopify_order_lines": _money("totalTaxSet"),
    "sum(total_amount) AS n FROM ready_shopify_refunds": _money("totalRefundedSet"),
    "sum(total_amount) AS n FROM ready_shopify_refunds WHERE kind = 'shipping'": _money("totalRefundedShippingSet"),
    "sum(amount) AS n FROM ready_shopify_order_charges WHERE kind = 'tax'": _money("totalTaxSet"),
    "sum(amount) AS n FROM ready_shopify_order_charges WHERE kind = 'shipping'": _money("totalShippingPriceSet"),
    "-sum(amount) AS n FROM ready_shopify_order_charges WHERE kind = 'discount'": _money("totalDiscountsSet"),
    "sum(net_amount) AS n FROM ready_shopify_transactions WHERE NOT order_id IN"
    " (SELECT order_id FROM ready_shopify_orders WHERE is_cancelled)": lambda order: (
        Decimal(0) if order["cancelledAt"] else _money("netPaymentSet")(order)
    ),
}


async def load(world: World, warehouse: Warehouse, run_id: str, *, provider: str = "shopify") -> None:
    """Collect, load and process, as a run does."""
    world.kept.batches.clear()
    done = await world.collect()
    run = LoadRun(run_id, "src_1", provider, world.clock.now())

    def write() -> None:
        with warehouse.begin(run, world.connector.streams) as loader:
            for batch in world.kept.batches:
                loader.write(batch)
            loader.commit(done.cursors, full=done.full, keep_cursors=done.keep_cursors)
        warehouse.process(run_id, "src_1", world.connector.ready)

    await asyncio.to_thread(write)


def assert_sums(warehouse: Warehouse, store: Store) -> None:
    """Compare every order's sums in the ready tables with the order's own."""
    with warehouse.reader() as reader:
        for sums, per_order in SUMS.items():
            kept = reader.query(f"SELECT order_id, {sums} GROUP BY order_id")
            truth = {order["id"]: per_order(order) for order in store.truth("Order")}
            assert {row["order_id"]: row["n"] for row in kept if row["n"]} == {key: n for key, n in truth.items() if n}
        kinds = reader.query("SELECT DISTINCT kind FROM ready_shopify_refunds")
    assert {row["kind"] for row in kinds} >= {"line", "shipping"}


async def test_the_finance_tables_follow_the_shop_to_the_cent(tmp_path: Path) -> None:
    clock = OffsetClock()
    app = Shopify.generated(seed=1, orders=60, clock=clock)
    store, warehouse = app.shops[SHOP], Warehouse(str(tmp_path), "org_1")
    async with shopify_world(app, clock) as world:
        await load(world, warehouse, "run_1")
        assert_sums(warehouse, store)
        clock.advance(timedelta(hours=1))
        app.shops[SHOP].mutate(seed=3, new=5, changed=25, deleted=3, voided=3)
        order = next(order for order in store.truth("Order") if order["refunds"] and order["test"] is False)
        store.put([_fee_kept(order, clock)])
        clock.advance(timedelta(minutes=1))
        await load(world, warehouse, "run_2")
    assert_sums(warehouse, store)
    with warehouse.reader() as reader:
        rest = reader.query("SELECT order_id, total_amount FROM ready_shopify_refunds WHERE kind = 'difference'")
    assert rest == [{"order_id": order["id"], "total_amount": Decimal(-2)}]


def _fee_kept(order: Any, clock: OffsetClock) -> Any:
    """Return a refunded order of which two dollars were kept."""
    given = Decimal(order["totalRefundedSet"]["shopMoney"]["amount"]) - 2
    bag = {"shopMoney": {"amount": str(given), "currencyCode": "USD"}, "presentmentMoney": None}
    paid = {"shopMoney": {"amount": str(given), "currencyCode": "USD"}}
    back = order["transactions"][-1]
    left = Decimal(order["netPaymentSet"]["shopMoney"]["amount"]) + 2
    shown = back["amountSet"]["presentmentMoney"]
    return order | {
        "totalRefundedSet": bag | {"presentmentMoney": shown},
        "refunds": [order["refunds"][0] | {"totalRefundedSet": bag | {"presentmentMoney": shown}}],
        "transactions": [*order["transactions"][:-1], back | {"amountSet": paid | {"presentmentMoney": shown}}],
        "netPaymentSet": {"shopMoney": {"amount": str(left), "currencyCode": "USD"}, "presentmentMoney": shown},
        "updatedAt": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
