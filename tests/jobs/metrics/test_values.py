"""Values are exact: against fractions that are computed in another way, and empty with a reason where there are none."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.metrics.values import Input, Sums, decimal_of, values
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, ItemKind, Selection, Value

FIRST = date(2025, 1, 1)
TODAY = date(2026, 2, 10)
SALES = Selection(Dataset.PROFIT_AND_LOSS, ItemKind.ACCOUNT, "17")
SHEET = Selection(Dataset.BALANCE_SHEET, ItemKind.ACCOUNT, "1")
CASH = Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1")
cents = st.integers(-(10**15), 10**15)


def months(*amounts: str | None) -> dict[date, Sums]:
    """Return so many months from January 2025; None: nothing in that month."""
    return {
        date(2025 + n // 12, n % 12 + 1, 1): Sums(Decimal(amount), 2)
        for n, amount in enumerate(amounts)
        if amount is not None
    }


def made(definition: Definition, first: Input, second: Input | None = None, today: date = TODAY) -> list[Value]:
    return values(definition, first, second, today)


def numbers(found: list[Value]) -> list[Decimal | None]:
    return [one.value for one in found]


@settings(max_examples=60)
@given(
    above=st.lists(cents, min_size=14, max_size=14),
    below=st.lists(cents, min_size=14, max_size=14),
    turned=st.booleans(),
    window=st.integers(2, 6),
)
def test_every_calculation_agrees_with_exact_fractions(
    above: list[int], below: list[int], *, turned: bool, window: int
) -> None:
    exact, other = [Fraction(one, 100) for one in above], [Fraction(one, 100) for one in below]
    side = -1 if turned else 1

    def check(calculation: Calculation, wanted: list[Fraction | None], *, second: bool = False) -> None:
        definition = Definition(
            SALES, calculation, SALES if second else None, reversed=turned, window=window, fiscal_month=1
        )
        inputs = [Input(months(*(str(Decimal(n) / 100) for n in many)), FIRST) for many in (above, below)]
        found = numbers(made(definition, inputs[0], inputs[1] if second else None))
        assert len(found) == len(wanted)
        for got, want in zip(found, wanted, strict=True):
            assert (got is None) == (want is None)
            if got is not None and want is not None:
                # Half of the last digit that is kept, and nothing at all where it ends before.
                assert abs(Fraction(got) - side * want) <= Fraction(1, 2 * 10**12)
                assert Fraction(got) == side * want or Fraction(10**12) * want % 1 != 0

    check(Calculation.SUM, list(exact))
    check(Calculation.RATIO, [a / b if b else None for a, b in zip(exact, other, strict=True)], second=True)
    check(Calculation.ROLLING, [
        sum(exact[n + 1 - window : n + 1], Fraction(0)) / window if n + 1 >= window else None for n in range(14)
    ])  # fmt: skip
    check(Calculation.CUMULATIVE, [sum(exact[n - n % 12 : n + 1], Fraction(0)) for n in range(14)])
    check(Calculation.GROWTH, [
        (exact[n] - exact[n - 1]) / abs(exact[n - 1]) if n and exact[n - 1] else None for n in range(14)
    ])  # fmt: skip
    check(Calculation.GROWTH_YEAR, [
        (exact[n] - exact[n - 12]) / abs(exact[n - 12]) if n >= 12 and exact[n - 12] else None for n in range(14)
    ])  # fmt: skip


@given(st.fractions())
def test_a_decimal_is_the_nearest_of_twelve_digits(exact: Fraction) -> None:
    found = decimal_of(exact)
    assert abs(Fraction(found) - exact) <= Fraction(1, 2 * 10**12)
    assert Decimal(f"{found:f}") == found


def test_a_float_would_be_caught() -> None:
    """The broken twin of `decimal_of`: what a float makes of a big amount is another number."""
    exact = Fraction(90071992547409931, 10)
    assert Fraction(decimal_of(exact)) == exact
    assert Fraction(Decimal(str(float(exact)))) != exact


def test_a_division_by_zero_is_empty_and_says_so() -> None:
    zero = Input(months("1.00", "0.00", None), FIRST)
    some = Input(months("3.00", "3.00", "3.00"), FIRST)
    found = made(Definition(SALES, Calculation.RATIO, SALES), some, zero, date(2025, 3, 20))
    assert numbers(found) == [Decimal(3), None, None]
    assert found[1].reason == found[2].reason == "the divisor is zero in this period"


def test_empty_periods_are_zero_in_sums_and_nothing_in_averages() -> None:
    some = Input(months("3.00", None, "4.00"), FIRST)
    assert numbers(made(Definition(SALES), some, today=date(2025, 3, 5))) == [Decimal(3), Decimal(0), Decimal(4)]
    found = made(Definition(SALES, Calculation.AVERAGE), some, today=date(2025, 3, 5))
    assert [(one.value, one.reason) for one in found] == [
        (Decimal("1.5"), ""), (None, "there are no records in this period"), (Decimal(2), ""),
    ]  # fmt: skip


def test_a_balance_is_that_of_the_last_day_and_stays_without_postings() -> None:
    postings = {FIRST: Sums(Decimal("10.00"), 0), FIRST + timedelta(days=70): Sums(Decimal("-2.50"), 1)}
    found = made(Definition(CASH, Calculation.END_BALANCE), Input(postings, FIRST), today=date(2025, 4, 2))
    assert numbers(found) == [Decimal(10), Decimal(10), Decimal("7.5"), Decimal("7.5")]
    sheet = Input(months("1.00", "2.00", "3.00", "4.00"), FIRST, until=date(2025, 4, 1))
    quarters = made(Definition(SHEET, frequency=Frequency.QUARTERLY), sheet, today=date(2025, 7, 1))
    assert [(one.value, one.reason) for one in quarters] == [
        (Decimal(3), ""), (Decimal(4), ""), (None, "no month's end of this period is imported yet"),
    ]  # fmt: skip


def test_records_without_an_amount_make_no_number() -> None:
    odd = Input({FIRST: Sums(Decimal(5), 3, 1)}, FIRST)
    (found,) = made(Definition(SALES), odd, today=FIRST)
    assert (found.value, found.reason) == (None, "records without an amount in the company's currency: 1")


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_not_imported_whole_is_not_called_complete(*, whole: bool) -> None:
    since = date(2025, 2, 15)
    found = made(
        Definition(SALES), Input({date(2025, 2, 1): Sums(Decimal(1), 1)}, since, whole), today=date(2025, 4, 2)
    )
    assert [one.complete for one in found] == [whole, True, False]
    grown = made(Definition(SALES, Calculation.CUMULATIVE), Input({}, since, whole), today=date(2025, 4, 2))
    assert [one.value for one in grown] == ([Decimal(0)] * 3 if whole else [None] * 3)
