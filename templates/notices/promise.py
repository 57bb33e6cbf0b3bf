"""Promises: how fresh each source must be, what another one would mean, and what was set."""

from collections.abc import Sequence
from datetime import date, datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
)
from storage.facts.promises import WEEKDAYS, Calendar, Promise
from storage.facts.schedules import Rhythm
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.gate import state_words
from templates.notices.answers import refused, say
from templates.notices.pieces import Words
from templates.rhythm import zone_name
from templates.text import label, listed
from templates.words import long_names, source_title

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_USAGE: Words = (
    "Managers change one with ",
    Code("/data promise shopify warn 26h overdue 50h business days holidays US"),
    ". All parts may be left out: ",
    Code("hours 9:00-17:00"),
    ", ",
    Code("closed 2026-12-24"),
    ", ",
    Code("off"),
    " (nobody is told) or ",
    Code("default"),
    ". It is shown before it is saved.",
)
_REFUSED = {
    "short": ("That is too short.", "choose 10 minutes or more."),
    "long": ("That is longer than 90 days.", "choose less."),
    "order": ("It would be overdue before it is late.", "give overdue the larger age, as in warn 26h overdue 50h."),
    "both": ("One of the two ages is missing.", "give both, as in warn 26h overdue 50h."),
    "country": (
        "The public holidays of that country, or part of it, are not known here.",
        "write its two letters, as in holidays US or holidays CA-QC, or name the days: closed 2026-12-24.",
    ),
    "date": ("That is no date.", "write it as 2026-12-24."),
    "dates": ("Those are more than 60 dates.", "name fewer."),
    "hours": ("Those are no hours of a day.", "write them as hours 9:00-17:00."),
    "limits": (
        "This source is read at a time of day, so working days alone say too little.",
        "name the ages as well, as in warn 26h overdue 50h business days.",
    ),
}


def promise_words(source: Source) -> str:
    """Return a source's promise in words: ``late after 26 h, overdue after 50 h, on working days``."""
    promise = source.promise
    ages = _ages(source, promise)
    calendar = promise.calendar if promise else None
    words = ages + (f", counted {calendar_words(calendar)}" if calendar else "")
    return f"{words}; nobody is told" if promise is not None and promise.quiet else words


def _ages(source: Source, promise: Promise | None) -> str:
    if promise is not None and promise.warn_minutes is not None and promise.overdue_minutes is not None:
        return f"late after {_span(promise.warn_minutes)}, overdue after {_span(promise.overdue_minutes)}"
    if source.rule is not None and source.rule.rhythm is not Rhythm.OFF:
        return "late when it misses a time of its schedule, overdue when it misses two"
    minutes = source.schedule_minutes
    return f"late after {_span(minutes)}, overdue after {_span(2 * minutes)}, by its schedule"


def calendar_words(calendar: Calendar) -> str:
    """Return when data gets older: ``on Monday to Friday, 09:00-17:00, not on public holidays (US)``."""
    days = "Monday to Friday" if calendar.days == WEEKDAYS else listed([_DAY_NAMES[day - 1] for day in calendar.days])
    words = "every day" if len(calendar.days) == len(_DAY_NAMES) else f"on {days}"
    if calendar.opens is not None and calendar.closes is not None:
        words += f", {calendar.opens:%H:%M}-{calendar.closes:%H:%M}"
    off = [f"public holidays ({calendar.holidays})"] if calendar.holidays else []
    off += [listed([times.day(day) for day in calendar.closed], most=3)] if calendar.closed else []
    return f"{words}, not on {listed(off)}" if off else words


def promises(organization: str, statuses: Sequence[SourceStatus]) -> Message:
    """Return how fresh each source must be."""
    names = long_names([entry.source for entry in statuses])
    rows: tuple[tuple[str, Words], ...] = tuple(
        (names[entry.source.id], (f"{promise_words(entry.source)}. Now: {state_words(entry)}",)) for entry in statuses
    )
    parts: tuple[Part, ...] = (Heading("How fresh data must be"), Facts(rows), Note(_USAGE))
    return Message(f"{label(organization)}: how fresh each source must be.", parts, kind="promise")


def promise_preview(
    source: Source,
    before: Source,
    *,
    as_of: datetime,
    late: tuple[datetime | None, datetime | None],
    late_before: datetime | None,
    days_off: Sequence[date],
    zone: str,
    value: str,
) -> Message:
    """Return the card that shows what a promise would mean; `late`: from when data is late and overdue by it."""
    title = source_title(source)
    words = promise_words(source)
    buttons = (
        Button("Use this promise", actions.PROMISE_SET, value, ButtonStyle.PRIMARY),
        Button("Leave it", actions.REFRESH_DISMISS),
    )
    parts: tuple[Part, ...] = (
        Heading(f"{title}: another promise?"),
        Paragraph((Strong("New: "), f"{words}.")),
        Paragraph((Strong("Now: "), f"{promise_words(before)}. Nothing is changed yet.")),
        *_meaning(as_of, late, days_off, zone),
        Note((_today(late_before, zone),)),
        Buttons(buttons),
        Note(("The audit will show that it was you.",)),
    )
    return Message(f"{title}: another promise? Nothing is changed yet.", parts, kind="promise_preview")


def promise_set(
    source: Source,
    *,
    as_of: datetime,
    late: tuple[datetime | None, datetime | None],
    days_off: Sequence[date],
    zone: str,
) -> Message:
    """Return what was saved."""
    words = f"{source_title(source)}: {promise_words(source)}."
    parts: tuple[Part, ...] = (Paragraph((Strong(words),)), *_meaning(as_of, late, days_off, zone))
    return Message(words, parts, kind="promise_set")


def _meaning(
    as_of: datetime, late: tuple[datetime | None, datetime | None], days_off: Sequence[date], zone: str
) -> tuple[Part, ...]:
    rows: list[tuple[str, Words]] = [
        ("Data as of", (_local(as_of, zone),)),
        ("Late from", (_local(late[0], zone),)),
        ("Overdue from", (_local(late[1], zone),)),
    ]
    if days_off:
        rows.append(("Weekdays that do not count next", (listed([times.day(day) for day in days_off]),)))
    return (Facts(tuple(rows)), Note((f"Days and hours are those of {zone_name(zone)}.",)))


def _today(late_before: datetime | None, zone: str) -> str:
    if late_before is None:
        return "By today's rule it would not be late within a year."
    return f"By today's rule the same data is late from {_local(late_before, zone)}."


def _local(at: datetime | None, zone: str) -> str:
    if at is None:
        return "not within a year"
    return f"{at.astimezone(times.zone_of(zone)):%a} {times.absolute(at, zone)}"


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def promise_refused(reason: str) -> Message:
    """Return why that promise is not possible."""
    return refused(_REFUSED[reason], kind="promise")


def promise_usage(words: str = "") -> Message:
    """Return how the command is written; `words` is what was not understood."""
    summary = f"“{label(words)}” is no promise that I know. Nothing was changed." if words else "Name the source first."
    return say(summary, (summary,), _USAGE, kind="promise")
