"""The next times of a schedule, over every change of the clock: what the preview shows is what then comes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.slots import Schedule, latest_slot, next_slot, next_slots, offset_seconds

#: an hour in spring and autumn; half an hour, and the other way round; at midnight
ZONES = ["America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from(["src_a", "src_b", "src_c"]),
    st.none(),
    st.sampled_from(ZONES),
    daily=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    weekdays=st.booleans(),
)
Next = Callable[[Schedule, datetime, int], tuple[datetime, ...]]


def wrong(schedule: Schedule, now: datetime, found: tuple[datetime, ...]) -> list[str]:
    """Return what is wrong with the next times of a time of day: judged by the wall clock alone."""
    assert schedule.daily is not None
    zone = ZoneInfo(schedule.timezone)
    plain = [(at - timedelta(seconds=offset_seconds(schedule))).astimezone(zone) for at in found]
    said = [f"{at} is not after {before}" for before, at in zip((now, *found), found, strict=False) if at <= before]
    for local in plain:
        meant = datetime.combine(local.date(), schedule.daily, zone)
        gap = meant.astimezone(UTC).astimezone(zone) - meant.replace(fold=1).astimezone(UTC).astimezone(zone)
        if local.time() != schedule.daily and not (gap and local == meant.astimezone(UTC).astimezone(zone)):
            said.append(f"{local} is not at {schedule.daily}")
        if local.fold and local.time() == schedule.daily:
            said.append(f"{local} is the second of two")
        if schedule.weekdays and local.weekday() > 4:
            said.append(f"{local} is no weekday")
    return said + _left_out(schedule, [local.date() for local in plain])


def _left_out(schedule: Schedule, days: list[date]) -> list[str]:
    every = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]
    due = [day for day in every if not schedule.weekdays or day.weekday() < 5]
    return [] if days == due else [f"{days} instead of {due}"]


@settings(max_examples=100, deadline=None)
@given(SCHEDULES, NOWS)
def test_every_day_has_its_time_once_whatever_the_clock_does(schedule: Schedule, now: datetime) -> None:
    found = next_slots(schedule, now, 5)
    assert wrong(schedule, now, found) == []
    # The clock starts exactly what was shown.
    assert [latest_slot(schedule, at).at for at in found] == list(found)
    assert latest_slot(schedule, now).at <= now < found[0] == next_slot(schedule, now)


@settings(max_examples=50, deadline=None)
@given(st.integers(5, 1440), NOWS)
def test_an_interval_keeps_its_distance_over_changes_of_the_clock(minutes: int, now: datetime) -> None:
    found = next_slots(Schedule("s", minutes, "America/New_York"), now, 5)
    assert timedelta(0) < found[0] - now <= timedelta(minutes=minutes)
    assert {after - before for before, after in pairwise(found)} == {timedelta(minutes=minutes)}


def _adds_a_day(schedule: Schedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """Twin: adds 24 hours, so that 07:30 is 06:30 or 08:30 after a change."""
    first = next_slot(schedule, now)
    return tuple(first + timedelta(days=n) for n in range(count))


def _by_offset_of_today(schedule: Schedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """Twin: takes the second of two equal times."""
    assert schedule.daily is not None
    zone, day = ZoneInfo(schedule.timezone), now.astimezone(ZoneInfo(schedule.timezone)).date()
    times = (
        datetime.combine(day + timedelta(days=n), schedule.daily.replace(fold=1), zone).astimezone(UTC)
        + timedelta(seconds=offset_seconds(schedule))
        for n in range(1, count + 1)
    )
    return tuple(times)


@pytest.mark.parametrize("twin", [next_slots, _adds_a_day, _by_offset_of_today])
@pytest.mark.parametrize("zone, night", [("America/New_York", (2027, 11, 7, 1, 30)), ("Australia/Lord_Howe", (2027, 4, 4, 1, 45))])  # fmt: skip
def test_a_broken_twin_is_noticed(twin: Next, zone: str, night: tuple[int, ...]) -> None:
    year, month, day, hour, minute = night
    schedule = Schedule("s", None, zone, daily=time(hour, minute))
    now = datetime(year, month, day, tzinfo=UTC) - timedelta(days=2)
    assert bool(wrong(schedule, now, twin(schedule, now, 5))) == (twin is not next_slots)


def test_a_schedule_that_does_not_run_has_no_next_time() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert next_slots(Schedule("s", None), now, 5) == ()
    assert next_slots(Schedule("s", 60, active=False), now, 5) == ()
