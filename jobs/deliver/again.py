"""A delivery that is not settled yet, and when to look for one that nobody confirmed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

#: The first wait, and the longest: what is in doubt is found within a minute of the other side being well again.
_FIRST_SECONDS, _LONGEST_SECONDS = 5.0, 50.0
#: Each wait is that part of how long it is in doubt already.
_GROWTH = 3.0
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Again:
    """Look after the delivery again in that many seconds; 0 means that it was just settled."""

    seconds: float


def look_again(delivery_id: str, in_doubt_since: datetime, now: datetime, at_least: float = 0.0) -> Again:
    """Return when to look for it again: later the longer it lasts, so that who is ill is not asked all the time.

    The jitter differs per delivery and look, but not per process; `at_least` is what the other side asks for.
    """
    lasts = max(0.0, (now - in_doubt_since).total_seconds())
    wait = min(_LONGEST_SECONDS, max(_FIRST_SECONDS, lasts / _GROWTH))
    lot = hashlib.sha256(f"{delivery_id}:{int(lasts)}".encode()).digest()[0] / 255
    return Again(max(wait * (1 + _JITTER * (2 * lot - 1)), at_least))
