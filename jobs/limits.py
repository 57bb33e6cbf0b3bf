"""The connectors' limiter in the database: one bucket per provider account for all processes, and the metered reads."""

import asyncio
from datetime import datetime

from connectors.limits import Rate
from jobs.figures import RATE_WAITS, Figures
from jobs.status import METERED, month_of
from storage.facts.clock import Clock
from storage.facts.sources import Provider
from storage.records import buckets, sources
from storage.sessions import Database, Session

#: At this share of the monthly budget the schedule is stretched.
STRETCH_AT = 0.8


#: for so long an account that was free is not looked at again: a block by another process is noticed that late
_FREE_SECONDS = 0.25


class DatabaseLimiter:
    """Books calls and counts metered reads for one source."""

    def __init__(self, database: Database, clock: Clock, source_id: str, figures: Figures | None = None) -> None:
        self._figures = figures or Figures()
        self._database = database
        self._clock = clock
        self._source_id = source_id
        #: when an account was found free, by the loop's clock
        self._free: dict[str, float] = {}

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        """Book `cost` and return the seconds to wait before sending; 0 means go now."""
        name = f"{key}@{rate.per_second:g}/{rate.burst:g}"

        def work(session: Session) -> float:
            now = self._clock.now()
            wait = buckets.reserve(session, name, per_second=rate.per_second, burst=rate.burst, cost=cost, now=now)
            return max(wait, buckets.blocked(session, key, now))

        seconds = await self._database.writing(work)
        if seconds > 0:
            self._figures.observe(RATE_WAITS, seconds)
        return seconds

    async def block(self, key: str, seconds: float) -> None:
        """Let nobody of this account send for that long."""
        self._free.pop(key, None)
        await self._database.writing(lambda session: buckets.block(session, key, seconds, self._clock.now()))

    async def blocked(self, key: str) -> float:
        """Return the seconds for which the account is still blocked."""
        now = asyncio.get_running_loop().time()
        if now - self._free.get(key, -_FREE_SECONDS) < _FREE_SECONDS:
            return 0.0
        wait = await self._database.reading(lambda session: buckets.blocked(session, key, self._clock.now()))
        if not wait:
            self._free[key] = now
        return wait

    async def record(self, key: str, reads: int) -> None:  # noqa: ARG002 - one source is one account
        """Count metered reads that were made."""
        month = month_of(self._clock.now())
        await self._database.writing(lambda session: sources.count_reads(session, self._source_id, month, reads))


def stretch(session: Session, source_id: str, provider: Provider, minutes: int, budget: int, now: datetime) -> None:
    """Stretch the schedule of a metered source so that the rest of the month's budget lasts, or end the stretch.

    Below 80 % of the budget the schedule stands. Above it the interval grows so that reads at this month's rate per
    collection fit into what is left, in steps of the schedule itself and at most a day.
    """
    if provider not in METERED:
        return
    used = sources.reads_in(session, [source_id], month_of(now)).get(source_id, 0)
    if used < STRETCH_AT * budget:
        sources.set_stretched(session, source_id, None, now)
        return
    sources.set_stretched(session, source_id, stretched_minutes(minutes, used, budget, now), now)


def stretched_minutes(minutes: int, used: int, budget: int, now: datetime) -> int:
    """Return the interval at which the rest of the budget lasts to the end of the month (UTC), at most 24 hours."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    passed = max((now - start).total_seconds(), 60.0 * minutes)
    remaining = (end - now).total_seconds()
    left = max(budget - used, 1)
    wanted = minutes * (used / passed) * remaining / left
    steps = max(2, -int(-wanted // minutes))
    return min(steps * minutes, 24 * 60)
