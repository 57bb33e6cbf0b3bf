"""Nights have one window and one run each, whatever the clocks do."""

from datetime import UTC, datetime, time, timedelta

import pytest

from jobs.exchange.timing import latest_due, next_due, night_of, window_of
from storage.facts.exchange import Schedule, read_schedule

NEW_YORK = "America/New_York"
NIGHTLY = Schedule(at=time(2), window=(time(1), time(5)))
HOURLY = Schedule(every=60, window=(time(1), time(5)))
LATE = Schedule(at=time(23, 30), window=(time(22), time(4)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["nightly 02:00 within 01:00-05:00", "every 60 within 01:00-05:00", "every 15", "nightly 23:30 within 22:00-04:00"],
)
def test_a_schedule_is_what_its_text_says(text: str) -> None:
    assert str(read_schedule(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "nightly 02:00", "nightly 06:00 within 01:00-05:00", "every 0", "every 1441", "every 60 within 01:00-01:00",
     "nightly 25:00 within 01:00-05:00", "every 15 ", "nightly ٠٢:00 within 01:00-05:00"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|window|interval|hour"):
        read_schedule(text)


@pytest.mark.parametrize(
    "schedule, zone, after, expected",
    [
        (NIGHTLY, NEW_YORK, "2026-06-01T12:00", "2026-06-02T06:00"),
        (NIGHTLY, NEW_YORK, "2026-01-01T12:00", "2026-01-02T07:00"),
        # 02:00 is skipped: the clock jumps from 01:59 to 03:00 then.
        (NIGHTLY, NEW_YORK, "2026-03-07T12:00", "2026-03-08T07:00"),
        # 02:00 comes after the hour that comes twice.
        (NIGHTLY, NEW_YORK, "2026-10-31T12:00", "2026-11-01T07:00"),
        (NIGHTLY, "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        (LATE, NEW_YORK, "2026-06-01T12:00", "2026-06-02T03:30"),
        (Schedule(every=15), NEW_YORK, "2026-06-01T12:01", "2026-06-01T12:15"),
    ],
)
def test_the_next_time(schedule: Schedule, zone: str, after: str, expected: str) -> None:
    assert next_due(schedule, zone, at(after)).at == at(expected)


@pytest.mark.parametrize("day, hours", [("2026-06-02", 4), ("2026-03-08", 3), ("2026-11-01", 5)])
def test_a_night_is_shorter_or_longer_where_clocks_change(day: str, hours: int) -> None:
    window = window_of(HOURLY, NEW_YORK, at(f"{day}T04:30"))
    assert window.closes - window.opens == timedelta(hours=hours)
    dues, now = [], window.opens - timedelta(seconds=1)
    while (due := next_due(HOURLY, NEW_YORK, now)).at < window.closes:
        dues.append(due)
        now = due.at
    assert len({due.key for due in dues}) == len(dues) == hours
    assert {due.until for due in dues} == {window.closes}


@pytest.mark.parametrize("schedule", [NIGHTLY, HOURLY, LATE, Schedule(every=15)], ids=str)
@pytest.mark.parametrize("zone", [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Nowhere/At_all"])
def test_what_is_due_was_next_once(schedule: Schedule, zone: str) -> None:
    """Walked through two changes of the clock, each time comes once, and the latest one is the one that came last."""
    for start in ("2026-03-05T00:00", "2026-10-22T00:00"):
        now, seen = at(start), set()
        while now < at(start) + timedelta(days=4 if schedule.window is None else 14):
            due = next_due(schedule, zone, now)
            assert due.at > now
            assert due.until > due.at
            assert latest_due(schedule, zone, due.at) == due
            assert latest_due(schedule, zone, due.at + timedelta(minutes=1)).key == due.key
            assert due.key not in seen
            seen.add(due.key)
            now = due.at


def test_what_is_sent_by_day_belongs_to_the_night_that_comes() -> None:
    assert night_of(HOURLY, NEW_YORK, at("2026-06-02T06:00")) == "2026-06-02"
    assert night_of(HOURLY, NEW_YORK, at("2026-06-02T08:59")) == "2026-06-02"
    assert night_of(HOURLY, NEW_YORK, at("2026-06-02T09:00")) == "2026-06-03"
