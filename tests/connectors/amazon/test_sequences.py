"""Whatever happens at Amazon and on the way there, after the next good run everything is as Amazon has it, row by row."""

import os
from datetime import timedelta
from random import Random

import msgspec
import pytest

from connectors.amazon.connector import MARKETPLACES
from connectors.amazon.inventory import INVENTORY
from connectors.amazon.orders import ORDERS, TYPE
from connectors.amazon.returns import RETURNS
from connectors.amazon.settlements import LINES, SETTLEMENTS
from connectors.amazon.transactions import TRANSACTIONS
from connectors.errors import ConnectorError
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.seller import EUROPEAN, amazon_world
from tests.connectors.equality import assert_same
from tests.connectors.worlds import World

SHAPES = (MARKETPLACES, ORDERS, RETURNS, INVENTORY, SETTLEMENTS, LINES, TRANSACTIONS)
FAULTS = (Kind.SERVER_ERROR, Kind.RESET, Kind.HTML, Kind.TRUNCATE, Kind.UNAUTHORIZED, Kind.RATE_LIMIT)
OPERATIONS = (
    "create report",
    "look at report",
    "open document",
    "download",
    "transactions",
    "inventory",
    "participations",
)


def same(world: World, app: Amazon) -> None:
    for shape in SHAPES:
        assert_same(world.kept, shape, msgspec.json.decode(app.truth(EUROPEAN, shape.name)))


def something_happens(app: Amazon, chance: Random) -> None:
    shop, now = app.shops[EUROPEAN], app.clock.now()
    app.mutate(EUROPEAN, orders=chance.randrange(4), changes=chance.randrange(4))
    for _ in range(chance.randrange(3)):
        shop.give_back(now - timedelta(days=chance.randrange(4)))
    if chance.random() < 0.4:
        shop.settle(now - timedelta(hours=4))
    if chance.random() < 0.4:
        shop.ledger.release()
    if chance.random() < 0.3:
        shop.stock.drop(chance.choice(["OIL-100", "BELL-1", "MUG-2"]))


def something_fails(app: Amazon, chance: Random) -> None:
    for _ in range(chance.randrange(3)):
        rule = Rule(chance.choice(FAULTS), operation=chance.choice(OPERATIONS), skip=chance.randrange(4), times=2)
        app.script.add(rule)
    if chance.random() < 0.3:
        app.shops[EUROPEAN].desk.fates.setdefault(TYPE, []).append(chance.choice(["FATAL", "CANCELLED"]))


@pytest.mark.parametrize("seed", range(1, 21 if os.environ.get("SOAK") else 2))
async def test_any_sequence_ends_in_what_amazon_has(seed: int) -> None:
    chance = Random(seed)
    app = Amazon(clock=OffsetClock(), orders=15)
    async with amazon_world(app, EUROPEAN, "eu") as world:
        for _ in range(4):
            something_happens(app, chance)
            something_fails(app, chance)
            for _ in range(2):
                world.clock.advance(timedelta(minutes=40))
                await _collected(world)
            app.script.clear()
            app.shops[EUROPEAN].desk.fates.clear()
            # A day later, so that what was deferred is looked at again.
            world.clock.advance(timedelta(days=1))
            assert await _collected(world)
            same(world, app)
        assert not app.journal.mutating()


async def _collected(world: World) -> bool:
    """Collect as a run does: of one that failed nothing is kept."""
    before = {name: dict(rows) for name, rows in world.kept.rows.items()}
    lines = {name: dict(found) for name, found in world.kept.lines.items()}
    try:
        await world.collect()
    except ConnectorError:
        world.kept.rows, world.kept.lines = before, lines
        return False
    return True
