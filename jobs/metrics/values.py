"""What a definition makes of added-up records: exact fractions throughout, rounded once at the end.

A value that cannot be told is empty, with the reason; never a zero, and never a number of something else.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import lru_cache

from jobs.metrics.periods import before, fiscal_year, months_after, period_of, periods, year_before
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, Period, Selection, Value

#: digits after the point that a division keeps; sums keep all of theirs
PLACES = 12
_SCALE = 10**PLACES
#: for sums alone, which are decimals already: much cheaper than fractions, and not a digit is ever lost
_EXACT = Context(prec=400, traps=[Inexact])
#: periods that have a value, the newest: five years of days; one document of 1900 makes no more
MOST_PERIODS = 2000

_WITHOUT_AMOUNT = "records without an amount in the company's currency: {}"

Found = tuple[Fraction | None, str]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the records of a day, week or month add up to."""

    total: Decimal = Decimal(0)
    rows: int = 0
    #: records without an amount in the company's currency
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Input:
    """Everything imported that one selection needs."""

    #: the first day of the day, week or month -> its records
    sums: Mapping[date, Sums]
    #: the first day that was imported
    since: date
    #: whether nothing lies before that day, so that what reaches over it is complete
    whole: bool = False
    currency: str = ""
    #: why there are no values at all, in words
    refused: str = ""
    #: the first day of the last month, where months are imported whole
    until: date | None = None
    #: records that are in no period, because they have no day
    undated: int = 0


def values(
    definition: Definition, first: Input, second: Input | None, today: date, only: Sequence[Period] | None = None
) -> list[Value]:
    """Return the value of each period from the first imported day to today; of the newest ones, if they are many.

    With `only`, of those periods alone.
    """
    every = shown_periods(definition, (first, second) if second else (first,), today) if only is None else only
    return list(_Made(definition, first, second, today).of(every))


def shown_periods(definition: Definition, sides: Sequence[Input], today: date) -> Sequence[Period]:
    """Return the periods that have a value."""
    return _shown(max(one.since for one in sides), today, definition.frequency, definition.fiscal_month)


@lru_cache(maxsize=32)
def _shown(since: date, today: date, frequency: Frequency, fiscal_month: int) -> tuple[Period, ...]:
    """Return the newest periods: the same ones for hundreds of metrics in a row."""
    return tuple(deque(periods(since, today, frequency, fiscal_month), maxlen=MOST_PERIODS))


