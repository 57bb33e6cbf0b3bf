"""Boundaries of periods: days, weeks, months, quarters, fiscal years, and the zone that says which day it is."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.metrics.outcomes import local_day
from jobs.metrics.periods import before, fiscal_year, period_of, periods, year_before
from storage.facts.metrics import Frequency, Period

DAILY, WEEKLY, MONTHLY, QUARTERLY, ANNUAL = Frequency


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    "frequency, fiscal, inside, first, last",
    [
        (DAILY, 1, "2024-02-29", "2024-02-29", "2024-02-29"),
        (WEEKLY, 1, "2026-01-01", "2025-12-29", "2026-01-04"),
        (WEEKLY, 7, "2026-01-04", "2025-12-29", "2026-01-04"),
        (WEEKLY, 1, "2026-01-05", "2026-01-05", "2026-01-11"),
        (MONTHLY, 4, "2024-02-29", "2024-02-01", "2024-02-29"),
        (MONTHLY, 1, "2026-12-31", "2026-12-01", "2026-12-31"),
        (QUARTERLY, 1, "2026-03-31", "2026-01-01", "2026-03-31"),
        (QUARTERLY, 2, "2026-01-31", "2025-11-01", "2026-01-31"),
        (QUARTERLY, 2, "2026-02-01", "2026-02-01", "2026-04-30"),
        (ANNUAL, 1, "2026-12-31", "2026-01-01", "2026-12-31"),
        (ANNUAL, 4, "2026-03-31", "2025-04-01", "2026-03-31"),
        (ANNUAL, 4, "2026-04-01", "2026-04-01", "2027-03-31"),
        (ANNUAL, 3, "2024-02-29", "2023-03-01", "2024-02-29"),
        (ANNUAL, 12, "2026-11-30", "2025-12-01", "2026-11-30"),
    ],
)
def test_the_period_of_a_day(frequency: Frequency, fiscal: int, inside: str, first: str, last: str) -> None:
    assert period_of(day(inside), frequency, fiscal) == Period(day(first), day(last))


@pytest.mark.parametrize(
    "frequency, inside, start",
    [
        (DAILY, "2024-02-29", "2023-02-28"),
        (WEEKLY, "2026-01-05", "2025-01-06"),
        (MONTHLY, "2025-02-10", "2024-02-01"),
        (QUARTERLY, "2025-05-10", "2024-04-01"),
        (ANNUAL, "2025-05-10", "2024-01-01"),
    ],
)
def test_the_same_period_of_the_year_before(frequency: Frequency, inside: str, start: str) -> None:
    assert year_before(period_of(day(inside), frequency), frequency).start == day(start)


@given(
    first=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    length=st.integers(0, 900),
    frequency=st.sampled_from(Frequency),
    fiscal=st.integers(1, 12),
)
def test_periods_follow_one_another_without_gaps_and_each_day_is_in_its_own(
    first: date, length: int, frequency: Frequency, fiscal: int
) -> None:
    last = first + timedelta(days=length)
    found = list(periods(first, last, frequency, fiscal))
    assert found[0].start <= first <= found[0].end
    assert found[-1].start <= last <= found[-1].end
    for earlier, later in pairwise(found):
        assert later.start - earlier.end == timedelta(days=1)
        assert before(later, frequency, fiscal) == earlier
    assert all(period_of(one.start, frequency, fiscal) == period_of(one.end, frequency, fiscal) == one for one in found)
    if frequency in {MONTHLY, QUARTERLY}:
        assert all(fiscal_year(one.start, fiscal) == fiscal_year(one.end, fiscal) for one in found)


@pytest.mark.parametrize(
    "at, zone, said",
    [
        ("2026-03-08T07:59:59", "America/Los_Angeles", "2026-03-07"),
        ("2026-03-08T08:00:00", "America/Los_Angeles", "2026-03-08"),
        ("2026-03-09T06:59:59", "America/Los_Angeles", "2026-03-08"),
        ("2026-03-09T07:00:00", "America/Los_Angeles", "2026-03-09"),
        ("2026-11-01T06:59:59", "America/Los_Angeles", "2026-10-31"),
        ("2026-11-02T07:59:59", "America/Los_Angeles", "2026-11-01"),
        # Half an hour before and after midnight, around the night in which clocks change.
        ("2026-03-08T07:30:00", "America/Los_Angeles", "2026-03-07"),
        ("2026-03-08T08:30:00", "America/Los_Angeles", "2026-03-08"),
        ("2026-03-09T06:30:00", "America/Los_Angeles", "2026-03-08"),
        ("2026-03-09T07:30:00", "America/Los_Angeles", "2026-03-09"),
        ("2026-11-01T06:30:00", "America/Los_Angeles", "2026-10-31"),
        ("2026-11-01T07:30:00", "America/Los_Angeles", "2026-11-01"),
        ("2026-11-02T07:30:00", "America/Los_Angeles", "2026-11-01"),
        ("2026-11-02T08:30:00", "America/Los_Angeles", "2026-11-02"),
        # Where the hour that is left out begins at midnight, and where a whole day was.
        ("2026-03-08T04:59:59", "America/Havana", "2026-03-07"),
        ("2026-03-08T05:00:00", "America/Havana", "2026-03-08"),
        ("2011-12-30T09:59:59", "Pacific/Apia", "2011-12-29"),
        ("2011-12-30T10:00:00", "Pacific/Apia", "2011-12-31"),
        ("2026-11-22T10:59:59", "Pacific/Pago_Pago", "2026-11-21"),
        ("2026-12-31T23:00:00", "Europe/Berlin", "2027-01-01"),
        ("2026-12-31T10:00:00", "Pacific/Kiritimati", "2027-01-01"),
    ],
)
def test_which_day_it_is_there_also_where_clocks_change(at: str, zone: str, said: str) -> None:
    assert local_day(datetime.fromisoformat(at).replace(tzinfo=UTC), zone) == day(said)
