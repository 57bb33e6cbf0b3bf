"""When a source is due: pure arithmetic, the same on every machine, so that any number of clocks start a slot once.

A slot is named by the instant it stands for, or by the local date and time of day: a change of the clock at night
then cannot run it twice, and a longer interval finds the slots that were already run. Where the wall clock shows a time
of day twice, the first counts; where it skips it, the time that it then is (02:30 becomes 03:30).

Every source has an offset of its own, so that not all of them start at once: in the first hour of an interval, in the
first ten minutes after a time of day.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOUR = 3600
#: sources of one time of day start within so many seconds after it
_SPREAD = 600
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a source is collected by the clock: every so many minutes, or at a local time of day."""

    source_id: str
    #: interval; None: nightly, or never
    minutes: int | None
    timezone: str = "UTC"
    version: int = 1
    active: bool = True
    #: local time of day; it counts before the interval
    daily: time | None = None
    #: not on Saturdays and Sundays
    weekdays: bool = False
    #: when it was set: nothing that was due by then is made up for
    since: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether the clock ever starts it."""
        return self.active and (self.minutes is not None or self.daily is not None)


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time of one source; source and key together exist once."""

    source_id: str
    #: such as ``2026-11-21T14:37:05Z``, or ``day-2026-11-21T07:30``
    key: str
    at: datetime


def offset_seconds(schedule: Schedule) -> int:
    """Return how far the source's slots lie after the full interval or time; the same everywhere."""
    digest = hashlib.sha256(schedule.source_id.encode()).digest()
    span = _SPREAD if schedule.daily is not None else min((schedule.minutes or 60) * 60, _HOUR)
    return int.from_bytes(digest[:8], "big") % span


def latest_slot(schedule: Schedule, now: datetime) -> Slot:
    """Return the newest slot that is due at that instant."""
    if schedule.daily is not None:
        day = _latest_day(schedule, now)
        key = f"day-{day.isoformat()}T{schedule.daily:%H:%M}"
        return Slot(schedule.source_id, key, _instant(schedule, day))
    return _interval_slot(schedule, _number(schedule, now))


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the first instant after now at which the source is due."""
    if schedule.daily is not None:
        return _instant(schedule, _other_day(schedule, _latest_day(schedule, now), 1))
    return _interval_slot(schedule, _number(schedule, now) + 1).at


def next_slots(schedule: Schedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """Return the next instants at which the source is due, in order; none for a schedule that does not run."""
    found: list[datetime] = []
    while schedule.runs and len(found) < count:
        found.append(next_slot(schedule, found[-1] if found else now))
    return tuple(found)


def known_zone(name: str) -> bool:
    """Whether that is the name of a zone, so that a time of day means anything there."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _number(schedule: Schedule, now: datetime) -> int:
    assert schedule.minutes is not None
    return (int(now.timestamp() // 1) - offset_seconds(schedule)) // (schedule.minutes * 60)


def _interval_slot(schedule: Schedule, number: int) -> Slot:
    assert schedule.minutes is not None
    at = datetime.fromtimestamp(number * schedule.minutes * 60 + offset_seconds(schedule), UTC)
    return Slot(schedule.source_id, at.strftime("%Y-%m-%dT%H:%M:%SZ"), at)


def _latest_day(schedule: Schedule, now: datetime) -> date:
    day = _other_day(schedule, now.astimezone(ZoneInfo(schedule.timezone)).date() + timedelta(days=1), -1)
    # A zone that skips a whole day at the date line still has its days one after the other.
    while _instant(schedule, day) > now:
        day = _other_day(schedule, day, -1)
    return day


def _other_day(schedule: Schedule, day: date, step: int) -> date:
    """Return the next or the last day before that has a slot."""
    day += timedelta(days=step)
    while schedule.weekdays and day.weekday() >= _SATURDAY:
        day += timedelta(days=step)
    return day


def _instant(schedule: Schedule, day: date) -> datetime:
    """Return the instant of that day: of two equal local times the first, of a skipped one the time after the gap."""
    assert schedule.daily is not None
    local = datetime.combine(day, schedule.daily.replace(fold=0), ZoneInfo(schedule.timezone))
    return local.astimezone(UTC) + timedelta(seconds=offset_seconds(schedule))
