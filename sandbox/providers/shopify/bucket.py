"""The leaky bucket of query points, one per shop."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Bucket:
    """Points of one app in one shop; the defaults are generous, Shopify's standard is 1000 and 100."""

    maximum: float = 20_000.0
    #: points per second
    restore_rate: float = 2_000.0
    _spent: float = 0.0
    _at: datetime | None = field(default=None)

    def take(self, points: float, now: datetime) -> bool:
        """Take points if they are there."""
        self._restore(now)
        if points > self.maximum - self._spent:
            return False
        self._spent += points
        return True

    def give_back(self, points: float) -> None:
        """Return what a query did not use after all."""
        self._spent = max(0.0, self._spent - points)

    def status(self, now: datetime) -> dict[str, Any]:
        """Return the throttleStatus."""
        self._restore(now)
        left = float(int(self.maximum - self._spent))
        return {"maximumAvailable": self.maximum, "currentlyAvailable": left, "restoreRate": self.restore_rate}

    def _restore(self, now: datetime) -> None:
        if self._at is not None:
            seconds = max(0.0, (now - self._at).total_seconds())
            self._spent = max(0.0, self._spent - seconds * self.restore_rate)
        self._at = now
