"""Promises: how fresh a source must be, counted in the hours in which its company works."""

import re
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

_HOURS = re.compile(r"([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])", re.ASCII)
_HOLIDAYS = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
#: ISO numbers of the days from Monday to Friday
WEEKDAYS = (1, 2, 3, 4, 5)
_DAYS_OF_WEEK = 7
#: own dates of one calendar
MOST_DATES = 60


class Severity(StrEnum):
    """What an incident asks of people."""

    #: it works, and somebody should look some time
    WORKS = "works"
    #: nothing gets better until a person acts
    BLOCKED = "blocked"
    #: it goes on by itself
    RESUMES = "resumes"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hours in which data gets older, in the organization's zone; all others do not count."""

    #: ISO numbers, Monday is 1
    days: tuple[int, ...] = WEEKDAYS
    #: local times between which a day counts; both None: the whole day
    opens: time | None = None
    closes: time | None = None
    #: country, or country and part of it, whose public holidays do not count: ``US``, ``CA-QC``
    holidays: str | None = None
    #: own days on which nobody works, in order
    closed: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if not self.days or list(self.days) != sorted({day for day in self.days if 1 <= day <= _DAYS_OF_WEEK}):
            raise ValueError("a calendar has days of the week, in order")
        if (self.opens is None) != (self.closes is None):
            raise ValueError("hours have a beginning and an end")
        if self.opens is not None and self.closes is not None and self.opens >= self.closes:
            raise ValueError("hours end after they begin")
        if self.holidays is not None and not _HOLIDAYS.fullmatch(self.holidays):
            raise ValueError("not a country")
        if len(self.closed) > MOST_DATES:
            raise ValueError("too many dates")


@dataclass(frozen=True, slots=True)
class Promise:
    """How fresh a source must be. ``str`` of it is what is stored, and what can be typed."""

    #: minutes of age that are still in time, and that are not yet overdue; both None: one and two of its intervals
    warn_minutes: int | None = None
    overdue_minutes: int | None = None
    #: None: every hour of every day counts
    calendar: Calendar | None = None
    #: nobody is told when it is late; answers go on saying it
    quiet: bool = False

    def __post_init__(self) -> None:
        if (self.warn_minutes is None) != (self.overdue_minutes is None):
            raise ValueError("both limits, or none")
        if self.warn_minutes is not None and not 0 < self.warn_minutes <= (self.overdue_minutes or 0):
            raise ValueError("late comes before overdue")

    def __str__(self) -> str:
        words: list[str] = []
        if self.warn_minutes is not None:
            words += ["warn", str(self.warn_minutes), "overdue", str(self.overdue_minutes)]
        if self.calendar is not None:
            words += _calendar_words(self.calendar)
        return " ".join([*words, "off"] if self.quiet else words)


def _calendar_words(calendar: Calendar) -> list[str]:
    words = ["days", "".join(map(str, calendar.days))]
    if calendar.opens is not None and calendar.closes is not None:
        words += ["hours", f"{calendar.opens:%H:%M}-{calendar.closes:%H:%M}"]
    if calendar.holidays is not None:
        words += ["holidays", calendar.holidays]
    return [*words, "closed", ",".join(map(str, calendar.closed))] if calendar.closed else words


def read_promise(text: str) -> Promise:
    """Return the promise that a stored text stands for (ValueError)."""
    words = text.split()
    quiet = words[-1:] == ["off"]
    pairs = words[:-1] if quiet else words
    if len(pairs) % 2:
        raise ValueError(f"not a promise: {text!r}")
    found = dict(zip(pairs[::2], pairs[1::2], strict=True))
    warn, overdue = (int(found.pop("warn")), int(found.pop("overdue"))) if "warn" in found else (None, None)
    calendar = _read_calendar(found) if found else None
    return Promise(warn, overdue, calendar, quiet)


def _read_calendar(found: dict[str, str]) -> Calendar:
    hours = _HOURS.fullmatch(found["hours"]) if "hours" in found else None
    closed = found.get("closed")
    return Calendar(
        days=tuple(int(one) for one in found["days"]),
        opens=time.fromisoformat(hours[1]) if hours else None,
        closes=time.fromisoformat(hours[2]) if hours else None,
        holidays=found.get("holidays"),
        closed=tuple(date.fromisoformat(one) for one in closed.split(",")) if closed else (),
    )
