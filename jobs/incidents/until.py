"""How long somebody wants to hear nothing: words to an instant, in the zone of whoever says them. Pure."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.errors import RequestError
from jobs.plans import plain
from jobs.slots import known_zone

_SPAN = re.compile(r"(?:for )?(?P<n>[0-9]{1,3}) ?(?P<unit>h|hours?|d|days?|w|weeks?)", re.ASCII)
_DAY = re.compile(r"(?:until |till )?(?P<day>tomorrow|mon|tue|wed|thu|fri|sat|sun)[a-z]*", re.ASCII)
_DATE = re.compile(r"(?:until |till )?(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})", re.ASCII)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = {"h": 1, "d": 24, "w": 168}
_MORNING = time(9)


class EndRefusedError(RequestError):
    """An end that a mute or snooze cannot have; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: past, long, date
        self.reason = reason


def read_until(words: str, now: datetime, zone: str, *, longest: timedelta) -> datetime | None:
    """Return when it ends, to the second; days begin at nine there. None for words that mean no end.

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
        return now + timedelta(hours=int(span["n"]) * _HOURS[span["unit"][0]])
    today = now.astimezone(where).date()
    if named := _DAY.fullmatch(said):
        ahead = 1 if named["day"] == "tomorrow" else (_DAYS.index(named["day"]) - today.weekday()) % 7
        until = _morning(today + timedelta(days=ahead), where, now)
        return until if until > now else _morning(today + timedelta(days=ahead + 7), where, now)
    if dated := _DATE.fullmatch(said):
        try:
            return _morning(date.fromisoformat(dated["date"]), where, now)
        except ValueError:
            raise EndRefusedError("date") from None
    return None


def _morning(day: date, where: ZoneInfo, now: datetime) -> datetime:
    return datetime.combine(day, _MORNING, where).astimezone(now.tzinfo)
