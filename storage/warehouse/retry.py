"""The whole transaction again when somebody else committed first."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from storage.warehouse.errors import Conflict

T = TypeVar("T")

ATTEMPTS = 8
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0

_dice = random.SystemRandom()


def retried(work: Callable[[], T], pause: Callable[[float], None] = time.sleep) -> T:
    """Return what `work` returns; after a Conflict call it again, at most ATTEMPTS times, with growing random pauses.

    Only for work that begins from nothing and looks whether it is already done.
    """
    wait = FIRST_WAIT_SECONDS
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except Conflict:
            pause(_dice.uniform(wait / 2, wait))
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
    return work()
