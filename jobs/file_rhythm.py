"""When the next file of a source usually comes: pure arithmetic over those that came.

Counted from what the files say (up to when their data goes), not from when we looked: a night in which Tidings stood
still is no change of their rhythm. What a file takes to get here comes on top.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median_low, quantiles
from zoneinfo import ZoneInfo

from storage.facts.rhythms import FileRhythm

#: fewer files have no rhythm
FEWEST = 5
#: so many of the newest are looked at
MOST = 30
_DAY = timedelta(days=1)
_NEARLY, _HARDLY = timedelta(hours=20), timedelta(hours=28)
_LEAST_GRACE = timedelta(hours=2)
#: one gap of so many may be an outage of theirs
_ENOUGH = 10
_MINUTE = timedelta(minutes=1)
_SATURDAY = 5

#: up to when the data of a file goes, and when the file was taken in
Came = tuple[datetime, datetime]


def observed(came: Sequence[Came], zone: ZoneInfo) -> FileRhythm | None:
    """Return the rhythm of files that came, in any order; None for too few of them."""
    newest = sorted(came)[-MOST:]
    if len(newest) < FEWEST:
        return None
    local = [as_of.astimezone(zone) for as_of, _ in newest]
    weekdays = not any(_is_weekend(at.date()) for at in local)
    lags = [max(taken - as_of, timedelta(0)) / _MINUTE for as_of, taken in newest]
    gaps = sorted(_working(before, after, weekdays=weekdays) for before, after in pairwise(local))
    longest = gaps[-2] if len(gaps) >= _ENOUGH else gaps[-1]
    daily = _NEARLY <= gaps[len(gaps) // 2] <= _HARDLY
    return FileRhythm(
        _time_of_day(local) if daily else None,
        0 if daily else max(1, round(longest / _MINUTE)),
        # Three of four are here by then.
        round(quantiles(lags, n=4, method="inclusive")[2]),
        weekdays=weekdays,
    )


def next_file(rhythm: FileRhythm, as_of: datetime, zone: ZoneInfo) -> datetime:
    """Return by when the file after the one of that instant is usually here."""
    return _next_end(rhythm, as_of, zone) + rhythm.lag_minutes * _MINUTE


def file_turns(rhythm: FileRhythm, as_of: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return from when data of that instant is late and overdue: one file is not here in time, and the one after it."""
    first = _next_end(rhythm, as_of, zone)
    second, late = _next_end(rhythm, first, zone), rhythm.lag_minutes * _MINUTE + grace(rhythm)
    return first + late, second + late


def grace(rhythm: FileRhythm) -> timedelta:
    """Return how long after its usual time a file is not yet missed: four hours of a day, never under two."""
    gap = _DAY if rhythm.daily else rhythm.minutes * _MINUTE
    return max(_LEAST_GRACE, gap / 6)


def _next_end(rhythm: FileRhythm, as_of: datetime, zone: ZoneInfo) -> datetime:
    local = as_of.astimezone(zone)
    if rhythm.daily is not None:
        # Half a day, so that one that came a little before its usual time stands for the day all the same.
        day = (local.replace(tzinfo=None) + _DAY / 2).date()
        if _wall(day, rhythm.daily, zone) <= as_of + _DAY / 2:
            day += _DAY
        return _wall(_working_day(day, weekdays=rhythm.weekdays), rhythm.daily, zone)
    days, rest = divmod(rhythm.minutes * _MINUTE, _DAY)
    at = local.replace(tzinfo=None)
    for _ in range(days):
        at = datetime.combine(_working_day(at.date() + _DAY, weekdays=rhythm.weekdays), at.time())
    at += rest
    return _wall(_working_day(at.date(), weekdays=rhythm.weekdays), at.time(), zone)


def _time_of_day(local: Sequence[datetime]) -> time:
    """Return the middle one of the times of day; around midnight the day is cut elsewhere."""
    minutes = [at.hour * 60 + at.minute for at in local]
    shift = 720 if max(minutes) - min(minutes) > 720 else 0
    middle = (median_low((one + shift) % 1440 for one in minutes) - shift) % 1440
    return time(middle // 60, middle % 60)


def _working(before: datetime, after: datetime, *, weekdays: bool) -> timedelta:
    """Return the time between two, without the weekends where none comes then."""
    gap = after.astimezone(UTC) - before.astimezone(UTC)
    if not weekdays:
        return gap
    days = (after.date() - before.date()).days
    return gap - sum(_is_weekend(before.date() + number * _DAY) for number in range(1, days)) * _DAY


def _working_day(day: date, *, weekdays: bool) -> date:
    while weekdays and _is_weekend(day):
        day += _DAY
    return day


def _is_weekend(day: date) -> bool:
    return day.weekday() >= _SATURDAY


def _wall(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at.replace(fold=0, tzinfo=None), zone).astimezone(UTC)
