"""Instants and durations in words; an instant always carries its date and zone."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from storage.facts.clock import aware

#: written out
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Abbreviations that mean one offset to everybody; others are shown with theirs.
_CLEAR = frozenset(
    {
        "UTC",
        "GMT",
        "EST",
        "EDT",
        "CDT",
        "MDT",
        "PST",
        "PDT",
        "AKST",
        "AKDT",
        "HST",
        "CET",
        "CEST",
        "EET",
        "EEST",
        "WEST",
        "JST",
        "NZST",
        "NZDT",
        "AEST",
        "AEDT",
        "ACST",
        "ACDT",
        "AWST",
        "SAST",
    }
)
_LETTERS = re.compile("[A-Z]{2,5}")


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name; UTC for a name that is not one, so that a wrong profile stops no notice."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def absolute(at: datetime, zone: str) -> str:
    """Return date, time and zone: ``Nov 21, 2026, 14:37 EST``."""
    local = aware(at).astimezone(zone_of(zone))
    return f"{_MONTHS[local.month - 1]} {local.day}, {local.year}, {local:%H:%M} {zone_words(local)}"


def day(on: date) -> str:
    """Return a calendar day: ``Jan 1, 2024``."""
    return f"{_MONTHS[on.month - 1]} {on.day}, {on.year}"


def month(on: date) -> str:
    """Return a calendar month: ``Jan 2024``."""
    return f"{_MONTHS[on.month - 1]} {on.year}"


def short(at: datetime, zone: str) -> str:
    """Return day and time without year and zone, for the scale of a chart, whose title names them: ``Jan 1, 14:37``."""
    local = aware(at).astimezone(zone_of(zone))
    return f"{_MONTHS[local.month - 1]} {local.day}, {local:%H:%M}"


def time_of_day(at: datetime, zone: str) -> str:
    """Return time and zone: ``14:37 EST``."""
    local = aware(at).astimezone(zone_of(zone))
    return f"{local:%H:%M} {zone_words(local)}"


def zone_words(local: datetime) -> str:
    """Return the zone's abbreviation, with the offset where the abbreviation or the hour is ambiguous."""
    short = local.tzname() or ""
    offset = _offset(local.utcoffset() or timedelta(0))
    if not _LETTERS.fullmatch(short):
        return offset
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return short if short in _CLEAR and not twice else f"{short} ({offset})"


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "\N{MINUS SIGN}"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def distance(at: datetime, now: datetime) -> str:
    """Return how far an instant is from now: ``3 min ago``, ``in 2 h``, ``now`` within half a minute."""
    seconds = (aware(now) - aware(at)).total_seconds()
    if abs(seconds) < 30:
        return "just now" if seconds >= 0 else "now"
    words = span(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def span(seconds: float) -> str:
    """Return a duration as people say it: ``40 s``, ``3 min``, ``2 h 5 min``, ``3 days``."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min" if rest and hours < 12 else f"{hours} h"
    days = round(hours / 24)
    return "1 day" if days == 1 else f"{days} days"


def every(minutes: int) -> str:
    """Return a rhythm: ``every 60 minutes``, ``every 6 hours``, ``every day``."""
    if minutes % 1440 == 0:
        return "every day" if minutes == 1440 else f"every {minutes // 1440} days"
    if minutes % 60 == 0 and minutes > 60:
        return f"every {minutes // 60} hours"
    return f"every {minutes} minutes" if minutes != 1 else "every minute"
