"""How fast and how often a provider account may be asked.

A `Limiter` is a token bucket per provider account. Jobs keeps it in the database, so that all processes share one
bucket; `MemoryLimiter` is the same for one process, and `Unlimited` is for benches.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from storage.facts.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket that holds ``burst`` and refills by ``per_second``."""

    per_second: float
    burst: float


class Limiter(Protocol):
    """Books calls against the bucket of one account (``"<provider>:<account>"``) and counts metered reads."""

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        """Book ``cost`` and return the seconds to wait before sending; 0 means go now."""
        ...

    async def block(self, key: str, seconds: float) -> None:
        """Let nobody of this account send for that long: the provider asked for it."""
        ...

    async def blocked(self, key: str) -> float:
        """Return the seconds for which the account is still blocked; 0 when it is free."""
        ...

    async def record(self, key: str, reads: int) -> None:
        """Count metered reads that were made."""
        ...


@dataclass(slots=True)
class _Bucket:
    level: float
    at: datetime


@dataclass
class MemoryLimiter:
    """The limiter of one process."""

    clock: Clock
    #: metered reads by account, since the start
    reads: dict[str, int] = field(default_factory=dict)
    _buckets: dict[tuple[str, Rate], _Bucket] = field(default_factory=dict)
    _blocks: dict[str, datetime] = field(default_factory=dict)

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        """Book ``cost``; the level may go below zero, which is the queue of those who wait."""
        now = self.clock.now()
        bucket = self._buckets.setdefault((key, rate), _Bucket(rate.burst, now))
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.level = min(rate.burst, bucket.level + passed * rate.per_second) - cost
        bucket.at = now
        return max(await self.blocked(key), -bucket.level / rate.per_second, 0.0)

    async def block(self, key: str, seconds: float) -> None:
        """Block the account; a shorter block never shortens a longer one."""
        until = self.clock.now() + timedelta(seconds=seconds)
        self._blocks[key] = max(until, self._blocks.get(key, until))

    async def blocked(self, key: str) -> float:
        """Return the seconds that are left of the block."""
        until = self._blocks.get(key)
        return 0.0 if until is None else max(0.0, (until - self.clock.now()).total_seconds())

    async def record(self, key: str, reads: int) -> None:
        """Add to the count."""
        self.reads[key] = self.reads.get(key, 0) + reads


@dataclass
class Unlimited:
    """No limit at all: measures the code, not the provider's patience."""

    reads: int = 0

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        """Go."""
        _ = key, rate, cost
        return 0.0

    async def block(self, key: str, seconds: float) -> None:
        """Ignore."""
        _ = key, seconds

    async def blocked(self, key: str) -> float:
        """Never."""
        _ = key
        return 0.0

    async def record(self, key: str, reads: int) -> None:
        """Add to the count."""
        _ = key
        self.reads += reads


def tidy_wait(seconds: float) -> float:
    """Return whole milliseconds, rounded up: a wait that ends a hair too early asks again at once."""
    return math.ceil(seconds * 1000) / 1000
