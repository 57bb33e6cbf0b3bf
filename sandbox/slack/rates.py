"""Rate limits of the Web API: a bucket per method, and one per channel for posts."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Calls in a minute, per method and team (the lowest count that Slack promises for the tier).
PER_MINUTE = {
    "auth.test": 600,
    "blocks.validate": 100,
    "chat.postMessage": 300,
    "chat.postEphemeral": 100,
    "chat.update": 50,
    "chat.delete": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "conversations.open": 50,
    "conversations.members": 100,
    "users.info": 100,
    "users.profile.get": 100,
    "users.list": 20,
    "views.open": 100,
    "views.push": 100,
    "views.update": 100,
    "views.publish": 100,
    "apps.connections.open": 50,
    "oauth.v2.access": 600,
}
#: Posts to one channel: one a second, and as many at once.
CHANNEL_PER_SECOND, CHANNEL_BURST = 1.0, 5.0


@dataclass(slots=True)
class _Bucket:
    level: float
    filled_at: float


class Rates:
    """Token buckets over real time; `take` returns the seconds to wait, 0 when the call is free to go."""

    def __init__(self, *, enabled: bool = True, now: Callable[[], float] = time.monotonic) -> None:
        self.enabled = enabled
        self._now = now
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def take(self, method: str, team: str, channel: str | None = None) -> int:
        """Count one call; return 0, or what `Retry-After` should say."""
        if not self.enabled:
            return 0
        per_minute = PER_MINUTE.get(method, 50)
        wait = self._draw((method, team), per_minute, per_minute / 60)
        if not wait and channel is not None and method in {"chat.postMessage", "response_url"}:
            wait = self._draw((method, team, channel), CHANNEL_BURST, CHANNEL_PER_SECOND)
        return wait

    def _draw(self, key: tuple[str, ...], capacity: float, per_second: float) -> int:
        now = self._now()
        bucket = self._buckets.setdefault(key, _Bucket(capacity, now))
        bucket.level = min(capacity, bucket.level + (now - bucket.filled_at) * per_second)
        bucket.filled_at = now
        if bucket.level >= 1:
            bucket.level -= 1
            return 0
        return max(1, math.ceil((1 - bucket.level) / per_second))
