"""Retry-After, pauses and buckets."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.backoff import LONGEST_RETRY_AFTER, http_date, pause, retry_after
from connectors.limits import MemoryLimiter, Rate, Unlimited, tidy_wait
from storage.facts.clock import OffsetClock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "header, expected",
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1e3", None), ("NaN", None), ("٣", None), ("7 seconds", None),
        ("0", 0), ("7", 7), (" 7 ", 7), ("2.0", 2), ("0.25", 0.25), ("99999", LONGEST_RETRY_AFTER), ("9" * 40, LONGEST_RETRY_AFTER),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30), ("Sun, 22 Nov 2026 11:00:00 GMT", 0), ("Sun, 22 Nov 2099 11:00:00 GMT", LONGEST_RETRY_AFTER),
        ("Sun, 22 Nov 2026 12:00:30", 30), ("Mon, 99 Nov 2026 12:00:30 GMT", None), ("Sun, 22 Nov 99999999 12:00:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert retry_after(header, NOW) == expected


def test_dates_are_aware() -> None:
    assert http_date("Sun, 22 Nov 2026 12:00:00 GMT") == NOW
    assert http_date(None) is None


def test_pauses_grow_jitter_and_end() -> None:
    for attempt in range(1, 60):
        for _ in range(20):
            assert 0.25 <= pause(attempt) <= 8
    assert len({pause(3) for _ in range(20)}) > 10
    assert max(pause(1) for _ in range(50)) <= 0.5 < min(pause(4) for _ in range(50))


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock(base=lambda: NOW)


async def test_a_bucket_lets_its_burst_through_and_then_its_rate(clock: OffsetClock) -> None:
    limiter, rate = MemoryLimiter(clock), Rate(per_second=10, burst=10)
    waits = [await limiter.reserve("a", rate) for _ in range(15)]
    assert waits == pytest.approx([0] * 10 + [0.1, 0.2, 0.3, 0.4, 0.5])
    clock.advance(timedelta(seconds=1))
    assert await limiter.reserve("a", rate) == 0
    assert await limiter.reserve("b", rate) == 0


async def test_a_bucket_never_holds_more_than_its_burst(clock: OffsetClock) -> None:
    limiter, rate = MemoryLimiter(clock), Rate(per_second=10, burst=2)
    clock.advance(timedelta(hours=1))
    assert [await limiter.reserve("a", rate) for _ in range(3)] == pytest.approx([0, 0, 0.1])


async def test_a_block_holds_everyone_of_the_account(clock: OffsetClock) -> None:
    limiter, rate = MemoryLimiter(clock), Rate(per_second=10, burst=10)
    await limiter.block("a", 60)
    await limiter.block("a", 5)
    assert await limiter.reserve("a", rate) == 60
    assert await limiter.reserve("b", rate) == 0
    clock.advance(timedelta(seconds=61))
    assert await limiter.blocked("a") == 0
    assert await limiter.reserve("a", rate) == 0


async def test_reads_are_counted(clock: OffsetClock) -> None:
    limiter, free = MemoryLimiter(clock), Unlimited()
    for _ in range(3):
        await limiter.record("a", 25)
        await free.record("a", 25)
    assert limiter.reads == {"a": 75}
    assert free.reads == 75
    await free.block("a", 9)
    assert await free.blocked("a") == await free.reserve("a", Rate(1, 1)) == 0


def test_waits_end_late_rather_than_early() -> None:
    assert tidy_wait(0.0001) == 0.001
