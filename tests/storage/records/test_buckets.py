"""A clock that is set back leaves no account throttled until the old time comes again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.backoff import LONGEST_RETRY_AFTER
from storage.records import buckets
from storage.records.explaining import blocked_until
from storage.sessions import Database, Session

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACCOUNT = "shopify:a.myshopify.com"
SET_BACK = [timedelta(minutes=5), timedelta(days=400)]

Reserve = Callable[[Session, datetime], float]


def _reserve(session: Session, now: datetime) -> float:
    return buckets.reserve(session, ACCOUNT, per_second=2, burst=10, cost=1, now=now)


def _waits_for_the_old_time(session: Session, now: datetime) -> float:
    """A twin: what was noted last stands, however far ahead it is."""
    row = buckets._locked(session, ACCOUNT, 10, now)
    passed = max(0.0, (now - row.updated_at).total_seconds())
    row.tokens = min(10.0, row.tokens + passed * 2) - 1
    row.updated_at = max(now, row.updated_at)
    session.add(row)
    session.flush()
    return max(0.0, -row.tokens / 2)


def _longest_wait(database: Database, reserve: Reserve, back: timedelta) -> float:
    """Call at the allowed pace after the clock was set back; return the longest wait."""

    def work(session: Session) -> float:
        for _ in range(10):
            reserve(session, NOW)
        start = NOW - back
        return max(reserve(session, start + timedelta(seconds=number / 2)) for number in range(60))

    return database.in_write(work)


@pytest.mark.parametrize("back", SET_BACK)
def test_calls_go_on_at_the_allowed_pace(database: Database, back: timedelta) -> None:
    assert _longest_wait(database, _reserve, back) <= 1


def test_the_check_sees_a_bucket_that_waits_for_the_old_time(sqlite_database: Database) -> None:
    assert _longest_wait(sqlite_database, _waits_for_the_old_time, SET_BACK[0]) > 20


def test_a_neighbours_clock_that_is_a_little_ahead_gives_no_calls_away(sqlite_database: Database) -> None:
    """Two processes by turns, ten seconds apart: time passes once, not at each change between them."""

    def work(session: Session) -> float:
        return max(_reserve(session, NOW + timedelta(seconds=10 * (number % 2))) for number in range(40))

    assert sqlite_database.in_write(work) >= 4


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=400)])
def test_a_block_of_another_time_has_ended_and_a_new_one_is_kept(database: Database, back: timedelta) -> None:
    def work(session: Session) -> list[float]:
        buckets.block(session, ACCOUNT, 60, NOW)
        then = NOW - back
        found = [buckets.blocked(session, ACCOUNT, NOW), buckets.blocked(session, ACCOUNT, then)]
        assert blocked_until(session, ACCOUNT, then) is None
        buckets.block(session, ACCOUNT, 30, then)
        assert blocked_until(session, ACCOUNT, then) == then + timedelta(seconds=30)
        return [*found, buckets.blocked(session, ACCOUNT, then)]

    assert database.in_write(work) == [60, 0, 30]


def test_no_block_is_longer_than_a_provider_is_believed(sqlite_database: Database) -> None:
    def work(session: Session) -> float:
        buckets.block(session, ACCOUNT, 10**9, NOW)
        buckets.block(session, ACCOUNT, 5, NOW)
        return buckets.blocked(session, ACCOUNT, NOW)

    assert sqlite_database.in_write(work) == LONGEST_RETRY_AFTER == buckets.LONGEST.total_seconds()
