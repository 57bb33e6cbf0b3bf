"""How long somebody wants to hear nothing: words to an instant, in the zone of whoever says them. Pure."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.errors import RequestError
from jobs.plans import plain
from jobs.slots import known_zone

_SPAN = re.compile(r"(?:for )?(?P<n>[0-9]{1,3}) ?(?P<unit>m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.ASCII)
_CLOCK = (
    r"(?:at )?(?P<hour>[01]?[0-9]|2[0-3])"
    r"(?:[:.](?P<minute>[0-5][0-9])(?: ?(?P<half>am|pm))?| ?(?P<half_only>am|pm))"
)
_DAY = re.compile(
    rf"(?:until |till )?(?P<day>today|tomorrow|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)(?: {_CLOCK})?", re.ASCII
)
_DATE = re.compile(rf"(?:until |till )?(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?: {_CLOCK})?", re.ASCII)
_TIME = re.compile(rf"(?:until |till )?{_CLOCK}", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080}
_MORNING = time(9)
_HALF_A_DAY = 12


class EndRefusedError(RequestError):
    """An end that a mute or snooze cannot have; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: past, long, date
        self.reason = reason


def read_until(words: str, now: datetime, zone: str, *, longest: timedelta) -> datetime | None:
    """Return when it ends, to the second; a day without a time is nine o'clock there. None for words that mean no end.

    EndRefusedError for an end that is over, or too far away.
    """
    said = plain(words)
    until = _read(said, now.replace(microsecond=0), ZoneInfo(zone if known_zone(zone) else "UTC"))
    if until is None:
        return None
    if until <= now:
        raise EndRefusedError("past")
    if until - now > longest:
        raise EndRefusedError("long")
    return until


def _read(said: str, now: datetime, where: ZoneInfo) -> datetime | None:
    if span := _SPAN.fullmatch(said):
        return now + timedelta(minutes=int(span["n"]) * _MINUTES[span["unit"][0]])
    today = now.astimezone(where).date()
    if named := _DAY.fullmatch(said):
        return _named(named, today, where, now)
    if dated := _DATE.fullmatch(said):
        try:
            return _at(date.fromisoformat(dated["date"]), dated, where, now)
        except (ValueError, OverflowError):
            # No such day, or one that has no name in the other zone any more.
            raise EndRefusedError("date") from None
    if clock := _TIME.fullmatch(said):
        until = _at(today, clock, where, now)
        return until if until > now else _at(today + timedelta(days=1), clock, where, now)
    return None


def _named(named: re.Match[str], today: date, where: ZoneInfo, now: datetime) -> datetime:
    if named["day"] in {"today", "tomorrow"}:
        return _at(today + timedelta(days=named["day"] == "tomorrow"), named, where, now)
    ahead = (_DAYS.index(named["day"][:3]) - today.weekday()) % 7
    until = _at(today + timedelta(days=ahead), named, where, now)
    return until if until > now else _at(today + timedelta(days=ahead + 7), named, where, now)


def _at(day: date, said: re.Match[str], where: ZoneInfo, now: datetime) -> datetime:
    """Return that local time; one that the clocks skip is the time after the gap."""
    return datetime.combine(day, _clock(said) if said["hour"] else _MORNING, where).astimezone(now.tzinfo)


def _clock(said: re.Match[str]) -> time:
    hour, half = int(said["hour"]), said["half"] or said["half_only"]
    if half:
        if not 1 <= hour <= _HALF_A_DAY:
            raise EndRefusedError("date")
        hour = hour % _HALF_A_DAY + (_HALF_A_DAY if half == "pm" else 0)
    return time(hour, int(said["minute"] or 0))
