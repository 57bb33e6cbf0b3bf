"""When a pair is due, in the organization's zone: pure arithmetic, the same on every machine.

A window opens and closes at the first instant at which the wall clock shows its times or later ones, so each night has
one, an hour shorter or longer where clocks change. What is due once a night is named by its local date, what is due at
an interval by its instant: neither can run twice because an hour comes twice.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.subscriptions.local import reached, zone_of
from storage.facts.exchange import Schedule

_DAY = timedelta(days=1)
#: how long a run that is not bound to a window may wait for data
_PATIENCE = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Due:
    """One time at which a pair is due; the key is once for each pair."""

    key: str
    at: datetime
    #: by then it should have been done
    until: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """The window of one night, named by the local date of the morning it ends on."""

    night: date
    opens: datetime
    closes: datetime


def next_due(schedule: Schedule, zone_name: str, after: datetime) -> Due:
    """Return the first time after that instant."""
    if schedule.window is None:
        return _by_interval(schedule, after, 1)
    window = window_of(schedule, zone_name, after)
    while True:
        for due in _in_window(schedule, zone_name, window):
            if due.at > after:
                return due
        window = window_of(schedule, zone_name, window.closes)


def latest_due(schedule: Schedule, zone_name: str, now: datetime) -> Due:
    """Return the newest time that is due at that instant."""
    if schedule.window is None:
        return _by_interval(schedule, now, 0)
    zone = zone_of(zone_name)
    night = window_of(schedule, zone_name, now).night
    while True:
        window = _window(schedule, night, zone)
        found = [due for due in _in_window(schedule, zone_name, window) if due.at <= now]
        if found:
            return found[-1]
        night -= _DAY


def window_of(schedule: Schedule, zone_name: str, now: datetime) -> Window:
    """Return the window that is open then, or opens next. Without a window of its own a night is a local day."""
    zone = zone_of(zone_name)
    night = now.astimezone(zone).date() - _DAY
    while True:
        window = _window(schedule, night, zone)
        if window.closes > now:
            return window
        night += _DAY


def night_of(schedule: Schedule, zone_name: str, at: datetime) -> str:
    """Return the night to which something that is sent then belongs: the one whose window ends next."""
    return window_of(schedule, zone_name, at).night.isoformat()


def _window(schedule: Schedule, night: date, zone: ZoneInfo) -> Window:
    opens, closes = schedule.window or (time(), time())
    first = night - _DAY if opens >= closes else night
    return Window(night, reached(first, opens, zone), reached(night, closes, zone))


def _in_window(schedule: Schedule, zone_name: str, window: Window) -> list[Due]:
    if schedule.at is not None:
        zone = zone_of(zone_name)
        opens, closes = schedule.window or (time(), time())
        day = window.night - _DAY if opens >= closes and schedule.at >= opens else window.night
        return [Due(f"night-{window.night.isoformat()}", reached(day, schedule.at, zone), window.closes)]
    assert schedule.every is not None
    step = timedelta(minutes=schedule.every)
    count = max(1, -(-(window.closes - window.opens) // step))
    return [_at(window.opens + number * step, window.closes) for number in range(count)]


def _by_interval(schedule: Schedule, now: datetime, more: int) -> Due:
    assert schedule.every is not None
    seconds = schedule.every * 60
    number = int(now.timestamp() // seconds) + more
    at = datetime.fromtimestamp(number * seconds, UTC)
    return _at(at, at + max(_PATIENCE, timedelta(seconds=seconds)))


def _at(at: datetime, until: datetime) -> Due:
    return Due(at.strftime("%Y-%m-%dT%H:%M:%SZ"), at, until)
