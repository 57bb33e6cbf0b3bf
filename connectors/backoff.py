"""How long to wait before the next attempt."""

import math
import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Nobody is made to believe that a provider wants us back next year.
LONGEST_RETRY_AFTER = 3600.0
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?", re.ASCII)


def retry_after(header: str | None, now: datetime) -> float | None:
    """Read ``Retry-After`` (seconds or an HTTP date): between 0 and an hour, or None when it says nothing usable."""
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_RETRY_AFTER)
    if text.isascii() and text.isdigit():
        return LONGEST_RETRY_AFTER
    moment = http_date(text)
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def http_date(text: str | None) -> datetime | None:
    """Read an HTTP date as an aware instant; None when it is none."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def pause(attempt: int, *, base: float = 0.25, cap: float = 8.0) -> float:
    """Return a jittered pause before the attempt after ``attempt`` (from 1): half fixed, half by chance."""
    full = min(cap, base * math.pow(2, attempt))
    return full / 2 + random.uniform(0, full / 2)  # noqa: S311 - spreads retries, protects nothing
