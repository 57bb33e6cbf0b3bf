"""What changes on some days changes no other periods than those that are named, and needs no other records."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.metrics.periods import grain, period_of
from jobs.metrics.touching import months_back, touched_periods
from jobs.metrics.values import Input, Sums, shown_periods, values
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, Period, Selection

SINCE, TODAY = date(2024, 2, 3), date(2026, 3, 20)
_DAYS = (TODAY - SINCE).days
Named = Callable[[Definition, Sequence[Period], Collection[date], date | None], list[Period]]

definitions = st.builds(
    lambda calculation, frequency, fiscal, window, dataset: Definition(
        Selection(dataset),
        calculation,
        Selection(dataset) if calculation is Calculation.RATIO else None,
        frequency=frequency,
        fiscal_month=fiscal,
        window=window,
    ),
    st.sampled_from(Calculation),
    st.sampled_from([one for one in Frequency if one is not Frequency.DAILY]),
    st.integers(1, 12),
    st.integers(2, 14),
    st.sampled_from([Dataset.ACCOUNTS, Dataset.BALANCE_SHEET]),
).filter(lambda one: one.frequency is not Frequency.WEEKLY or one.selection.dataset is Dataset.ACCOUNTS)
days = st.integers(-40, _DAYS + 20).map(lambda after: SINCE + timedelta(days=after))
amounts = st.dictionaries(days, st.integers(-50, 50), max_size=8)


def sums_of(definition: Definition, found: Mapping[date, int]) -> dict[date, Sums]:
    """Add up by day, week or month, as the lake does."""
    made: dict[date, Sums] = {}
    for day, amount in found.items():
        start = start_of(definition, day)
        was = made.get(start, Sums())
        made[start] = Sums(was.total + Decimal(amount), was.rows + 1)
    return made


def start_of(definition: Definition, day: date) -> date:
    frequency = Frequency.WEEKLY if grain(definition.frequency) == "week" else Frequency.MONTHLY
    return period_of(day, frequency).start


def follows(definition: Definition, old: Mapping[date, int], new: Mapping[date, int], later: int, named: Named) -> bool:
    """Whether old values with those of the named periods put over them are what all of them are when made anew."""
    today = TODAY + timedelta(days=later)
    once, again = (Input(sums_of(definition, found), SINCE) for found in (old, new))
    second = again if definition.divisor else None
    before = {one.period: one for one in values(definition, once, once if second else None, TODAY)}
    whole = {one.period: one for one in values(definition, again, second, today)}
    touched = {start_of(definition, day) for day in old.keys() | new.keys() if old.get(day) != new.get(day)}
    moved = TODAY if later else None
    only = named(definition, shown_periods(definition, [again], today), touched, moved)
    known = [*touched, *([TODAY] if later else [])]
    if known:
        first = min(known)
        month = first.year * 12 + first.month - 1 - months_back(definition)
        needed = date(month // 12, month % 12 + 1, 1)
        again = Input({start: one for start, one in again.sums.items() if start >= needed}, SINCE)
    some = values(definition, again, again if second else None, today, only)
    return before | {one.period: one for one in some} == whole


@settings(max_examples=150 if os.environ.get("SOAK") else 50)
@given(definition=definitions, old=amounts, changes=amounts, later=st.sampled_from([0, 0, 1, 33]))
def test_named_periods_are_all_that_change(
    definition: Definition, old: dict[date, int], changes: dict[date, int], later: int
) -> None:
    assert follows(definition, old, old | changes, later, touched_periods)


def test_a_twin_that_names_the_period_of_the_change_alone_is_caught() -> None:
    def own(_: Definition, every: Sequence[Period], days: Collection[date], moved: date | None) -> list[Period]:
        return [one for one in every if any(one.start <= day <= one.end for day in days)]

    def wrong(calculation: Calculation) -> bool:
        definition = Definition(Selection(Dataset.ACCOUNTS), calculation)
        day, rest = date(2025, 3, 5), {date(2025, 4, 5): 7, date(2026, 3, 5): 2}
        return not follows(definition, {day: 4, **rest}, {day: 5, **rest}, 0, own)

    assert {one for one in Calculation if one is not Calculation.RATIO and wrong(one)} == {
        Calculation.END_BALANCE, Calculation.GROWTH, Calculation.GROWTH_YEAR, Calculation.CUMULATIVE,
        Calculation.ROLLING,
    }  # fmt: skip
