"""One bucket per provider account for all processes: a block is kept by all of them, and soon."""

import pytest

from jobs import limits
from jobs.limits import DatabaseLimiter
from storage.facts.clock import OffsetClock
from storage.sessions import Database
from tests.waiting import eventually

KEY = "shopify:a.myshopify.com"


class _LooksOnce(DatabaseLimiter):
    """Believes for ever that an account is free."""

    async def blocked(self, key: str) -> float:
        if key in self._free:
            return 0.0
        return await super().blocked(key)


async def _noticed(database: Database, here: DatabaseLimiter) -> None:
    """Block the account from another process, and wait until this one keeps to it."""
    there = DatabaseLimiter(database, OffsetClock(), "src_1")
    assert await here.blocked(KEY) == 0
    await there.block(KEY, 60)

    async def look() -> float | None:
        wait = await here.blocked(KEY)
        return wait if wait > 50 else None

    kept: float = await eventually(look, seconds=limits._FREE_SECONDS * 8)
    assert kept <= 60


async def test_a_block_by_another_process_is_noticed_soon(database: Database) -> None:
    await _noticed(database, DatabaseLimiter(database, OffsetClock(), "src_1"))


async def test_the_check_sees_a_limiter_that_looks_once(sqlite_database: Database) -> None:
    with pytest.raises(TimeoutError):
        await _noticed(sqlite_database, _LooksOnce(sqlite_database, OffsetClock(), "src_1"))


async def test_an_own_block_is_kept_at_once(database: Database) -> None:
    limiter = DatabaseLimiter(database, OffsetClock(), "src_1")
    assert await limiter.blocked(KEY) == 0
    await limiter.block(KEY, 60)
    assert await limiter.blocked(KEY) > 50
