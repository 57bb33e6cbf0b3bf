"""Whatever happens in a shop and on the way there, while it is read and between, the next good run has it row by row."""

import os
from datetime import timedelta
from random import Random

import pytest

from connectors.errors import ConnectorError
from connectors.limits import Unlimited
from connectors.past import Slicing
from connectors.shopify import inventory, payments
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.past import SLICING
from sandbox.misbehave import Kind, Rule
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.offers import move_on, used
from storage.facts.clock import OffsetClock
from storage.facts.streams import Batch
from tests.connectors.shopify import test_collect, test_offers, test_payments, test_stock
from tests.connectors.worlds import SCOPES, SHOP, World, shopify_world

FAULTS = (Kind.SERVER_ERROR, Kind.RESET, Kind.HTML, Kind.TRUNCATE, Kind.UNAUTHORIZED, Kind.RATE_LIMIT)
ENTITIES = ("orders", "products", "customers", "ordersCount", "draftOrders", "discountNodes", "inventoryItems",
            "shopifyPaymentsAccount", "bulkOperation", "abandonedCheckouts")  # fmt: skip
#: Everything the shop holds besides is there after this: what nothing tells of is read again once a day.
DAY = timedelta(hours=25)


class Quick(OffsetClock):
    """Time goes by without waiting for it."""

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))


class Meddler(Unlimited):
    """Lets the shop work on between two calls of a read."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self.app: Shopify | None = None

    async def blocked(self, key: str) -> float:
        _ = key
        if self.app is not None and self._chance.random() < 0.1:
            something_happens(self.app, self._chance)
        return 0.0


class Killed(Exception):  # noqa: N818 - the end of a process, not an error of ours
    """The process ends."""


def something_happens(app: Shopify, chance: Random) -> None:
    store = app.shops[SHOP]
    store.mutate(
        chance.randrange(10**6),
        new=chance.randrange(3),
        changed=chance.randrange(4),
        deleted=chance.randrange(2),
        voided=chance.randrange(2),
    )
    if chance.random() < 0.3:
        move_on(store, chance.randrange(10**6), app.clock.now())
    if chance.random() < 0.2:
        used(store, 1)


def something_fails(app: Shopify, chance: Random) -> None:
    for _ in range(chance.randrange(3)):
        kind, entity = chance.choice(FAULTS), chance.choice(ENTITIES)
        app.script.add(Rule(kind, operation="query", entity=entity, skip=chance.randrange(3), times=4))
    bulk = app.bulks[SHOP]
    bulk.fates.extend(chance.choices(["COMPLETED", "FAILED", "CANCELED"], k=chance.randrange(3)))
    bulk.cut, bulk.packed = chance.randrange(3), chance.random() < 0.5


async def collected(world: World, *, dies: int = 0) -> bool:
    """Collect as a run does, until all periods are in; of one that failed, or died at its n-th batch, nothing stays."""
    before = {name: dict(rows) for name, rows in world.kept.rows.items()}
    lines = {name: dict(found) for name, found in world.kept.lines.items()}
    keep, left = world.kept.sink, dies

    async def sink(batch: Batch) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        await keep(batch)

    world.kept.sink = sink  # type: ignore[method-assign] # the process dies within
    good, older = True, False
    try:
        older = bool((await world.collect()).older)
    except* (ConnectorError, Killed):
        world.kept.rows, world.kept.lines = before, lines
        good = False
    finally:
        world.kept.sink = keep  # type: ignore[method-assign]
    world.clock.advance(timedelta(minutes=1))
    return await collected(world) if older and not dies else good


def same(world: World, app: Shopify) -> None:
    test_collect.assert_true(world, app)
    for module in (test_stock, test_offers):
        module.assert_true(world, app.shops[SHOP])
    test_payments.assert_true(world, app)


@pytest.mark.parametrize("seed", range(1, 21 if os.environ.get("SOAK") else 3))
async def test_any_sequence_ends_in_what_the_shop_has(seed: int) -> None:
    chance, clock = Random(seed), Quick()
    app = Shopify.generated(seed=seed, orders=45, clock=clock, as_of=clock.now())
    scopes = (*SCOPES, inventory.SCOPE, *payments.SCOPES, "read_draft_orders", "read_discounts")
    meddler = Meddler(chance)
    async with shopify_world(app, clock, scopes=scopes, limiter=meddler) as world:
        # Odd seeds read in bulk where they read all; the first and the second of four read by periods.
        slicing = Slicing(above=15, most=40, first=15, by_days=True) if seed % 4 in {1, 2} else SLICING
        world.connector = ShopifyConnector(bulk_from=1 if seed % 2 else 10**6, slicing=slicing, paged=20)
        for _ in range(3 if os.environ.get("SOAK") else 2):
            something_fails(app, chance)
            meddler.app = app
            for _ in range(2):
                clock.advance(timedelta(minutes=chance.choice([3, 20, 70])))
                something_happens(app, chance)
                await collected(world, dies=chance.choice([0, 0, 1, 3]))
            meddler.app = None
            app.script.clear()
            clock.advance(DAY)
            something_happens(app, chance)
            clock.advance(timedelta(minutes=1))
            assert await collected(world)
            same(world, app)
        assert not app.journal.mutating()
