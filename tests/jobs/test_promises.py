"""Age counts in the hours that count: against a naive count by the minute, over changes of the clock and holidays."""

import os
import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from bot.cli.samples.facts import SHOPIFY
from jobs.promises import age_of, business_end, business_time, freshness, is_working_day, known_country, next_turn
from jobs.schedule import schedule_of
from jobs.slots import next_slot
from storage.facts.promises import Calendar, Promise, read_promise
from storage.facts.schedules import read_rule
from storage.facts.sources import Freshness, Source

#: Zones that change their clocks by an hour, by half an hour, at midnight, and not at all.
ZONES = ("America/New_York", "Australia/Lord_Howe", "America/Havana", "Europe/London", "Asia/Tokyo")
#: around both changes of the clocks, Thanksgiving and Christmas
BEGINNINGS = ("2026-03-05", "2026-03-27", "2026-04-02", "2026-10-22", "2026-10-30", "2026-11-24", "2026-12-22")
HOLIDAYS = (None, "US", "GB", "JP", "CA-QC")


def naive(calendar: Calendar, zone: ZoneInfo, since: datetime, until: datetime) -> timedelta:
    """Count minute by minute, by what a clock on the wall shows."""
    counted, at = 0, since
    working = cache(lambda day: is_working_day(calendar, day))
    while at < until:
        local = at.astimezone(zone)
        inside = calendar.opens is None or calendar.opens <= local.time() < (calendar.closes or time.max)
        counted += working(local.date()) and inside
        at += timedelta(minutes=1)
    return timedelta(minutes=counted)


@cache
def _counted() -> list[tuple[tuple[Calendar, ZoneInfo, datetime, datetime], timedelta]]:
    cases = [_case(seed) for seed in range(1200 if os.environ.get("SOAK") else 60)]
    return [(case, naive(*case)) for case in cases]


def around_the_clock(_calendar: Calendar, _zone: ZoneInfo, since: datetime, until: datetime) -> timedelta:
    """A twin that counts the weekend."""
    return until - since


def by_wall_clock(calendar: Calendar, zone: ZoneInfo, since: datetime, until: datetime) -> timedelta:
    """A twin for which each day has 24 hours."""
    shift = (until.astimezone(zone).utcoffset() or timedelta(0)) - (since.astimezone(zone).utcoffset() or timedelta(0))
    return business_time(calendar, zone, since, until) + shift


def _case(seed: int) -> tuple[Calendar, ZoneInfo, datetime, datetime]:
    chance = random.Random(seed)
    days = tuple(sorted(chance.sample(range(1, 8), chance.choice((5, 5, 6, 7)))))
    hours = (time(chance.randint(4, 11), chance.choice((0, 30))), time(chance.randint(12, 23)))
    opens, closes = hours if chance.random() < 0.5 else (None, None)
    since = datetime.fromisoformat(
        f"{chance.choice(BEGINNINGS)}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}Z"
    )
    calendar = Calendar(days, opens, closes, chance.choice(HOLIDAYS), (since.date() + timedelta(days=1),))
    return calendar, ZoneInfo(chance.choice(ZONES)), since, since + timedelta(minutes=chance.randint(0, 6 * 1440))


@pytest.mark.parametrize("count", [business_time, around_the_clock, by_wall_clock])
def test_business_time_is_what_a_naive_count_says(count) -> None:
    wrong = [seed for seed, (case, expected) in enumerate(_counted()) if count(*case) != expected]
    assert bool(wrong) is (count is not business_time), wrong


def test_the_end_of_an_age_is_the_first_instant_after_it() -> None:
    for seed in range(200):
        calendar, zone, since, until = _case(seed)
        age = business_time(calendar, zone, since, until)
        end = business_end(calendar, zone, since, age)
        assert end is not None
        assert business_time(calendar, zone, since, end) > age
        assert business_time(calendar, zone, since, end - timedelta(microseconds=1)) == age


def _source(promise: str) -> Source:
    found: Source = replace(SHOPIFY, promise=read_promise(promise), zone="America/New_York")
    return found


