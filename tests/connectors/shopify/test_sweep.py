"""The nightly sweep: what no window brings and no list tells is found by ids, and a list that was cut proves nothing."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import pytest_asyncio

from connectors.base import mark, open_session
from connectors.intake import Intake
from connectors.shopify.connection import Pager
from connectors.shopify.graph import Graph
from connectors.shopify.reading import Reader
from connectors.shopify.roots import ROOTS
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from tests.connectors.shopify.test_collect import assert_true
from tests.connectors.worlds import SHOP, World, shopify_world


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=11, orders=30, clock=clock)


@pytest_asyncio.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock) as found:
        yield found


def meddle(app: Shopify, rng: random.Random, times: int) -> None:
    """Let as many customers vanish as others come whose last change is long ago: counts and windows stay as they are."""
    store = app.shops[SHOP]
    for number in range(times):
        gone, model = rng.sample(sorted(store.ids("Customer")), 2)
        record = next(record for record in store.truth("Customer") if record["id"] == model)
        store.remove(gone, store.clock.now())
        key = f"gid://shopify/Customer/{990_000 + rng.randrange(9999) * 10 + number}"
        store.put([record | {"id": key, "updatedAt": "2026-01-01T00:00:00Z"}])


@pytest.mark.parametrize("sweeps", [True, False], ids=["sweeps", "twin that does not"])
async def test_after_the_night_the_warehouse_is_the_shop(
    world: World, app: Shopify, clock: OffsetClock, *, sweeps: bool
) -> None:
    rng = random.Random(5)
    await world.collect()
    for night in range(4):
        app.shops[SHOP].mutate(seed=night, new=2, changed=3, deleted=1)
        clock.advance(timedelta(hours=2))
        await world.collect()
        meddle(app, rng, 2)
        clock.advance(timedelta(hours=22))
        world.access = replace(world.access, sweeps=sweeps)
        done = await world.collect()
        world.access = replace(world.access, sweeps=False)
        if not sweeps:
            with pytest.raises(AssertionError):
                assert_true(world, app)
            return
        assert {"orders", "products"} <= set(done.guarded)
        assert_true(world, app)


class Cut(Pager):
    """A shop whose list of ids ends too early."""

    async def keys(self) -> set[str]:
        return set(sorted(await super().keys())[:3])


class Believing(Reader):
    """The twin that believes any list."""

    async def _agree(self, intake: Intake) -> bool:
        await intake.drop(set(await self._held.keys(self._root.shape.name)) - await self._pager.keys())
        return True


async def test_what_counts_take_away_is_guarded_too(world: World, app: Shopify) -> None:
    """A shop that counts wrongly, and lists as it counts, would take everything away."""
    await world.collect()
    assert not (await world.collect()).guarded
    store = app.shops[SHOP]
    for key in store.ids("Customer"):
        store.remove(key, store.clock.now())
    assert (await world.collect()).guarded == ("customers",)


@pytest.mark.parametrize("reader", [Reader, Believing], ids=["as it is", "twin that believes"])
async def test_a_list_that_was_cut_takes_nothing_away(
    world: World, app: Shopify, clock: OffsetClock, reader: type[Reader]
) -> None:
    await world.collect()
    clock.advance(timedelta(hours=20))
    root = next(root for root in ROOTS if root.shape.name == "customers")
    async with open_session(world.connector, world.access) as session:
        await session.keeper.token()
        pager = Cut(Graph(session.http), root)
        kept = world.kept
        intake = partial(Intake, root.shape, kept.sink, lambda *_: None)
        since = mark(kept.cursors["customers"], clock.now())
        found = await reader(pager, root, kept, intake, sees_all=True, sweeps=True).read(since, clock.now())
    if reader is Believing:
        assert set(kept.rows["customers"]) < app.shops[SHOP].ids("Customer")
        return
    assert not found.swept
    assert set(kept.rows["customers"]) == app.shops[SHOP].ids("Customer")
