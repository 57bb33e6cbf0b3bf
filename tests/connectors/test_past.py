"""Whoever counts wrong makes no run endless, and nothing is passed over for it."""

from collections.abc import Callable
from datetime import date

import pytest

from connectors.errors import Broken
from connectors.past import MOST_RECORDS, Periods, Slice, Slicing, Span
from connectors.shopify.lists import Nodes, PageInfo

END = date(2026, 11, 1)
Count = Callable[[Span], int]


class Believing(Periods):
    """The twin: a period that is said to be empty is passed over, however much is left."""

    async def _filled(self, found: Slice, total: int | None, most: int) -> Slice:
        _ = total
        return found if found.records or found.span.start is None else await self.before(found.span.start, most)


async def _before(count: Count, kind: type[Periods] = Periods) -> Slice:
    async def counted(span: Span) -> int:
        return count(span)

    return await kind(counted, Slicing(above=100, most=10, by_days=True)).before(END)


def _empty_then(older: int) -> Count:
    """Say that 50 records are left, that the last year has none, and that so many are older."""
    return lambda span: 0 if span.start else 50 if span.end == END else older


def _no_day(span: Span) -> int:
    """Say that every day is empty and every week is not."""
    days = (span.end - span.start).days if span.start and span.end else 0
    return 0 if days == 1 else 99


async def test_an_empty_period_is_passed_over_where_what_is_older_is_all_that_was_left() -> None:
    found = await _before(lambda span: 0 if span.start else 50 if span.end and span.end > date(2012, 1, 1) else 9)
    assert (found.span.start, found.span.end, found.records) == (date(2011, 11, 1), date(2012, 11, 1), 41)
    found = await _before(lambda span: 50 if not span.start else 7 if span.start < date(2020, 1, 1) else 0)
    assert (found.span.end, found.records) == (date(2020, 11, 1), 7)


@pytest.mark.parametrize("kind", [Periods, Believing])
async def test_what_contradicts_itself_is_read_all_the_same(kind: type[Periods]) -> None:
    found = await _before(_empty_then(8), kind)
    assert (found == Slice(Span(date(2025, 11, 1), END), 42, 8)) == (kind is Periods)


@pytest.mark.parametrize(
    "count",
    [
        _no_day,
        lambda _: -1,
        lambda _: MOST_RECORDS + 1,
    ],
    ids=["days without and weeks with", "fewer than none", "more than there can be"],
)
async def test_counts_that_cannot_be_are_said_to_be_wrong(count: Count) -> None:
    with pytest.raises(Broken, match="page_unreadable"):
        await _before(count)


async def test_the_twin_asks_until_nothing_is_left_to_ask_with() -> None:
    with pytest.raises(RecursionError):
        await _before(_no_day, Believing)


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], [""], [None]])
def test_pages_that_come_again_end(cursors: list[str | None]) -> None:
    seen = set[str]()
    *before, last = [Nodes([], PageInfo(has_next_page=True, end_cursor=cursor)) for cursor in cursors]
    for page in before:
        page.after(seen, "Orders")
    with pytest.raises(Broken, match="paging_stuck"):
        last.after(seen, "Orders")
