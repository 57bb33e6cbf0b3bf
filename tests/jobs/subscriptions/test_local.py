"""Quiet hours and digests by the wall clock, against somebody who looks at it every minute."""

import bisect
import itertools
import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.subscriptions.local import next_due, quiet_until, reached
from storage.facts.quiet import Quiet, Rhythm
from tests.conftest import LONG

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
#: zone, and a day on which its clocks change; Lord Howe by half an hour, Apia over a whole day
CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Havana", date(2026, 11, 1)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kolkata", date(2026, 11, 1)),
]


class Watcher:
    """Looks at a wall clock every minute for two weeks, and writes down when each time of each day was reached."""

    def __init__(self, zone: str, around: date) -> None:
        self.zone = ZoneInfo(zone)
        self.first = datetime.combine(around - 7 * DAY, time(), UTC)
        shown = [
            (self.first + number * MINUTE).astimezone(self.zone).replace(tzinfo=None, fold=0)
            for number in range(16 * 24 * 60)
        ]
        #: the latest that the clock ever showed by each minute
        self.latest = list(itertools.accumulate(shown, max))

    def reached(self, day: date, at: time) -> datetime:
        """The first minute at which the clock shows that or later; clocks that go back are not believed twice."""
        return self.first + bisect.bisect_left(self.latest, datetime.combine(day, at)) * MINUTE

    def until(self, quiet: Quiet, now: datetime, days: list[date]) -> datetime | None:
        """The first minute from now on that is not quiet; None where this one is not."""
        spans = []
        for day in days:
            spans.append(
                (self.reached(day, quiet.starts), self.reached(day + DAY * (quiet.ends < quiet.starts), quiet.ends))
            )
            if quiet.weekends and day.weekday() == 5:
                spans.append((self.reached(day, time()), self.reached(day + 2 * DAY, time())))
        at = now
        while any(start <= at < end for start, end in spans):
            at += MINUTE
        return at if at > now else None


@pytest.mark.parametrize("zone, change", CHANGES)
def test_quiet_hours_are_those_of_somebody_who_looks_every_minute(zone: str, change: date) -> None:
    watcher, dice = Watcher(zone, change), random.Random(f"{zone}{change}")
    days = [change + number * DAY for number in range(-5, 6)]
    for _ in range(400 if LONG else 20):
        starts = time(dice.choice([0, 1, 2, 20, 22]), dice.choice([0, 15, 30]))
        ends = time(dice.choice([0, 1, 2, 3, 7]), dice.choice([1, 29, 31, 45]))
        quiet = Quiet(starts, ends, weekends=dice.random() < 0.3)
        now = datetime.combine(change, time(), UTC) + dice.randrange(-24 * 60, 36 * 60) * MINUTE
        assert quiet_until(quiet, zone, now) == watcher.until(quiet, now, days), (quiet.words, now)


def until_by_the_clock_alone(quiet: Quiet, zone: str, now: datetime) -> datetime | None:
    """The bug: the end is a local time made an instant, wherever there is no such time or two of them."""
    local = now.astimezone(ZoneInfo(zone))
    end = datetime.combine(local.date(), quiet.ends.replace(fold=1), ZoneInfo(zone))
    return end.astimezone(UTC) if end > now else None


@pytest.mark.parametrize(
    "now, ends, until",
    [
        # 02:30 is skipped: over when the clock jumps to 03:00 EDT.
        (datetime(2026, 3, 8, 6, 30, tzinfo=UTC), time(2, 30), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        # 01:30 comes twice: over at the first, EDT; and not quiet again at 01:10 EST.
        (datetime(2026, 11, 1, 5, 10, tzinfo=UTC), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (datetime(2026, 11, 1, 6, 10, tzinfo=UTC), time(1, 30), None),
    ],
)
def test_the_gap_and_the_doubled_hour(now: datetime, ends: time, until: datetime | None) -> None:
    quiet = Quiet(time(22, 0), ends)
    assert quiet_until(quiet, "America/New_York", now) == until
    assert until_by_the_clock_alone(quiet, "America/New_York", now) != until


def test_a_weekend_joins_its_nights() -> None:
    friday = datetime(2026, 11, 20, 21, 0, tzinfo=ZoneInfo("America/New_York"))
    quiet = Quiet(time(20, 0), time(7, 30), weekends=True)
    assert quiet_until(quiet, "America/New_York", friday) == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    assert quiet_until(quiet, "Nowhere/Land", friday) == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone, change", CHANGES)
def test_a_digest_is_due_once_a_day_over_every_change(zone: str, change: date) -> None:
    for at in (time(0, 30), time(1, 30), time(2, 30), time(8, 30)):
        now, seen = datetime.combine(change - 3 * DAY, time(12), UTC), []
        for _ in range(6):
            now, day = next_due(Rhythm(at), zone, now)
            seen.append(day)
            assert now == reached(day, at, ZoneInfo(zone))
        assert len(set(seen)) == len(seen)
        steps = {later - earlier for earlier, later in itertools.pairwise(seen)}
        # A day that a zone leaves out has no digest of its own.
        assert steps <= ({DAY, 2 * DAY} if zone == "Pacific/Apia" else {DAY})
    due, day = next_due(
        Rhythm(time(8, 30), weekdays=True), "America/New_York", datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    )
    assert (due, day) == (datetime(2026, 11, 23, 13, 30, tzinfo=UTC), date(2026, 11, 23))
