"""Slots: the same everywhere, each once, also on the nights when the clock changes."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.slots import Schedule, latest_slot, next_slot, offset_seconds

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Cairo",
]
#: zone, nightly time, local date -> instant; from the tables of the zones, by hand
NIGHTS = [
    ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30Z"),  # twice there: the first
    ("Europe/Berlin", "02:30", "2027-03-28", "2027-03-28T01:30Z"),  # not there: 03:30
    ("Europe/Berlin", "02:30", "2027-10-31", "2027-10-31T00:30Z"),
    ("Europe/Berlin", "02:30", "2028-03-26", "2028-03-26T01:30Z"),
    ("Europe/Berlin", "02:30", "2029-07-01", "2029-07-01T00:30Z"),
    ("Europe/Berlin", "02:30", "2030-12-24", "2030-12-24T01:30Z"),
    ("America/New_York", "02:30", "2027-03-14", "2027-03-14T07:30Z"),
    ("America/New_York", "01:30", "2027-11-07", "2027-11-07T05:30Z"),
    ("America/New_York", "23:59", "2030-11-03", "2030-11-04T04:59Z"),
    ("America/Santiago", "00:30", "2027-09-05", "2027-09-05T04:30Z"),
    ("America/Santiago", "23:30", "2027-04-03", "2027-04-04T02:30Z"),
    ("Australia/Lord_Howe", "02:15", "2027-10-03", "2027-10-02T15:45Z"),  # half an hour is skipped
    ("Australia/Lord_Howe", "01:45", "2027-04-04", "2027-04-03T14:45Z"),  # half an hour comes twice
    ("Asia/Kolkata", "02:30", "2028-02-29", "2028-02-28T21:00Z"),
    ("Africa/Cairo", "00:30", "2027-04-30", "2027-04-29T22:30Z"),
]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _changes(zone: str) -> Iterator[datetime]:
    """Days on which the offset of the zone changes: of two years in the quick run, of five in the long one."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    while day.year < (2031 if os.environ.get("SOAK") else 2028):
        if (
            day.astimezone(ZoneInfo(zone)).utcoffset()
            != (day + timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset()
        ):
            yield day
        day += timedelta(days=1)


@pytest.mark.parametrize("zone,at,night,instant", NIGHTS)
def test_a_night_is_the_instant_of_the_table(zone: str, at: str, night: str, instant: str) -> None:
    schedule = Schedule("s", None, zone, daily=time.fromisoformat(at))
    spread = timedelta(seconds=offset_seconds(schedule))
    assert timedelta(0) <= spread < timedelta(minutes=10)
    expected = datetime.fromisoformat(instant) + spread
    slot = latest_slot(schedule, expected)
    assert (slot.key, slot.at) == (f"day-{night}T{at}", expected)
    assert next_slot(schedule, expected - timedelta(seconds=1)) == expected
    assert latest_slot(schedule, expected - timedelta(seconds=1)).key < slot.key


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [time(0, 0), time(0, 30), time(1, 30), time(2, 30), time(3, 0), time(23, 59)])
def test_every_night_comes_once_whatever_the_clock_does(zone: str, at: time) -> None:
    schedule = Schedule("s", None, zone, daily=at)
    days = [*_changes(zone), datetime(2028, 2, 28, tzinfo=UTC)]
    for day in days:
        seen: dict[str, datetime] = {}
        moment = day - timedelta(days=2)
        while moment < day + timedelta(days=3):
            slot = latest_slot(schedule, moment)
            assert slot.at <= moment
            assert slot.at < next_slot(schedule, moment)
            assert next_slot(schedule, moment) > moment
            assert seen.setdefault(slot.key, slot.at) == slot.at
            moment += timedelta(minutes=20)
        nights = [date.fromisoformat(key.removeprefix("day-").partition("T")[0]) for key in seen]
        assert nights == [nights[0] + timedelta(days=number) for number in range(len(nights))]
        assert list(seen.values()) == sorted(seen.values())


def test_a_clock_that_names_nights_by_the_instant_runs_one_twice() -> None:
    """The twin: an id from the local time with its offset, as a cron trigger gives it."""
    schedule = Schedule("s", None, "Europe/Berlin", daily=time(2, 30))
    night = datetime(2027, 10, 31, tzinfo=UTC)
    moments = [night + timedelta(minutes=10 * step) for step in range(18)]
    zone = ZoneInfo("Europe/Berlin")
    naive = {
        local.isoformat() for local in (moment.astimezone(zone) for moment in moments) if local.time() == time(2, 30)
    }
    ours = {latest_slot(schedule, moment).key for moment in moments}
    assert len(naive) == 2
    assert ours == {"day-2027-10-30T02:30", "day-2027-10-31T02:30"}


@pytest.mark.parametrize("minutes", [1, 15, 60, 360, 1440])
def test_intervals_are_regular_and_spread(minutes: int) -> None:
    offsets = set()
    for number in range(200):
        schedule = Schedule(f"source-{number}", minutes)
        offsets.add(offset_seconds(schedule))
        assert 0 <= offset_seconds(schedule) < min(minutes * 60, 3600)
        slot = latest_slot(schedule, NOON)
        assert NOON - timedelta(minutes=minutes) < slot.at <= NOON
        assert next_slot(schedule, NOON) == slot.at + timedelta(minutes=minutes)
        assert latest_slot(schedule, slot.at) == slot
        assert latest_slot(schedule, slot.at - timedelta(microseconds=1)).at == slot.at - timedelta(minutes=minutes)
    assert len(offsets) > min(50, minutes * 30)


def test_a_longer_interval_finds_the_slot_that_was_run() -> None:
    """A stretched interval must not start a run at once that the shorter one already did."""
    hourly, stretched = Schedule("s", 60), Schedule("s", 120)
    keys = {latest_slot(hourly, NOON + timedelta(hours=hour)).key for hour in range(-4, 5)}
    assert {latest_slot(stretched, NOON + timedelta(hours=hour)).key for hour in range(-2, 5)} <= keys


def test_slots_are_the_same_on_every_machine() -> None:
    """Fixed for ever: another hash or another form of the key would start everything again."""
    schedule = Schedule("src_temerity_shopify", 60)
    assert offset_seconds(schedule) == 2800
    assert latest_slot(schedule, NOON).key == "2026-11-21T11:46:40Z"
    assert not Schedule("s", None).runs
    assert not Schedule("s", 60, active=False).runs


def test_another_time_on_the_same_day_is_another_slot() -> None:
    """Else what the preview shows for today would not come: the day would count as done."""
    morning, noon = (Schedule("s", None, daily=time(hour)) for hour in (7, 12))
    later = NOON + timedelta(minutes=10)
    assert latest_slot(morning, later).key != latest_slot(noon, later).key
