"""Sales and traffic equal Amazon's days, which come late; its time says nothing about the source's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from connectors.amazon import traffic
from connectors.amazon.traffic import TRAFFIC, TYPE, due
from connectors.errors import Broken
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from tests.connectors.amazon.models import Model
from tests.connectors.amazon.seller import SELLER, amazon_world, text
from tests.connectors.equality import assert_same

NOW = datetime(2026, 11, 22, 9, 30, 1, 5, tzinfo=UTC)


@pytest.fixture
def app() -> Amazon:
    return Amazon(clock=OffsetClock(), orders=20)


def _asked(app: Amazon) -> int:
    return sum(one.type == TYPE for one in app.shops[SELLER].desk.made.values())


async def test_days_equal_amazons_and_are_read_once_a_day(app: Amazon) -> None:
    async with amazon_world(app) as world:
        done = await world.collect()
        truth = msgspec.json.decode(app.truth(SELLER, TRAFFIC.name))
        assert_same(world.kept, TRAFFIC, truth)
        assert any("24 to 72 hours behind" in note for note in done.notes)
        assert done.source_as_of > world.clock.now() - timedelta(minutes=3)
        assert sum(row["ordered_product_sales"] for row in world.kept.rows[TRAFFIC.name].values()) > Decimal(0)
        asked = _asked(app)
        await world.collect()
        assert _asked(app) == asked == 2
        world.clock.advance(timedelta(days=1))
        await world.collect()
        assert _asked(app) == 4
        held = world.kept.rows[TRAFFIC.name]
        assert all(one["id"] in held for one in msgspec.json.decode(app.truth(SELLER, TRAFFIC.name)))


def test_marketplaces_take_turns_and_gaps_are_read_anew() -> None:
    five = tuple("ABCDE")
    wanted, read = due(None, five, NOW)
    assert [one.marketplaces for one in wanted] == [("A",), ("B",), ("C",)]
    assert (wanted[0].end - wanted[0].start, read) == (traffic.FIRST, {})
    wanted, read = due("A=2026-11-22,B=2026-11-22,C=2026-11-21,X=2026-11-01", five, NOW)
    assert [one.marketplaces for one in wanted] == [("D",), ("E",), ("C",)]
    assert wanted[2].end - wanted[2].start == traffic.AGAIN
    assert set(read) == {"A", "B", "C"}
    assert due("A=2026-10-01", ("A",), NOW)[0][0].start == wanted[2].end - traffic.FIRST


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"reportSpecification":{"marketplaceIds":["B"]},"salesAndTrafficByDate":[]}']
)
def test_another_shape_or_marketplace_is_refused(body: str) -> None:
    with text(body) as said, pytest.raises(Broken):
        traffic.days(said, "A")


@pytest.mark.contracts
async def test_the_stand_ins_report_fits_amazons_schema(contracts: Path, app: Amazon) -> None:
    async with amazon_world(app) as world:
        await world.collect()
    model = Model(contracts / "amazon/schemas/sellerSalesAndTrafficReport.json")
    made = next(one for one in app.shops[SELLER].desk.made.values() if one.type == TYPE and one.paper)
    assert made.paper
    said = msgspec.json.decode(made.paper.text)
    assert list(model.wrong(model.document, said, "report")) == []
    del said["salesAndTrafficByDate"][0]["salesByDate"]["unitsOrdered"]
    assert list(model.wrong(model.document, said, "report"))
    example = model.document["examples"][0]
    marketplace = example["reportSpecification"]["marketplaceIds"][0]
    with text(msgspec.json.encode(example).decode()) as read:
        records, newest = traffic.days(read, marketplace)
    assert (len(records), newest) == (len(example["salesAndTrafficByDate"]), "2021-06-14")
