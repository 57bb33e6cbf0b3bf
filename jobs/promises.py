"""How old data is and may be: business time, and the one rule by which a source is fresh, late or overdue.

Where a calendar is set, only its hours count: Friday evening's data is not older on Monday morning. All of it is
arithmetic over instants, so that a day on which the clocks change has the 23 or 25 hours that it has.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from jobs.file_rhythm import file_turns, next_file
from jobs.schedule import schedule_of
from jobs.slots import Schedule, known_zone, latest_slot, next_slot
from storage.facts.promises import Calendar
from storage.facts.schedules import Rhythm
from storage.facts.sources import CollectMode, Freshness, Source

#: What a run itself may take before its source counts as late by its schedule alone.
GRACE = timedelta(minutes=5)
#: Ages are counted over so many days at most: what is older is overdue by any promise.
LONGEST = timedelta(days=400)
_INSTANT = timedelta(microseconds=1)


def freshness(source: Source, last_data_refresh: datetime | None, now: datetime) -> Freshness:
    """Say how the source stands against its promise; without one: late past one interval, overdue past two.

    A schedule by the wall clock is late when it missed the last time that was due, overdue when it missed the one
    before as well; so is one to which files are delivered in a rhythm, by their usual time. A promise of limits or of
    a calendar counts the age instead, in the hours of its calendar.
    """
    if last_data_refresh is None:
        return Freshness.NEVER
    found = _file_turns(source, last_data_refresh)
    if found is not None:
        late_from, overdue_from = found
        return _of_two(now, late_from, overdue_from)
    if _by_slots(source):
        return _by_wall_clock(source, last_data_refresh, now)
    warn, overdue = limits(source)
    age = age_of(source, last_data_refresh, now)
    if age > overdue:
        return Freshness.OVERDUE
    return Freshness.LATE if age > warn else Freshness.FRESH


def limits(source: Source) -> tuple[timedelta, timedelta]:
    """Return the ages past which the source is late and overdue, of a source that is judged by its age."""
    promise = source.promise
    if promise is not None and promise.warn_minutes is not None and promise.overdue_minutes is not None:
        return timedelta(minutes=promise.warn_minutes), timedelta(minutes=promise.overdue_minutes)
    interval = timedelta(minutes=source.schedule_minutes)
    return interval + GRACE, 2 * interval + GRACE


def age_of(source: Source, since: datetime, now: datetime) -> timedelta:
    """Return how much older data became, in the hours that count."""
    calendar = source.promise.calendar if source.promise else None
    if calendar is None:
        return now - since
    return business_time(calendar, zone_of(source), since, now)


def next_turn(source: Source, last_data_refresh: datetime | None, now: datetime) -> datetime | None:
    """Return the next instant at which the source turns late or overdue if nothing comes; None when there is none."""
    state = freshness(source, last_data_refresh, now)
    if last_data_refresh is None or state in {Freshness.OVERDUE, Freshness.NEVER}:
        return None
    found = _file_turns(source, last_data_refresh)
    if found is not None:
        return found[0 if state is Freshness.FRESH else 1] + _INSTANT
    if _by_slots(source):
        schedule = schedule_of(source)
        late = _next_counted(schedule, last_data_refresh + GRACE)
        turn = late if state is Freshness.FRESH else _next_counted(schedule, late)
        return turn + GRACE
    warn, overdue = limits(source)
    age = warn if state is Freshness.FRESH else overdue
    calendar = source.promise.calendar if source.promise else None
    if calendar is None:
        return last_data_refresh + age + _INSTANT
    return business_end(calendar, zone_of(source), last_data_refresh, age)


def turns(source: Source, as_of: datetime) -> tuple[datetime | None, datetime | None]:
    """Return from when data of that instant is late and overdue; None for never within a year."""
    late = next_turn(source, as_of, as_of)
    if late is None:
        return None, None
    return late, late if freshness(source, as_of, late) is Freshness.OVERDUE else next_turn(source, as_of, late)


def zone_of(source: Source) -> ZoneInfo:
    """Return the zone of the calendar; a name that is no zone any more must not stop anything."""
    return ZoneInfo(source.zone if known_zone(source.zone) else "UTC")


def business_time(calendar: Calendar, zone: ZoneInfo, since: datetime, until: datetime) -> timedelta:
    """Return how much of the time between two instants the calendar counts; of a very long time the last part."""
    since = max(since, until - LONGEST)
    total = timedelta(0)
    for opens, closes in _open_times(calendar, zone, since):
        if opens >= until:
            break
        total += max(min(closes, until) - max(opens, since), timedelta(0))
    return total


def business_end(calendar: Calendar, zone: ZoneInfo, since: datetime, age: timedelta) -> datetime | None:
    """Return the first instant at which more than that much counted time has passed; None within a year."""
    left = age
    for opens, closes in _open_times(calendar, zone, since):
        if opens - since > LONGEST:
            return None
        begin = max(opens, since)
        length = closes - begin
        if length > left:
            return begin + left + _INSTANT
        left -= max(length, timedelta(0))
    return None


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Whether the calendar counts that local day at all."""
    return day.isoweekday() in calendar.days and day not in calendar.closed and not _is_holiday(calendar, day)


