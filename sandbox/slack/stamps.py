"""Message timestamps and other identifiers: unique, and ordered by time."""

import itertools

from storage.facts.clock import Clock


class Stamps:
    """Makes `ts` values from the clock; two are never equal, and a later one is never smaller."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._counter = itertools.count(1)

    def ts(self) -> str:
        """Return the next `ts`: seconds and microseconds, as Slack writes them."""
        self._last = max(self._last + 1, int(self._clock.now().timestamp() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def name(self, prefix: str) -> str:
        """Return an identifier that begins with the prefix, such as V0000001."""
        return f"{prefix}{next(self._counter):07d}"
