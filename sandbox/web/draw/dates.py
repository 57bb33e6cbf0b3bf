"""Slack's date formats, in the viewer's zone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

_WORD = re.compile(r"\{([a-z_]+)\}")


def date_words(timestamp: int, form: str, now: datetime) -> str:
    """Write an instant as a `<!date^…>` token asks; `now` carries the viewer's zone."""
    at = datetime.fromtimestamp(timestamp, now.tzinfo)

    def word(found: re.Match[str]) -> str:
        shown = _FORMATS[found[1]](at, now) if found[1] in _FORMATS else found[0]
        # Slack writes Today at the beginning of the format, and today inside it.
        return shown[:1].upper() + shown[1:] if found.start() == 0 else shown

    return _WORD.sub(word, form)


def clock_time(at: datetime) -> str:
    """Write hours and minutes, such as 2:37 PM."""
    return f"{at.hour % 12 or 12}:{at:%M} {'AM' if at.hour < 12 else 'PM'}"


def day_name(at: datetime, now: datetime) -> str:
    """Write a day as the divider between messages does."""
    words = _pretty(at, now, f"{at:%A}, {at:%B} {_ordinal(at.day)}")
    return words[:1].upper() + words[1:]


def _pretty(at: datetime, now: datetime, otherwise: str) -> str:
    days = {
        now.date(): "today",
        now.date() - timedelta(days=1): "yesterday",
        now.date() + timedelta(days=1): "tomorrow",
    }
    return days.get(at.date(), otherwise)


def _ordinal(day: int) -> str:
    ending = "th" if day // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _date(at: datetime) -> str:
    return f"{at:%B} {_ordinal(at.day)}, {at.year}"


def _short(at: datetime) -> str:
    return f"{at:%b} {at.day}, {at.year}"


def _long(at: datetime) -> str:
    return f"{at:%A}, {at:%B} {_ordinal(at.day)}, {at.year}"


def _ago(at: datetime, now: datetime) -> str:
    minutes = int(abs((now - at).total_seconds()) // 60)
    size, unit = next(((s, u) for s, u in ((1440, "day"), (60, "hour"), (1, "minute")) if minutes >= s), (1, "minute"))
    count = minutes // size
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if at > now else f"{words} ago"


_FORMATS: dict[str, Callable[[datetime, datetime], str]] = {
    "date_num": lambda at, _: f"{at:%Y-%m-%d}",
    "date_slash": lambda at, _: f"{at:%m/%d/%Y}",
    "date": lambda at, _: _date(at),
    "date_short": lambda at, _: _short(at),
    "date_long": lambda at, _: _long(at),
    "date_pretty": lambda at, now: _pretty(at, now, _date(at)),
    "date_short_pretty": lambda at, now: _pretty(at, now, _short(at)),
    "date_long_pretty": lambda at, now: _pretty(at, now, _long(at)),
    "day_divider_pretty": day_name,
    "time": lambda at, _: clock_time(at),
    "time_secs": lambda at, _: f"{at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}",
    "ago": _ago,
}
