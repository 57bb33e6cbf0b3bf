"""The periods of metrics as days: arithmetic over calendar days alone, so that no zone and no clock change moves them.

Weeks begin on Monday. Quarters and years are those of the fiscal year. Which day is today is for whoever has a zone.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from storage.facts.metrics import Frequency, Period

_DAY = timedelta(days=1)
_MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.ANNUAL: 12}
#: a year of whole weeks
_YEAR_OF_WEEKS = timedelta(weeks=52)


@lru_cache(maxsize=16_384)  # hundreds of metrics ask for the same days, each of them for thousands
def period_of(day: date, frequency: Frequency, fiscal_month: int = 1) -> Period:
    """Return the period in which a day lies."""
    if frequency is Frequency.DAILY:
        return Period(day, day)
    if frequency is Frequency.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    months = _MONTHS[frequency]
    into = (day.month - fiscal_month) % months
    start = months_after(day.replace(day=1), -into)
    return Period(start, months_after(start, months) - _DAY)


def months_after(first: date, months: int) -> date:
    """Return the first day of the month so many months after that first day of a month."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def before(period: Period, frequency: Frequency, fiscal_month: int = 1) -> Period:
    """Return the period before."""
    return period_of(period.start - _DAY, frequency, fiscal_month)


def year_before(period: Period, frequency: Frequency, fiscal_month: int = 1) -> Period:
    """Return the same period of the year before: 52 weeks earlier, and 28 February for a 29th."""
    if frequency is Frequency.WEEKLY:
        return period_of(period.start - _YEAR_OF_WEEKS, frequency)
    if frequency is Frequency.DAILY:
        year, month = period.start.year - 1, period.start.month
        return period_of(date(year, month, min(period.start.day, monthrange(year, month)[1])), frequency)
    return period_of(months_after(period.start, -12), frequency, fiscal_month)


def fiscal_year(day: date, fiscal_month: int = 1) -> Period:
    """Return the fiscal year in which a day lies."""
    return period_of(day, Frequency.ANNUAL, fiscal_month)


def periods(first: date, last: date, frequency: Frequency, fiscal_month: int = 1) -> Iterator[Period]:
    """Yield the periods from that of the first day to that of the last, in order."""
    period = period_of(first, frequency, fiscal_month)
    while period.start <= last:
        yield period
        period = period_of(period.end + _DAY, frequency, fiscal_month)


def grain(frequency: Frequency) -> str:
    """Return the longest of day, week and month that every such period is made of."""
    return {Frequency.DAILY: "day", Frequency.WEEKLY: "week"}.get(frequency, "month")