class _Made:
    """The values of one definition; looks each period up once."""

    def __init__(self, definition: Definition, first: Input, second: Input | None, today: date) -> None:
        self._definition = definition
        self._first = first
        self._second = second
        self._today = today
        self._sides = (first, second) if second else (first,)
        self._sums = [self._by_period(one) for one in self._sides]
        stands = definition.calculation is Calculation.END_BALANCE
        self._stood = [self._standing(one) for one in self._sides] if stands else []
        #: the first days of a fiscal year and of a period in it -> what it comes to up to that period's end
        self._ran: dict[tuple[date, date], Found] = {}

    def of(self, every: Sequence[Period]) -> Iterator[Value]:
        asked = self._definition
        for period in every:
            found, reason = self._value(period)
            turned = -found if found is not None and asked.reversed else found
            rows = sum(sums[period.start].rows for sums in self._sums if period.start in sums)
            value = None if turned is None else decimal_of(turned)
            yield Value(period, value, reason, rows, self._covered(period) and period.end < self._today)

    def _value(self, period: Period) -> Found:
        asked = self._definition
        made: dict[Calculation, Callable[[], Found]] = {
            Calculation.AVERAGE: lambda: self._average(period),
            Calculation.COUNT: lambda: (Fraction(self._added(period).rows), ""),
            Calculation.RATIO: lambda: self._ratio(period),
            Calculation.GROWTH: lambda: self._growth(period, before(period, asked.frequency, asked.fiscal_month)),
            Calculation.GROWTH_YEAR: lambda: self._growth(
                period, year_before(period, asked.frequency, asked.fiscal_month)
            ),
            Calculation.CUMULATIVE: lambda: self._cumulative(period),
            Calculation.ROLLING: lambda: self._rolling(period),
        }
        return made.get(asked.calculation, lambda: self._natural(period))()

    def _natural(self, period: Period, *, second: bool = False) -> Found:
        """Return what the selection itself comes to: a balance, or a sum."""
        chosen = self._definition.divisor if second else self._definition.selection
        if chosen is not None and is_balance(chosen, self._definition.calculation):
            return self._balance(period, chosen, second=second)
        added = self._added(period, second=second)
        if added.missing:
            return None, _WITHOUT_AMOUNT.format(added.missing)
        return Fraction(added.total), ""

    def _balance(self, period: Period, chosen: Selection, *, second: bool) -> Found:
        """Return where it stands at the end: postings from the first day on, or the last month that is reported."""
        source = self._sides[second]
        if chosen.dataset is Dataset.BALANCE_SHEET:
            inside = [start for start in months_of(period) if source.until is None or start <= source.until]
            if not inside:
                return None, "no month's end of this period is imported yet"
            return Fraction(source.sums.get(inside[-1], Sums()).total), ""
        starts, stood = self._stood[second]
        place = bisect_right(starts, period.end) - 1
        total, missing = stood[place] if place >= 0 else (Fraction(0), 0)
        return (total, "") if not missing else (None, _WITHOUT_AMOUNT.format(missing))

    def _average(self, period: Period) -> Found:
        added = self._added(period)
        total, reason = self._natural(period)
        if total is None:
            return None, reason
        return (total / added.rows, "") if added.rows else (None, "there are no records in this period")

    def _ratio(self, period: Period) -> Found:
        above, reason = self._natural(period)
        below, other = self._natural(period, second=True)
        if above is None or below is None:
            return None, reason or other
        return (above / below, "") if below else (None, "the divisor is zero in this period")

    def _growth(self, period: Period, base: Period) -> Found:
        now, reason = self._natural(period)
        if not self._covered(base):
            return None, "the period that it is compared with is not imported whole"
        then, other = self._natural(base)
        if now is None or then is None:
            return None, reason or other
        return ((now - then) / abs(then), "") if then else (None, "the period that it is compared with is zero")

    def _cumulative(self, period: Period) -> Found:
        asked = self._definition
        year = fiscal_year(period.start, asked.fiscal_month)
        if not self._covered(year):
            return None, "the first days of this fiscal year are not imported"
        # Where it is known up to the period before, this one alone is added: a year of days has 365 times 365 of them.
        ran = self._ran.get((year.start, before(period, asked.frequency, asked.fiscal_month).start))
        total, reason = ran or (Fraction(0), "")
        for one in [period] if ran else periods(year.start, period.end, asked.frequency, asked.fiscal_month):
            if total is None:
                break
            found, reason = self._natural(one)
            total = None if found is None else total + found
        self._ran[year.start, period.start] = total, reason
        return total, reason

    def _rolling(self, period: Period) -> Found:
        asked, total, one = self._definition, Fraction(0), period
        for _ in range(asked.window):
            found, reason = self._natural(one)
            if not self._covered(one):
                return None, f"there are not {asked.window} whole periods yet"
            if found is None:
                return None, reason
            total, one = total + found, before(one, asked.frequency, asked.fiscal_month)
        return total / asked.window, ""

    def _added(self, period: Period, *, second: bool = False) -> Sums:
        return self._sums[second].get(period.start, Sums())

    def _covered(self, period: Period) -> bool:
        """Whether the period was imported from its first day on."""
        return all(period.start >= one.since or (one.whole and period.end >= one.since) for one in self._sides)

    def _by_period(self, source: Input) -> dict[date, Sums]:
        """Add up what lies in the same period."""
        frequency, fiscal = self._definition.frequency, self._definition.fiscal_month
        if frequency is Frequency.DAILY:
            return dict(source.sums)
        found: dict[date, Sums] = {}
        for start, one in source.sums.items():
            key = period_of(start, frequency, fiscal).start
            was = found.get(key)
            if was is not None:
                total = _EXACT.add(was.total, one.total)
                one = Sums(total, was.rows + one.rows, was.missing + one.missing)  # noqa: PLW2901 - the same, with what was there
            found[key] = one
        return found

    def _standing(self, source: Input) -> tuple[list[date], list[tuple[Fraction, int]]]:
        """Return the running total, and records without an amount, after each of the source's days."""
        starts, total, missing = sorted(source.sums), Fraction(0), 0
        stood = []
        for start in starts:
            total, missing = total + Fraction(source.sums[start].total), missing + source.sums[start].missing
            stood.append((total, missing))
        return starts, stood


def months_of(period: Period) -> Iterator[date]:
    """Yield the first days of the months that begin in a period."""
    first = period.start if period.start.day == 1 else months_after(period.start.replace(day=1), 1)
    while first <= period.end:
        yield first
        first = months_after(first, 1)


def is_balance(chosen: Selection, calculation: Calculation) -> bool:
    """Whether a selection's own value is where it stands, not what moved."""
    return chosen.dataset is Dataset.BALANCE_SHEET or calculation is Calculation.END_BALANCE


def decimal_of(exact: Fraction) -> Decimal:
    """Return a fraction as a decimal of at most 12 digits after the point, rounded half to even beyond them."""
    scaled = round(exact * _SCALE)
    text = f"{abs(scaled):0{PLACES + 1}d}"
    whole, part = text[:-PLACES], text[-PLACES:].rstrip("0")
    sign = "-" if scaled < 0 else ""
    return Decimal(f"{sign}{whole}.{part}" if part else f"{sign}{whole}")
