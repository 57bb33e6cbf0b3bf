"""Reading several things at once, cursors, and the registry."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from connectors.base import LONGEST_GAP, Mark, mark, serial
from connectors.errors import Broken, ConnectorError, Partial, Reconnect, Retry, worst
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.registry import connector_for
from connectors.side_by_side import in_order, together
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Batch

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def test_results_come_in_order_with_few_at_once() -> None:
    running = most = 0

    async def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002 * (5 - n % 5))
        running -= 1
        return n

    found = [n async for n in in_order([partial(work, n) for n in range(20)], 4)]
    assert found == list(range(20))
    assert most <= 4


async def test_what_waits_is_stopped_when_one_fails() -> None:
    stopped = 0

    async def work(n: int) -> int:
        nonlocal stopped
        if n == 1:
            raise Broken("no")
        try:
            await asyncio.sleep(0 if n == 0 else 30)
        except asyncio.CancelledError:
            stopped += 1
            raise
        return n

    results = in_order([partial(work, n) for n in range(6)], 4)
    assert await anext(results) == 0
    with pytest.raises(Broken):
        await anext(results)
    assert stopped >= 2


async def test_the_error_that_a_person_must_cure_decides() -> None:
    async def fail(error: ConnectorError) -> None:
        raise error

    errors = [Retry(5, "busy"), Reconnect("gone"), Broken("odd")]
    with pytest.raises(Reconnect):
        await together([fail(error) for error in errors])
    assert worst([Retry(1, "x"), Partial(("a",), "x")]).code == "partial"
    assert str(Broken("words", code="c", request_id="r")) == "c: words (request r)"


async def test_other_errors_are_not_hidden() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        await together([fail()])


async def test_a_sink_takes_one_batch_at_a_time() -> None:
    running = most = 0

    async def sink(_: Batch) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    one = serial(sink)
    batch = Batch(QuickBooksConnector.streams[0], None)
    await asyncio.gather(*(one(batch) for _ in range(5)))
    assert most == 1


def test_cursors_come_back_as_they_went() -> None:
    first = Mark(NOW, "2026-11-22T11:00:00+00:00", 5)
    assert mark(str(first), NOW) == first
    assert mark(str(Mark(NOW)), NOW) == Mark(NOW)


@pytest.mark.parametrize(
    "cursor", [None, "", "x", "||", "2026-11-22||", "2026-11-22T11:00:00||", "2026-11-22T11:00:00+00:00||x"]
)
def test_a_cursor_that_is_none_of_ours_means_reading_everything(cursor: str | None) -> None:
    assert mark(cursor, NOW) is None


def test_a_cursor_too_far_away_means_reading_everything() -> None:
    for away in (LONGEST_GAP + timedelta(seconds=1), -LONGEST_GAP - timedelta(seconds=1)):
        assert mark(str(Mark(NOW - away)), NOW) is None
    assert mark(str(Mark(NOW - LONGEST_GAP)), NOW) is not None


def test_every_provider_has_its_connector() -> None:
    assert connector_for(Provider.QUICKBOOKS).mode is CollectMode.TIMER
    assert connector_for(Provider.SHOPIFY).mode is CollectMode.ON_DEMAND
    for connector in map(connector_for, Provider):
        tables = [t for s in connector.streams for t in (s.name, *(child.name for child in s.children))]
        assert len(tables) == len(set(tables))
        assert all(stream.columns[0].name == "id" for stream in connector.streams)
