"""Wall clocks of people: when quiet hours end and when a day's digest is due, whatever the clocks do that night.

A local time is reached at the first instant at which the wall clock there shows it or a later one: where an hour is
doubled the first time counts, and a time that is skipped is reached when the clock jumps over it. So quiet hours begin
and end once a night.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.slots import known_zone
from storage.facts.quiet import Quiet, Rhythm

_DAY, _MINUTE, _SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
_SATURDAY = 5
#: No quiet time is longer: a night, a weekend and a night, with room to spare.
_LONGEST = timedelta(days=5)


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of that name; UTC where nobody knows it."""
    return ZoneInfo(name if known_zone(name) else "UTC")


def reached(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the wall clock shows that time of that day, or a later one."""
    wanted = datetime.combine(day, at.replace(fold=0))
    found = wanted.replace(tzinfo=zone).astimezone(UTC)
    if _shown(found, zone) == wanted:
        return found
    # Skipped: the instant of the jump lies between the two readings of that time.
    low, high = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC) - _MINUTE, found
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (low, middle) if _shown(middle, zone) >= wanted else (middle, high)
    return high


def quiet_since_until(quiet: Quiet, zone_name: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return since when and until when it is quiet now, nights and weekends joined; None where it is not."""
    zone = zone_of(zone_name)
    today = _shown(now, zone).date()
    spans = [span for days in range(-5, 6) for span in _spans(quiet, today + days * _DAY, zone)]
    here = [span for span in spans if span[0] <= now < span[1]]
    if not here:
        return None
    since, until = min(span[0] for span in here), max(span[1] for span in here)
    for start, end in sorted(spans):
        if start <= until and end > until:
            until = end
    for start, end in sorted(spans, reverse=True):
        if end >= since and start < since:
            since = start
    return since, min(until, now + _LONGEST)


def quiet_until(quiet: Quiet, zone_name: str, now: datetime) -> datetime | None:
    """Return when the quiet time ends in which that instant lies; None where it lies in none."""
    found = quiet_since_until(quiet, zone_name, now)
    return found[1] if found else None


def next_due(rhythm: Rhythm, zone_name: str, now: datetime) -> tuple[datetime, date]:
    """Return the first time of a digest after that instant, and the local day that it is of."""
    zone = zone_of(zone_name)
    day = _shown(now, zone).date()
    while reached(day, rhythm.at, zone) <= now or (rhythm.weekdays and day.weekday() >= _SATURDAY):
        day += _DAY
    return reached(day, rhythm.at, zone), day


def local_day(zone_name: str, at: datetime) -> date:
    """Return the day that it is there at that instant."""
    return _shown(at, zone_of(zone_name)).date()


def _spans(quiet: Quiet, day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return the quiet times that begin on that day."""
    end_day = day if quiet.ends > quiet.starts else day + _DAY
    found = [(reached(day, quiet.starts, zone), reached(end_day, quiet.ends, zone))]
    if quiet.weekends and day.weekday() == _SATURDAY:
        found.append((reached(day, time(), zone), reached(day + 2 * _DAY, time(), zone)))
    return found


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)