def test_a_company_that_is_quiet_over_the_weekend_is_no_alarm() -> None:
    """Friday 17:00 in New York is as old on Monday at 9 as it was on Friday night; the twin cries on Saturday."""
    friday = datetime(2026, 11, 20, 22, tzinfo=UTC)
    weekdays, every_day = _source("warn 1560 overdue 3000 days 12345"), _source("warn 1560 overdue 3000")
    assert freshness(weekdays, friday, friday + timedelta(days=2, hours=20)) is Freshness.FRESH
    assert freshness(every_day, friday, friday + timedelta(days=2, hours=20)) is Freshness.OVERDUE
    # 7 hours of Friday, and 19 of Monday.
    turn = next_turn(weekdays, friday, friday)
    assert turn == datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=UTC)


def test_thanksgiving_counts_where_it_is_no_holiday() -> None:
    wednesday = datetime(2026, 11, 25, 14, tzinfo=UTC)
    friday = wednesday + timedelta(days=2)
    assert age_of(_source("days 12345 holidays US"), wednesday, friday) == timedelta(hours=24)
    assert age_of(_source("days 12345 holidays GB"), wednesday, friday) == timedelta(hours=48)


@pytest.mark.parametrize("rule", [None, "daily 07:30", "weekdays 07:30", "off"])
@pytest.mark.parametrize("promise", [None, "warn 90 overdue 300", "warn 600 overdue 900 days 12345 hours 09:00-17:00"])
def test_the_next_turn_is_the_instant_at_which_the_word_changes(rule: str | None, promise: str | None) -> None:
    source = replace(
        SHOPIFY,
        rule=read_rule(rule) if rule else None,
        schedule_minutes=1440 if rule else 60,
        promise=read_promise(promise) if promise else None,
        zone="America/New_York",
    )
    as_of = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)
    for now in (as_of, as_of + timedelta(minutes=70), as_of + timedelta(hours=25)):
        state, turn = freshness(source, as_of, now), next_turn(source, as_of, now)
        if turn is None:
            assert state is Freshness.OVERDUE
            continue
        assert turn > now
        assert freshness(source, as_of, turn - timedelta(microseconds=1)) is state
        assert freshness(source, as_of, turn) is not state


@pytest.mark.parametrize("rule", ["daily 07:30", "weekdays 07:30"])
def test_nobody_is_late_for_a_time_that_was_over_when_the_schedule_was_set(rule: str) -> None:
    """Its first time is the next one: what was in time before stays so until then, and what was late stays late."""
    set_at = datetime(2026, 10, 29, 15, 42, tzinfo=UTC)
    source = replace(
        SHOPIFY, rule=read_rule(rule), schedule_minutes=1440, promise=None, zone="America/New_York", scheduled_at=set_at
    )
    this_morning, first = datetime(2026, 10, 29, 7, 57, tzinfo=UTC), next_slot(schedule_of(source), set_at)
    assert freshness(source, this_morning, set_at) is Freshness.FRESH
    assert next_turn(source, this_morning, set_at) == first + timedelta(minutes=5)
    assert freshness(source, this_morning, first + timedelta(minutes=6)) is Freshness.LATE
    assert freshness(source, this_morning - timedelta(days=1), set_at) is Freshness.LATE
    assert freshness(source, this_morning - timedelta(days=9), set_at) is Freshness.OVERDUE
    # A schedule that was set long ago excuses nothing.
    assert freshness(replace(source, scheduled_at=None), this_morning, set_at) is Freshness.LATE


@pytest.mark.parametrize(
    "text",
    ["warn 1560 overdue 3000", "days 12345", "warn 5 overdue 5 days 67 hours 09:00-17:30 holidays CA-QC", "off",
     "days 1 closed 2026-12-24,2026-12-31 off"],
)  # fmt: skip
def test_a_promise_is_stored_as_it_reads(text: str) -> None:
    assert str(read_promise(text)) == text


@pytest.mark.parametrize(
    "text",
    ["warn 10", "warn 10 overdue 5", "days 54", "days 8", "hours 09:00", "days 1 hours 17:00-09:00",
     "days 1 holidays us", "warn 1 overdue 2 more"],
)  # fmt: skip
def test_what_is_no_promise_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_promise(text)


def test_a_country_that_is_not_known_is_not_guessed() -> None:
    assert known_country("US")
    assert known_country("CA-QC")
    assert not known_country("ZZ")
    assert not known_country("US-QQ")
    assert not Promise(calendar=Calendar(holidays="ZZ")).quiet
