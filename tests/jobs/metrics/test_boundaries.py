"""Every calculation over any days, lengths of periods and fiscal years is the exact fraction, rounded once."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.values import Input, Sums, decimal_of, values
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, ItemKind, Selection, Value
from tests.jobs.metrics.truth import Arithmetic, Days, Side

CASH = Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1")
#: a Saturday before a leap day, so that every kind of period begins within it
FIRST = date(2023, 12, 30)
cents = st.integers(-(10**9), 10**9) | st.just(0) | st.integers(-(10**38), 10**38)
records = st.lists(st.tuples(st.integers(0, 500), cents), max_size=12)
Records = Sequence[tuple[int, int]]


def grained(found: Records, frequency: Frequency) -> dict[date, Sums]:
    """Add records up as the lake does: by day, by week from Monday, or by month."""
    sums: dict[date, Sums] = {}
    for offset, worth in found:
        day = FIRST + timedelta(days=offset)
        start = {Frequency.DAILY: day, Frequency.WEEKLY: day - timedelta(days=day.isoweekday() - 1)}.get(
            frequency, day.replace(day=1)
        )
        before = sums.get(start, Sums())
        total = decimal_of(Fraction(before.total) + Fraction(worth, 100))
        sums[start] = Sums(total, before.rows + 1)
    return sums


def side(found: Records, *, balance: bool) -> Side:
    return Side(Days((FIRST + timedelta(days=offset), Fraction(worth, 100)) for offset, worth in found), balance)


def agrees(found: Sequence[Value], asked: Definition, sides: list[Side], today: date, *, whole: bool) -> int:
    """Compare every value with the fraction that it must be; return how many there were."""
    made, numbers = Arithmetic(), 0
    for one in found:
        wanted = made.value(asked, sides, one.period, lambda p: p.start >= FIRST or (whole and p.end >= FIRST))
        assert one.period == made.period(one.period.start, asked)
        assert (one.value is None) == (wanted is None) == bool(one.reason)
        assert one.complete == (one.period.end < today and (whole or one.period.start >= FIRST))
        if one.value is not None and wanted is not None:
            assert Fraction(one.value) == Fraction(round(wanted * 10**12), 10**12), "half to even, once"
            numbers += 1
    assert found[0].period.start <= FIRST <= found[0].period.end
    assert found[-1].period.start <= today <= found[-1].period.end
    return numbers


@settings(max_examples=1500 if os.environ.get("SOAK") else 60, deadline=None)
@given(
    first=records,
    second=records,
    asked=st.builds(
        Definition, st.just(CASH), st.sampled_from(Calculation), frequency=st.sampled_from(Frequency),
        fiscal_month=st.integers(1, 12), window=st.integers(2, 6), reversed=st.booleans(),
    ),
    days=st.integers(0, 500),
    whole=st.booleans(),
)  # fmt: skip
@example(
    first=[(61, 7)],
    second=[],
    days=427,
    whole=True,
    asked=Definition(CASH, Calculation.GROWTH_YEAR, frequency=Frequency.DAILY),
)
@example(first=[(1, -300), (40, 100)], second=[], asked=Definition(CASH, Calculation.GROWTH), days=60, whole=False)
@example(first=[(1, 1), (95, 2)], second=[], days=120, whole=False,
         asked=Definition(CASH, Calculation.CUMULATIVE, fiscal_month=4))  # fmt: skip
def test_every_calculation_is_the_exact_fraction(
    first: Records, second: Records, asked: Definition, days: int, *, whole: bool
) -> None:
    today = FIRST + timedelta(days=days)
    first, second = ([one for one in many if one[0] <= days] for many in (first, second))
    if asked.calculation is Calculation.RATIO:
        asked = replace(asked, divisor=CASH)
    try:
        check(asked)
    except MetricRefusedError:
        assume(False)
    balance = asked.calculation is Calculation.END_BALANCE
    inputs = [Input(grained(many, asked.frequency), FIRST, whole) for many in (first, second)]
    found = values(asked, inputs[0], inputs[1] if asked.divisor else None, today)
    agrees(found, asked, [side(many, balance=balance) for many in (first, second)], today, whole=whole)


def test_a_twin_that_rounds_on_the_way_is_caught() -> None:
    asked = Definition(CASH, Calculation.ROLLING, window=3)
    many = [(0, 1), (40, 1), (70, 1), (100, 2)]
    today = FIRST + timedelta(days=100)
    found = values(asked, Input(grained(many, asked.frequency), FIRST, whole=True), None, today)
    assert agrees(found, asked, [side(many, balance=False)], today, whole=True) == 3
    twin = [replace(one, value=one.value and one.value.quantize(Decimal("0.00001"))) for one in found]
    with pytest.raises(AssertionError):
        agrees(twin, asked, [side(many, balance=False)], today, whole=True)


def test_sums_beyond_thirty_eight_digits_lose_nothing() -> None:
    """DuckDB adds amounts of 18 digits up in 38; what is summed over periods, balances and years has no such end."""
    big = Decimal("9" * 36 + ".99")
    months = {date(2025, month, 1): Sums(big, 1) for month in range(1, 13)}
    for calculation, wanted in (
        (Calculation.CUMULATIVE, 12 * Fraction(big)),
        (Calculation.END_BALANCE, 12 * Fraction(big)),
        (Calculation.ROLLING, Fraction(big)),
    ):
        found = values(Definition(CASH, calculation), Input(months, date(2025, 1, 1)), None, date(2025, 12, 31))
        assert found[-1].value is not None
        assert Fraction(found[-1].value) == wanted
