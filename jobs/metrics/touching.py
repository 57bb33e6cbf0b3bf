"""Which periods of a metric may be others because records of some days are: more than needed, never fewer."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from jobs.metrics.periods import before, fiscal_year, year_before
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, Period

#: months of a period, at least
_MONTHS = {Frequency.QUARTERLY: 3, Frequency.ANNUAL: 12}
#: periods of a month, at least
_SHORT = {Frequency.DAILY: 28, Frequency.WEEKLY: 4}
#: before anything that is imported
_EVER = 12 * 500


def touched_periods(
    definition: Definition, every: Sequence[Period], days: Collection[date], moved: date | None
) -> list[Period]:
    """Return those of the periods that depend on one of the days (the first ones of days, weeks or months).

    With `moved`, the day that was today, also those that were not over by then.
    """
    ordered = sorted(days)
    known = [*ordered[:1], *([moved] if moved is not None else [])]
    if not known:
        return []
    # Nothing that comes later counts in a period that is over before.
    begin = bisect_left(every, min(known), key=lambda period: period.end)
    return [
        period
        for place, period in enumerate(every[begin:], begin)
        if (moved is not None and period.end >= moved)
        or any(_any_in(ordered, first, last) for first, last in _depends_on(definition, every, place))
    ]


def months_back(definition: Definition) -> int:
    """Return how many months before what was touched records are needed for the periods that depend on it."""
    one = _MONTHS.get(definition.frequency, 1)
    window = -(-definition.window // _SHORT.get(definition.frequency, 1)) if one == 1 else definition.window * one
    if _stands(definition):
        return _EVER
    more = {
        Calculation.GROWTH: one,
        Calculation.GROWTH_YEAR: 13,
        Calculation.CUMULATIVE: 12,
        Calculation.ROLLING: window + 1,
    }
    return one + more.get(definition.calculation, 0)


def _depends_on(definition: Definition, every: Sequence[Period], place: int) -> Iterator[tuple[date, date]]:
    """Yield from which day to which day records count in a period."""
    period, frequency, fiscal = every[place], definition.frequency, definition.fiscal_month
    first = period.start
    if _stands(definition):
        first = date.min
    elif definition.calculation is Calculation.GROWTH:
        first = before(period, frequency, fiscal).start
    elif definition.calculation is Calculation.CUMULATIVE:
        first = fiscal_year(period.start, fiscal).start
    elif definition.calculation is Calculation.ROLLING:
        # Of periods before those that are shown nothing is looked up here: whatever lies before them counts.
        first = every[place - definition.window + 1].start if place >= definition.window - 1 else date.min
    elif definition.calculation is Calculation.GROWTH_YEAR:
        base = year_before(period, frequency, fiscal)
        yield base.start, base.end
    yield first, period.end


def _stands(definition: Definition) -> bool:
    """Whether everything before a period counts in it."""
    balance = definition.calculation is Calculation.END_BALANCE
    return balance and definition.selection.dataset is not Dataset.BALANCE_SHEET


def _any_in(ordered: Sequence[date], first: date, last: date) -> bool:
    place = bisect_left(ordered, first)
    return place < len(ordered) and ordered[place] <= last
