"""Transactions equal Amazon's, also those that are released long after they were posted; breakdowns add up."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest

from connectors.amazon.transactions import DEFERRED, HISTORY, SPAN, TRANSACTIONS, Past, flattened, mark_after, windows
from connectors.base import Mark, mark
from connectors.errors import Broken
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.seller import SELLER, amazon_world
from tests.connectors.equality import assert_same
from tests.connectors.worlds import World

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock(), orders=60)


def same(world: World, app: Amazon) -> None:
    assert_same(world.kept, TRANSACTIONS, msgspec.json.decode(app.truth(SELLER, "transactions")))


async def test_transactions_equal_amazons_first_and_after_changes(app: Amazon) -> None:
    async with amazon_world(app) as world:
        done = await world.collect()
        same(world, app)
        assert done.source_as_of <= world.clock.now() - timedelta(minutes=2)
        rows, lines = world.kept.rows["transactions"], world.kept.lines["transaction_breakdowns"]
        for key, row in rows.items():
            whole = [line for line in lines[key] if line["item_number"] is None and line["is_leaf"]]
            items = [line for line in lines[key] if line["item_number"] is not None and line["is_leaf"]]
            assert sum(line["amount"] for line in whole) == sum(line["amount"] for line in items) == row["total_amount"]
            assert json.loads(row["_raw"])["transactionId"] == key
        app.mutate(SELLER, orders=9)
        world.clock.advance(timedelta(minutes=3))
        await world.collect()
        same(world, app)


async def test_what_was_deferred_is_looked_at_again_once_a_day(app: Amazon) -> None:
    for _ in range(8):
        app.shops[SELLER].trade.sell(app.clock.now() - timedelta(days=2))
    async with amazon_world(app) as world:
        await world.collect()
        assert {row["status"] for row in world.kept.rows["transactions"].values()} == {"RELEASED", "DEFERRED"}
        world.clock.advance(timedelta(days=6))
        assert app.shops[SELLER].ledger.release()
        await world.collect()
        same(world, app)
        assert "DEFERRED" not in {row["status"] for row in world.kept.rows["transactions"].values()}


def test_windows_reach_back_far_enough_and_are_short_enough() -> None:
    first = windows(None, NOW)
    past = Past(None, NOW)
    while (window := past.window()) is not None:
        past.read(window, 0)
        first.insert(0, window)
    assert (first[0][0], first[-1][1]) == ((NOW - HISTORY).replace(hour=0), NOW)
    assert all(stop - start <= SPAN for start, stop in first)
    assert all(left[1] == right[0] for left, right in pairwise(first))
    today, before = Mark(NOW, f"{NOW:%Y-%m-%d}"), Mark(NOW, "2026-11-21")
    assert windows(today, NOW)[0][0] == NOW - timedelta(days=3)
    assert windows(before, NOW)[0][0] == NOW - DEFERRED
    # The twin that never looks back further than what Amazon posts late would miss every release.
    assert NOW - timedelta(days=3) > NOW - timedelta(days=6)


def test_a_busy_sellers_past_takes_several_runs_and_each_of_them_goes_on() -> None:
    known, ends, runs = Past(None, NOW), NOW.replace(hour=0), 0
    while not known.complete:
        begins, runs = known.back_to, runs + 1
        while (window := known.window()) is not None:
            assert window[1] == ends
            known.read(window, 400 * (window[1] - window[0]).days)
            ends = window[0]
        assert known.back_to < begins
        assert known.complete or known.left == pytest.approx(
            400 * (known.back_to - NOW.date() + HISTORY).days, rel=0.02
        )
        cursor = str(mark_after(NOW, timedelta(0), known))
        known = Past(mark(cursor, NOW), NOW)
    assert (runs, mark(cursor, NOW).back_to) == (27, "")  # type: ignore[union-attr]  # it is one of ours


def test_amounts_are_never_floats_and_a_transaction_needs_its_id() -> None:
    amount = "123456789012.34"
    record = f'{{"transactionId":"a","totalAmount":{{"currencyCode":"USD","currencyAmount":{amount}}},"breakdowns":[{{"breakdownType":"X","breakdownAmount":{{"currencyAmount":0.10}}}}]}}'
    found = json.loads(flattened(record.encode()), parse_float=Decimal)
    assert found["totalAmount"]["currencyAmount"] == Decimal(amount)
    assert found["lines"][0]["amount"] == Decimal("0.10")
    for wrong in (b"{}", b'{"transactionId":5}', b'{"transactionId":"a","breakdowns":{}}', b"[]"):
        with pytest.raises(Broken):
            flattened(wrong)


async def test_unknown_fields_are_told(app: Amazon) -> None:
    seller = {"sellingPartnerId": SELLER}
    one = {
        "transactionId": "t",
        "postedDate": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "sellingPartnerMetadata": seller,
        "taxes": [],
    }
    async with amazon_world(app) as world:
        body = json.dumps({"payload": {"transactions": [one]}})
        app.script.add(Rule(Kind.SERVER_ERROR, operation="transactions", times=None, status=200, body=body))
        assert (await world.collect()).unknown == {"transactions": ("taxes",)}
        assert json.loads(world.kept.rows["transactions"]["t"]["_raw"])["taxes"] == []


async def test_a_list_that_does_not_end_and_a_passing_failure(app: Amazon) -> None:
    app.shops[SELLER].ledger.page = 3
    body = json.dumps({"payload": {"nextToken": "again", "transactions": []}})
    async with amazon_world(app) as world:
        app.script.add(Rule(Kind.SERVER_ERROR, operation="transactions", skip=3))
        await world.collect()
        same(world, app)
        app.script.add(Rule(Kind.SERVER_ERROR, operation="transactions", times=None, status=200, body=body))
        with pytest.raises(Broken) as caught:
            await world.collect()
    assert caught.value.code == "paging_stuck"
