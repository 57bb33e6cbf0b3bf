"""Payouts and balance transactions are followed until they are settled, and left out where the grant lacks them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.past import Slicing
from connectors.rewind import rewound
from connectors.shopify import payments
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.shapes import BALANCE_TRANSACTIONS, PAYOUTS
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.payouts import ENTRY, PAYOUT
from storage.facts.clock import OffsetClock
from storage.warehouse import Warehouse
from tests.connectors.equality import assert_same
from tests.connectors.shopify.test_ready_tables import load
from tests.connectors.worlds import SCOPES, SHOP, World, shopify_world


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(request: pytest.FixtureRequest, clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=getattr(request, "param", 40), clock=clock, as_of=clock.now())


@pytest.fixture
async def world(app: Shopify, clock: OffsetClock) -> AsyncIterator[World]:
    async with shopify_world(app, clock, scopes=(*SCOPES, *payments.SCOPES)) as world:
        yield world


def assert_true(world: World, app: Shopify) -> None:
    store = app.shops[SHOP]
    assert_same(world.kept, PAYOUTS, store.truth(PAYOUT))
    assert_same(world.kept, BALANCE_TRANSACTIONS, store.truth(ENTRY))


async def test_payments_are_followed_until_they_are_paid_out(world: World, app: Shopify, clock: OffsetClock) -> None:
    store = app.shops[SHOP]
    first = await world.collect()
    assert {"payouts", "balance_transactions"} <= set(first.full)
    assert_true(world, app)
    for seed in range(4):
        clock.advance(timedelta(hours=30))
        store.mutate(seed, new=8, changed=6)
        newest = max(store.truth(PAYOUT), key=lambda payout: payout["issuedAt"])
        store.put([newest | {"status": ("SCHEDULED", "IN_TRANSIT", "FAILED", "PAID")[seed]}])
        clock.advance(timedelta(minutes=1))
        done = await world.collect()
        assert not {"payouts", "balance_transactions"} & set(done.full)
        assert_true(world, app)


class Kind(ShopifyConnector):
    """Takes a few transactions for very many."""

    def __init__(self) -> None:
        super().__init__(slicing=Slicing(above=10**6, most=8, first=8))


@pytest.mark.parametrize("app", [500], indirect=True)
async def test_many_transactions_are_read_newest_first_in_slices(
    world: World, app: Shopify, clock: OffsetClock
) -> None:
    """Each slice is saved with how far back it is, none is read again, and what changes meanwhile is followed."""
    world.connector, store = Kind(), app.shops[SHOP]
    world.access = replace(world.access, only=frozenset({"payouts", "balance_transactions"}))
    done, days, came = await world.collect(), [], 0
    assert not {"balance_transactions"} & set(done.full)
    while done.older:
        (older,) = done.older
        days.append(older.back_to)
        there = {one["id"] for one in store.truth(ENTRY) if one["transactionDate"] >= older.back_to.isoformat()}
        assert there <= set(world.kept.rows["balance_transactions"])
        assert len(days) < 20
        store.mutate(len(days), new=1)
        clock.advance(timedelta(minutes=5))
        began, before = len(app.journal.entries), set(world.kept.rows["balance_transactions"])
        done = await world.collect()
        asked = [entry.detail for entry in app.journal.entries[began:] if '"reverse":true' in entry.detail]
        assert asked
        assert all(f"processed_at:<'{older.back_to.isoformat()}" in one for one in asked)
        came = max(came, len(set(world.kept.rows["balance_transactions"]) - before))
    assert len(days) >= 2
    assert days == sorted(set(days), reverse=True)
    assert came < len(store.truth(ENTRY)) / 2
    assert_true(world, app)
    # Read again on request it is read whole.
    world.kept.cursors = rewound(world.kept.cursors, ("balance_transactions",), None, clock.now())
    assert "balance_transactions" in (await world.collect()).full


async def test_payouts_are_looked_at_once_an_hour(world: World, app: Shopify, clock: OffsetClock) -> None:
    await world.collect()
    before = len(app.journal.entries)
    clock.advance(timedelta(minutes=5))
    done = await world.collect()
    assert payments.PAYOUTS.owner not in [entry.entity for entry in app.journal.entries[before:]]
    assert "payouts" not in done.cursors
    # Whoever asks for transactions to be read again gets them, though both are read together.
    world.kept.cursors = rewound(world.kept.cursors, ("balance_transactions",), None, clock.now())
    assert {"payouts", "balance_transactions"} <= set((await world.collect()).full)


@pytest.mark.parametrize("scopes", [(), payments.SCOPES[:1], payments.SCOPES[1:]])
async def test_without_the_permissions_payouts_are_left_out_and_said(
    app: Shopify, clock: OffsetClock, scopes: tuple[str, ...]
) -> None:
    async with shopify_world(app, clock, scopes=(*SCOPES, *scopes)) as world:
        done = await world.collect()
    assert any(note.startswith("Payouts: not read") for note in done.notes)
    assert "payouts" not in world.kept.rows
    assert "orders" in done.full


async def test_a_shop_without_shopify_payments_has_none(world: World, app: Shopify) -> None:
    app.shops[SHOP].about["paid"] = False
    done = await world.collect()
    assert not world.kept.rows.get("payouts")
    assert "payouts" in done.full


async def test_the_rows_of_a_payout_add_up_to_it(
    world: World, app: Shopify, clock: OffsetClock, tmp_path: Path
) -> None:
    warehouse = Warehouse(str(tmp_path), "org_1")
    await load(world, warehouse, "run_1")
    clock.advance(timedelta(hours=2))
    app.shops[SHOP].mutate(3, new=3)
    await load(world, warehouse, "run_2")
    with warehouse.reader() as reader:
        off = reader.query(
            "SELECT p.payout_id FROM ready_shopify_payouts p LEFT JOIN ready_shopify_balance_transactions t"
            " ON t.payout_id = p.payout_id GROUP BY p.payout_id, p.net_amount"
            " HAVING p.net_amount IS DISTINCT FROM sum(t.net_amount)"
        )
        sums = reader.query("SELECT sum(net_amount) AS net FROM ready_shopify_payouts")
    assert off == []
    truth: list[Any] = app.shops[SHOP].truth(PAYOUT)
    assert sums == [{"net": sum((Decimal(payout["net"]["amount"]) for payout in truth), Decimal(0))}]