def known_country(code: str) -> bool:
    """Whether public holidays of that country, or part of one (``CA-QC``), are known."""
    country, _, part = code.partition("-")
    supported = holidays.list_supported_countries()
    return country in supported and (not part or part in supported[country])


def _open_times(calendar: Calendar, zone: ZoneInfo, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times that count, in order, from the local day of an instant on, for as long as ages are counted."""
    first = since.astimezone(zone).date()
    # A day more at both ends: a zone that skips a whole day at the date line has no instants in it.
    for number in range(-1, LONGEST.days + 3):
        day = first + timedelta(days=number)
        if not is_working_day(calendar, day):
            continue
        opens = _instant(day, calendar.opens or time(), zone)
        closes = _instant(day, calendar.closes, zone) if calendar.closes else _instant(_after(day), time(), zone)
        if closes > opens and closes > since:
            yield opens, closes


def _after(day: date) -> date:
    return day + timedelta(days=1)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first instant of that local time; one that is skipped is the time after the gap."""
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


def _is_holiday(calendar: Calendar, day: date) -> bool:
    return calendar.holidays is not None and day in _holidays(calendar.holidays, day.year)


@lru_cache(maxsize=256)
def _holidays(code: str, year: int) -> frozenset[date]:
    """Return the public holidays of a year; none for a country that is not known any more."""
    country, _, part = code.partition("-")
    if not known_country(code):
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def by_age(source: Source) -> bool:
    """Whether the source is judged by its age; else by the times of its schedule."""
    return not _by_slots(source) and not _by_files(source)


def next_file_at(source: Source, last_data_refresh: datetime | None) -> datetime | None:
    """Return by when the next file usually comes; None where none is delivered, or in no rhythm that is known."""
    if source.mode is not CollectMode.PUSH or source.file_rhythm is None or last_data_refresh is None:
        return None
    return next_file(source.file_rhythm, last_data_refresh, zone_of(source))


def _of_two(now: datetime, late_from: datetime, overdue_from: datetime) -> Freshness:
    if now > overdue_from:
        return Freshness.OVERDUE
    return Freshness.LATE if now > late_from else Freshness.FRESH


def _by_files(source: Source) -> bool:
    """Whether the source is judged by the usual time of its files: nobody promised anything else of it."""
    return (
        source.mode is CollectMode.PUSH
        and source.file_rhythm is not None
        and source.rule is None
        and not _promised(source)
    )


def _file_turns(source: Source, last_data_refresh: datetime) -> tuple[datetime, datetime] | None:
    rhythm = source.file_rhythm if _by_files(source) else None
    return file_turns(rhythm, last_data_refresh, zone_of(source)) if rhythm is not None else None


def _promised(source: Source) -> bool:
    promise = source.promise
    return promise is not None and (promise.warn_minutes is not None or promise.calendar is not None)


def _by_slots(source: Source) -> bool:
    """Whether the source is judged by the times of its schedule and not by an age."""
    return not _promised(source) and source.rule is not None and source.rule.rhythm is not Rhythm.OFF


def _by_wall_clock(source: Source, last_data_refresh: datetime, now: datetime) -> Freshness:
    schedule = schedule_of(source)
    due = _latest_counted(schedule, now - GRACE)
    # Machines' clocks differ: what a slot started may say that it is a little older than the slot.
    if last_data_refresh >= due - GRACE:
        return Freshness.FRESH
    before = _latest_counted(schedule, due - timedelta(seconds=1))
    return Freshness.LATE if last_data_refresh >= before - GRACE else Freshness.OVERDUE


def _excused(schedule: Schedule) -> datetime | None:
    """Return the slot that was over when a person set the schedule: the clock does not make up for it.

    Nobody is late for it alone; whoever missed the one before it as well was late by then.
    """
    return latest_slot(schedule, schedule.since).at if schedule.since is not None else None


def _latest_counted(schedule: Schedule, now: datetime) -> datetime:
    due = latest_slot(schedule, now).at
    return latest_slot(schedule, due - timedelta(seconds=1)).at if due == _excused(schedule) else due


def _next_counted(schedule: Schedule, since: datetime) -> datetime:
    due = next_slot(schedule, since)
    return next_slot(schedule, due) if due == _excused(schedule) else due
