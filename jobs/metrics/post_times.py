"""When a channel has its metrics, in words: ``fridays at 16:00``, ``every tuesday 4 pm``, ``wednesday``."""

import re
import unicodedata
from datetime import time

from storage.facts.metrics import DAYS, PostTime

_WORDS = re.compile(
    r"(?:every |each |on )?(?P<day>[a-z]{3,9}?)s?"
    r"(?:(?:,| at)? (?:(?P<h>[0-9]{1,2})[:.](?P<m>[0-9]{2}) ?(?P<half>am|pm)?"
    r"|(?P<h12>[0-9]{1,2}) ?(?P<half12>am|pm)))?",
    re.ASCII,
)
_NOON, _LAST = 12, 23


def read_post_time(words: str) -> PostTime | None:
    """Return the day and time that the words mean; at nine without a time, None for words that mean neither."""
    plain = " ".join(unicodedata.normalize("NFKC", words[:60]).casefold().split())
    found = _WORDS.fullmatch(plain)
    if found is None:
        return None
    day = [number for number, name in enumerate(DAYS) if found["day"] in {name, name[:3]}]
    at = _time(found)
    return PostTime(day[0], at) if day and at is not None else None


def _time(found: re.Match[str]) -> time | None:
    hour, half = found["h"] or found["h12"], found["half"] or found["half12"]
    if hour is None:
        return PostTime().at
    number, minute = int(hour), int(found["m"] or 0)
    if half:
        if not 1 <= number <= _NOON:
            return None
        number = number % _NOON + (_NOON if half == "pm" else 0)
    return time(number, minute) if number <= _LAST and minute < 60 else None
