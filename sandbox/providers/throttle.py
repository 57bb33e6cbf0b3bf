"""Counts requests against limits per second and per minute."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Throttle:
    """Sliding windows per account; QuickBooks allows 10 requests in a second and 500 in a minute."""

    per_second: int = 10
    per_minute: int = 500
    _seen: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def admits(self, account: str, now: datetime) -> bool:
        """Whether one more request is within the limits; a refused one does not count."""
        seen = self._seen[account]
        while seen and seen[0] <= now - timedelta(minutes=1):
            seen.popleft()
        lately = sum(1 for at in seen if at > now - timedelta(seconds=1))
        if lately >= self.per_second or len(seen) >= self.per_minute:
            return False
        seen.append(now)
        return True
