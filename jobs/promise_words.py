"""What people may say about a promise, and the one form in which it is kept: pure, no clock and no database.

``warn 26h overdue 50h``, ``business days``, ``every day``, ``hours 9:00-17:00``, ``holidays US``, ``closed 2026-12-24``
and ``off``, in any order; ``default`` alone is today's rule. What is typed is the whole promise: what is left out is
not part of it.
"""

import re
from collections.abc import Callable
from datetime import date, time
from typing import TypeVar

from jobs.errors import RequestError
from jobs.plans import plain
from jobs.promises import known_country
from storage.facts.promises import MOST_DATES, WEEKDAYS, Calendar, Promise

T = TypeVar("T")

#: minutes: nothing is promised to be newer than its source is read at most, nor older than a quarter of a year
SHORTEST, LONGEST = 10, 90 * 24 * 60

_SPAN = r"(?P<n>[0-9]{1,5}) ?(?P<unit>m|min|mins|minutes?|h|hours?|d|days?)"
_WARN = re.compile(rf"(?:warn|late)(?: after)? {_SPAN}\b", re.ASCII)
_OVERDUE = re.compile(rf"overdue(?: after)? {_SPAN}\b", re.ASCII)
_HOURS = re.compile(r"hours ([0-9]{1,2}:[0-9]{2}) ?(?:-|to) ?([0-9]{1,2}:[0-9]{2})\b", re.ASCII)
_HOLIDAYS = re.compile(r"(?:public )?holidays(?: of)? ([a-z]{2}(?:-[a-z0-9]{1,3})?)\b", re.ASCII)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOSED = re.compile(rf"closed(?: on)?((?:[ ,]+(?:and )?{_DATE})+)", re.ASCII)
_BUSINESS = re.compile(r"(?:(?:business|working) days|weekdays|monday to friday|mon-fri)", re.ASCII)
_EVERY_DAY = re.compile(r"every day|all days", re.ASCII)
_FIRST = re.compile(
    rf"(?:^|(?<= ))(?:{_WARN.pattern}|{_OVERDUE.pattern}|{_HOURS.pattern}|{_HOLIDAYS.pattern}|{_CLOSED.pattern}|"
    rf"{_BUSINESS.pattern}|{_EVERY_DAY.pattern}|off$|default$)".replace("(?P<n>", "(?:").replace("(?P<unit>", "(?:"),
    re.ASCII,
)


class PromiseRefusedError(RequestError):
    """A promise that a source cannot have; nothing was changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: short, long, order, both, country, date, dates, hours, limits
        self.reason = reason


def split(text: str) -> tuple[str, str]:
    """Return the words that name a source and the words that name a promise; one of them may be ''."""
    words = plain(text)
    found = _FIRST.search(words)
    return (words, "") if found is None else (words[: found.start()].strip(), words[found.start() :])


def read_words(text: str) -> Promise | str | None:
    """Return the promise that the words mean, ``default`` for none of its own; None for words that mean nothing.

    PromiseRefusedError for one that cannot be.
    """
    words = plain(text)
    if words == "default":
        return "default"
    rest, warn = _taken(words, _WARN, _minutes)
    rest, overdue = _taken(rest, _OVERDUE, _minutes)
    rest, hours = _taken(rest, _HOURS, _hours)
    rest, country = _taken(rest, _HOLIDAYS, _country)
    rest, closed = _taken(rest, _CLOSED, _dates)
    rest, business = _taken(rest, _BUSINESS, lambda _: True)
    rest, every = _taken(rest, _EVERY_DAY, lambda _: True)
    rest, quiet = _taken(rest, re.compile(r"\boff\b"), lambda _: True)
    if rest.replace(",", " ").replace(" and ", " ").strip(" .") or not words:
        return None
    if (warn is None) != (overdue is None):
        raise PromiseRefusedError("both")
    if warn is not None and overdue is not None and warn > overdue:
        raise PromiseRefusedError("order")
    calendar = None
    if business or hours or country or closed:
        opens, closes = hours or (None, None)
        days = (*WEEKDAYS, 6, 7) if every else WEEKDAYS
        calendar = Calendar(days, opens, closes, country, closed or ())
    return Promise(warn, overdue, calendar, bool(quiet))


def _taken(words: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], T]) -> tuple[str, T | None]:
    found = pattern.search(words)
    if found is None:
        return words, None
    return f"{words[: found.start()]} {words[found.end() :]}", read(found)


def _minutes(found: re.Match[str]) -> int:
    count, unit = int(found["n"]), found["unit"][0]
    minutes = count * {"m": 1, "h": 60, "d": 24 * 60}[unit]
    if minutes < SHORTEST:
        raise PromiseRefusedError("short")
    if minutes > LONGEST:
        raise PromiseRefusedError("long")
    return minutes


def _hours(found: re.Match[str]) -> tuple[time, time]:
    try:
        opens, closes = (time.fromisoformat(one.zfill(5)) for one in found.groups())
    except ValueError:
        raise PromiseRefusedError("hours") from None
    if opens >= closes:
        raise PromiseRefusedError("hours")
    return opens, closes


def _country(found: re.Match[str]) -> str:
    code = found[1].upper()
    if not known_country(code):
        raise PromiseRefusedError("country")
    return code


def _dates(found: re.Match[str]) -> tuple[date, ...]:
    try:
        days = sorted({date.fromisoformat(one) for one in re.findall(_DATE, found[1])})
    except ValueError:
        raise PromiseRefusedError("date") from None
    if len(days) > MOST_DATES:
        raise PromiseRefusedError("dates")
    return tuple(days)
