"""Stock and returns equal Amazon's; a product that vanished is gone, and what customers wrote is not kept."""

import json
from datetime import timedelta

import msgspec
import pytest

from connectors.amazon import returns
from connectors.amazon.inventory import INVENTORY
from connectors.amazon.returns import RETURNS
from connectors.errors import Broken
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from sandbox.providers.amazon.stock import COMMENT, RETURN_COLUMNS
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.seller import SELLER, amazon_world, text
from tests.connectors.equality import assert_same
from tests.connectors.worlds import World


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock(), orders=20)


def same(world: World, app: Amazon) -> None:
    for shape in (INVENTORY, RETURNS):
        assert_same(world.kept, shape, msgspec.json.decode(app.truth(SELLER, shape.name)))


async def test_stock_and_returns_equal_amazons_first_and_after_changes(app: Amazon) -> None:
    shop = app.shops[SELLER]
    async with amazon_world(app) as world:
        done = await world.collect()
        same(world, app)
        assert "inventory" in done.full
        assert done.unknown == {}
        world.clock.advance(timedelta(hours=6))
        for hours in (1, 30):
            shop.give_back(world.clock.now() - timedelta(hours=hours))
        shop.stock.drop("BELL-1")
        changed = shop.stock._of[shop.markets[0]]["MUG-2"]
        changed["novelty"], changed["inventoryDetails"]["agedQuantity"] = 1, 2
        done = await world.collect()
        same(world, app)
        # What nobody knows is kept in the raw record, and told.
        assert done.unknown == {"inventory": ("inventoryDetails.agedQuantity", "novelty")}
        assert not [key for key in world.kept.rows["inventory"] if "BELL-1" in key]
    assert COMMENT not in json.dumps([row["_raw"] for row in world.kept.rows["returns"].values()])


async def test_a_list_of_stock_that_does_not_end_is_noticed(app: Amazon) -> None:
    page = {"payload": {"granularity": {}, "inventorySummaries": []}, "pagination": {"nextToken": "again"}}
    async with amazon_world(app) as world:
        app.script.add(Rule(Kind.SERVER_ERROR, operation="inventory", times=None, status=200, body=json.dumps(page)))
        with pytest.raises(Broken) as caught:
            await world.collect()
    assert caught.value.code == "paging_stuck"


def test_returns_that_are_alike_stay_two_and_bad_ones_are_refused() -> None:
    row = ["2026-11-18T08:00:00+00:00", "1", "A", "B", "C", "Bell", "1", "PHX7", "SELLABLE", "X", "Y", "", "hello"]

    def read(*rows: list[str]) -> list[dict[str, str]]:
        with text("\n".join("\t".join(cells) for cells in (RETURN_COLUMNS, *rows))) as said:
            return [json.loads(record) for part in returns.returns(said).parts for record in part]

    assert [one["id"][-1] for one in read(row, row)] == ["1", "2"]
    assert "customer-comments" not in read(row)[0]
    for place, wrong in ((0, "18/11/2026"), (1, ""), (6, "one")):
        with pytest.raises(Broken):
            read([*row[:place], wrong, *row[place + 1 :]])
