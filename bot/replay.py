"""What this process has seen lately, so that the same thing does not count twice.

Another process is not asked: what has an effect is stopped there by the unique trigger in the effect's own transaction.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from storage.facts.clock import Clock


class Seen:
    """Remembers keys for a while; bounded, so that a flood costs memory once."""

    def __init__(self, clock: Clock, *, keep: timedelta, most: int = 50_000) -> None:
        self._clock = clock
        self._keep = keep
        self._most = most
        self._at: OrderedDict[str, datetime] = OrderedDict()

    def first(self, key: str) -> bool:
        """Whether this is the first time within `keep`; remembers it."""
        now = self._clock.now()
        self._forget(now)
        if key in self._at:
            return False
        self._at[key] = now
        return True

    def release(self, key: str) -> None:
        """Forget a key whose work did not happen, so that it may come again."""
        self._at.pop(key, None)

    def __len__(self) -> int:
        return len(self._at)

    def _forget(self, now: datetime) -> None:
        while self._at:
            key, at = next(iter(self._at.items()))
            if now - at <= self._keep and len(self._at) < self._most:
                return
            del self._at[key]
