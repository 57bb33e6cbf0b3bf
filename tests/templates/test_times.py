"""Instants carry date, time and zone; an hour that happens twice carries its offset."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates import times


@pytest.mark.parametrize(
    "at,zone,told",
    [
        (datetime(2026, 11, 21, 19, 37, tzinfo=UTC), "America/New_York", "Nov 21, 2026, 14:37 EST"),
        (datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "Europe/London", "Jul 1, 2026, 13:00 BST (UTC+1)"),
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "America/New_York", "Nov 1, 2026, 01:30 EDT (UTC−4)"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "America/New_York", "Nov 1, 2026, 01:30 EST (UTC−5)"),
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "America/Chicago", "Dec 31, 2025, 18:00 CST (UTC−6)"),
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "Asia/Kathmandu", "Jan 1, 2026, 05:45 UTC+5:45"),
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "../../etc/passwd", "Jan 1, 2026, 00:00 UTC"),
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "", "Jan 1, 2026, 00:00 UTC"),
    ],
)
def test_absolute(at, zone, told):
    assert times.absolute(at, zone) == told


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="names no instant"):
        times.absolute(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    "seconds,told",
    [
        (0, "just now"), (29, "just now"), (30, "30 s ago"), (90, "2 min ago"), (3599, "1 h ago"), (3660, "1 h 1 min ago"),
        (90_000, "1 day ago"), (260_000, "3 days ago"), (-90, "in 2 min"), (-10, "now"),
    ],
)  # fmt: skip
def test_distance(seconds, told):
    now = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
    assert times.distance(now - timedelta(seconds=seconds), now) == told


@pytest.mark.parametrize(
    "minutes,told",
    [
        (60, "every 60 minutes"),
        (1, "every minute"),
        (120, "every 2 hours"),
        (1440, "every day"),
        (90, "every 90 minutes"),
    ],
)
def test_every(minutes, told):
    assert times.every(minutes) == told


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis adds it
def test_two_different_minutes_never_read_the_same(at):
    for zone in ("America/New_York", "Australia/Lord_Howe", "Europe/Dublin"):
        assert times.absolute(at, zone) != times.absolute(at + timedelta(hours=1), zone)
        assert times.absolute(at, zone) != times.absolute(at + timedelta(minutes=30), zone)
