"""Amazon's ready tables build in the real warehouse, and their sums are Amazon's."""

import asyncio
from decimal import Decimal
from pathlib import Path

from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.seller import EUROPEAN, amazon_world
from tests.connectors.lakes import Ask, load


async def test_amazon_ready_tables_add_up(tmp_path: Path, ask: Ask) -> None:
    app = Amazon(clock=OffsetClock(), orders=30)
    async with amazon_world(app, EUROPEAN, "eu") as world:
        done = await world.collect()
        warehouse = await asyncio.to_thread(load, world, tmp_path, done)
    shop = app.shops[EUROPEAN]
    counts = {
        table.name: ask(warehouse, f"SELECT count(*) AS n FROM ready_{table.name}")[0]["n"]
        for table in world.connector.ready
    }
    assert all(counts.values()), counts
    items = [item for order in shop.trade.truth() for item in order["items"]]
    sold = sum(Decimal(item.get("item-price", "0")) for item in items)
    assert counts["amazon_orders"] == len(shop.trade.truth())
    assert counts["amazon_order_lines"] == len(items)
    sums = ask(
        warehouse, "SELECT sum(item_price) AS sold, sum(units) AS units, min(currency) AS c FROM ready_amazon_orders"
    )
    assert sums == [{"sold": sold, "units": sum(int(item["quantity"]) for item in items), "c": "EUR"}]
    off = ask(
        warehouse,
        "SELECT s.settlement_id FROM ready_amazon_settlements s JOIN ready_amazon_settlement_lines l USING (settlement_id)"
        " GROUP BY s.settlement_id, s.total_amount, s.line_count"
        " HAVING sum(l.amount) <> s.total_amount OR count(*) <> s.line_count OR min(l.currency) <> 'EUR'",
    )
    assert off == []
    off = ask(
        warehouse,
        "SELECT t.transaction_id FROM ready_amazon_transactions t JOIN ready_amazon_transaction_breakdowns b"
        " USING (transaction_id) WHERE b.is_leaf GROUP BY t.transaction_id, t.total_amount"
        " HAVING sum(b.amount) FILTER (NOT b.of_item) <> t.total_amount"
        " OR sum(b.amount) FILTER (b.of_item) <> t.total_amount",
    )
    assert off == []
    stock = ask(warehouse, "SELECT sum(fulfillable_quantity) AS n FROM ready_amazon_inventory")[0]["n"]
    assert stock == sum(one["inventoryDetails"]["fulfillableQuantity"] for one in shop.stock.truth())
