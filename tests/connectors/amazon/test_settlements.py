"""Settlements equal Amazon's files to the cent, American and European; what does not add up is refused."""

import contextlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from connectors.amazon import settlements
from connectors.amazon.settlements import LINES, SETTLEMENTS, TYPE, settled
from connectors.errors import Broken
from sandbox.providers.amazon import Amazon
from sandbox.providers.amazon.settling import Settlements
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.seller import EUROPEAN, SELLER, amazon_world, text
from tests.connectors.equality import assert_same
from tests.connectors.worlds import World


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock(), orders=20)


def read(body: str) -> tuple[list[bytes], list[bytes]]:
    """The summaries and the lines of a file."""
    with text(body) as said:
        found = settled(said)
    with contextlib.closing(found.lines) as lines:
        return found.settlements, [line for part in lines.batches() for line in part]


def same(world: World, app: Amazon, seller: str) -> None:
    for shape in (SETTLEMENTS, LINES):
        assert_same(world.kept, shape, msgspec.json.decode(app.truth(seller, shape.name)))


@pytest.mark.parametrize("seller, region", [(SELLER, "na"), (EUROPEAN, "eu")])
async def test_settlements_equal_the_files(app: Amazon, seller: str, region: str) -> None:
    shop = app.shops[seller]
    async with amazon_world(app, seller, region) as world:
        await world.collect()
        same(world, app, seller)
        opened = _opened(app)
        world.clock.advance(timedelta(days=12))
        await world.collect()
        assert not [
            entry for entry in app.journal.entries[-20:] if TYPE in entry.detail and "nextToken" in entry.detail
        ]
        shop.settle(world.clock.now() - timedelta(hours=4))
        before = world.kept.cursors["settlements"]
        await world.collect()
        same(world, app, seller)
        assert len(world.kept.cursors["settlements"]) > len(before)
    assert _opened(app) > opened


def _opened(app: Amazon) -> int:
    return sum(entry.operation == "open document" for entry in app.journal.entries)


async def test_many_settlements_come_a_few_at_a_time_the_newest_first(app: Amazon) -> None:
    shop = app.shops[SELLER]
    for days in range(80, 32, -7):
        shop.settle(app.clock.now() - timedelta(days=days))
    shop.page = 4
    async with amazon_world(app) as world:
        done = await world.collect()
        assert len(world.kept.rows["settlements"]) == settlements.MOST
        (waiting,) = [one for one in done.older if one.stream == "settlements"]
        assert waiting.left == len(shop.settlements.heads) - settlements.MOST
        newest = max(shop.settlements.heads, key=lambda head: head["settlement-end-date"])
        assert newest["settlement-id"] in world.kept.rows["settlements"]
        await world.collect()
        done = await world.collect()
        same(world, app, SELLER)
        assert "settlements" not in {one.stream for one in done.older}


def _file(*, european: bool = False) -> str:
    made = Settlements("Amazon.com", "USD", european)
    return made.settle([], OffsetClock().now()).text


@pytest.mark.parametrize(
    "old, new, code",
    [
        ("-4.25", "-4.26", "settlement_sum"), ("-4.25", "-4,25", "value_unreadable"), ("-4.25", "", "record_unreadable"),
        ("-4.25", "-4.25\tx", "report_ragged"), ("21000000001\t", "\t", "record_unreadable"), ("amount-type", "amount-kind", "report_columns"),
        ("USD", "USD\tx", "report_ragged"), ("-14.25", "", "record_unreadable"), (" UTC", " PST", "value_unreadable"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(old: str, new: str, code: str) -> None:
    good = _file()
    assert len(read(good)[1]) == 2
    assert old in good
    with pytest.raises(Broken) as caught:
        read(good.replace(old, new, 1))
    assert caught.value.code == code


def test_a_settlement_without_end_is_refused_in_words() -> None:
    with text(_file()) as said, pytest.raises(Broken, match="more than 1 rows") as caught:
        settled(said, most=1)
    assert caught.value.code == "report_too_large"


def test_without_the_sum_a_wrong_amount_would_go_unnoticed() -> None:
    """The twin: reads amounts without holding them to the total."""
    wrong = _file(european=True).replace("-4,25", "-42,5", 1)
    with pytest.raises(Broken):
        read(wrong)
    lines = [line.split("\t") for line in wrong.split("\r\n")[2:] if line]
    assert sum(Decimal(cells[14].replace(",", ".")) for cells in lines) == Decimal("-52.5")


@pytest.mark.contracts
@pytest.mark.parametrize("name, currency", [("us", "USD"), ("eu", "EUR")])
def test_the_collected_files_add_up(contracts: Path, name: str, currency: str) -> None:
    heads, found = read((contracts / f"amazon/synthetic/settlement_v2_{name}.tsv").read_text())
    (head,) = [json.loads(one) for one in heads]
    assert (head["total-amount"], head["currency"], head["lines"]) == ("8.81", currency, 10)
    lines = [json.loads(one) for one in found]
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal("8.81")
    assert lines[0]["posted-date-time"] == "2026-11-18T08:52:26+00:00"
