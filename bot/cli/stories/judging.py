"""Compares metrics with a stand-in's own books: what is kept of every period, and what people are shown of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from bot.cli.stories.sums import Truth
from sandbox.providers.quickbooks import Books
from storage.facts.metrics import Calculation, Kept, Metric

#: half of the last digit that is kept
_ROUNDED = Fraction(1, 2 * 10**12)
_PERCENT = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})


@dataclass(frozen=True, slots=True)
class Row:
    """A metric as a list of them shows it."""

    name: str
    value: str
    as_of: str
    state: str

    @property
    def looks_well(self) -> bool:
        """Whether it says of itself that it is current, and has no mark that it is not."""
        return self.state == "current" and self.name == self.plain

    @property
    def plain(self) -> str:
        """Its name without a mark before it."""
        return self.name.rpartition(":")[2].strip()


def truth_of(books: Books, metric: Metric) -> Truth:
    """Return the books, for values that are complete up to the metric's as-of."""
    assert metric.as_of is not None
    today = metric.as_of.astimezone(ZoneInfo(metric.definition.zone)).date()
    return Truth(books, date(today.year - 1, 1, 1), today)


def wrong_values(truth: Truth, metric: Metric, kept: Sequence[Kept]) -> tuple[list[str], int]:
    """Return what is not as the books have it, period by period, and how many numbers other than zero were the same."""
    wrong: list[str] = []
    same, definition = 0, metric.definition
    wanted = truth.values(definition)
    values = sorted((one.value for one in kept), key=lambda one: one.period.start)
    ends = [truth.period(day, definition) for day in (truth.since(definition), truth.today)]
    if not values or [values[0].period, values[-1].period] != ends:
        wrong.append(f"{metric.name}: its periods are not those from {ends[0].start} to {ends[1].end}")
    for one in values:
        if not one.complete and one.period.end < truth.today:
            continue
        expected = wanted(one.period)
        told = None if one.value is None else Fraction(one.value)
        if told is None or expected is None:
            right = told is expected
        else:
            right = abs(told - expected) <= _ROUNDED
            same += bool(expected)
        if not right:
            wrong.append(f"{metric.name}: {told} in {one.period.start} to {one.period.end}, the books say {expected}")
    return wrong, same


def worth(truth: Truth, metric: Metric) -> str:
    """Return the newest value as people should read it, without its unit: ``1,204.50``; a dash for none."""
    definition = metric.definition
    found = truth.values(definition)(truth.period(truth.today, definition))
    if found is None:
        return "–"
    if definition.calculation is Calculation.COUNT:
        return f"{int(found):,}"
    shown = found * 100 if definition.calculation in _PERCENT else found
    # Half a cent goes away from zero, as on any bill.
    cents = int(abs(shown) * 100 + Fraction(1, 2))
    return f"{'-' if shown < 0 and cents else ''}{cents // 100:,}.{cents % 100:02}"


def rows_of(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    """Return the metrics that the tables of a message show, by their names."""
    found: dict[str, Row] = {}
    for block in blocks:
        for cells in block.get("rows", ())[1:]:
            name, value, _, as_of, state = ("".join(_words(cell)) for cell in cells)
            row = Row(name.strip(), value, as_of, state)
            found[row.plain] = row
    return found


def _words(cell: Any) -> Iterator[str]:
    """Yield every piece of text in a cell, and the names of signs."""
    if isinstance(cell, Mapping):
        if cell.get("type") == "emoji":
            yield f":{cell.get('name')}:"
        elif isinstance(cell.get("text", cell.get("fallback")), str):
            yield cell.get("text", cell.get("fallback"))
        else:
            for one in cell.values():
                yield from _words(one)
    elif isinstance(cell, list):
        for one in cell:
            yield from _words(one)
