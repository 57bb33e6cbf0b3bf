"""Metrics in channels: once a week over changes of the clocks, kills and two workers; what is old is marked as old."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial

import pytest

from jobs.channels import ChannelRefusedError, ChannelView
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError
from jobs.metrics import weekly
from jobs.metrics.post_times import read_post_time
from jobs.metrics.posting import MetricPosting
from jobs.refresh.ask import Place, TriggerKey
from jobs.rooms import Room
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.metrics import MetricState, PostTime
from storage.facts.people import Actor
from storage.records import channels, deliveries, metric_posts, metrics
from storage.records.metric_posts import MetricPost
from storage.sessions import Database, Session
from storage.tables import MetricPostRow, OrganizationRow
from templates import slack
from templates.notices.metrics_week import (
    MOST,
    MetricsWeek,
    as_of_notes,
    by_standing,
    metrics_week,
    odd_notes,
    week_table,
)
from tests.jobs.metrics.standing_metrics import FINANCE, MONDAY, NOW, Company
from tests.storage.test_seeding import ORGANIZATION

Tell = Callable[..., None]


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


def sweep(company: Company, now: datetime, tell: Tell = weekly.tell) -> None:
    """Do what the sweep does."""
    for post in company.database.in_read(lambda session: metric_posts.due(session, now)):
        company.database.in_write(partial(tell, post=post, enqueue=company.enqueue, now=now))


def test_nine_on_mondays_by_the_clock_on_the_wall() -> None:
    found, at = [], datetime(2026, 10, 20, tzinfo=UTC)
    for _ in range(4):
        at = weekly.next_post("America/New_York", at)
        found.append(at)
    # The clocks go back on November 1.
    assert [f"{one:%m-%d %H}" for one in found] == ["10-26 13", "11-02 14", "11-09 14", "11-16 14"]


@pytest.mark.parametrize(
    "words, since, until",
    [
        ("fridays at 16:00", "2026-10-23 21", ["10-30 20:00", "11-06 21:00"]),
        # An hour that is there twice counts the first time, one that is skipped when the clock jumps over it.
        ("every sunday 1:30 am", "2026-10-26 00", ["11-01 05:30", "11-08 06:30"]),
        ("sun 2:30", "2027-03-08 00", ["03-14 07:00", "03-21 06:30"]),
    ],
)
def test_another_day_and_time_by_the_clock_on_the_wall(words: str, since: str, until: list[str]) -> None:
    when, at, found = read_post_time(words), datetime.strptime(since, "%Y-%m-%d %H").replace(tzinfo=UTC), []
    assert when is not None
    for _ in range(2):
        at = weekly.next_post("America/New_York", at, when)
        found.append(f"{at:%m-%d %H:%M}")
    assert found == until


def forgetful(session: Session, place: str, due_at: datetime) -> None:
    """The bug: the new time takes the place of what is due already."""
    session.get_one(MetricPostRow, place).due_at = due_at


@pytest.mark.parametrize("loses", [False, True])
def test_another_time_loses_no_post_that_is_due_already(company: Company, *, loses: bool) -> None:
    company.make("Net income")
    sweep(company, NOW)
    late, when = MONDAY + timedelta(hours=5), PostTime(4, time(16))
    friday = weekly.next_post("America/New_York", late, when)
    change = partial(metric_posts.plan, organization_id=ORGANIZATION, place=FINANCE, when=when, due_at=friday, now=late)
    company.database.in_write(change)
    if loses:
        company.database.in_write(lambda session: forgetful(session, FINANCE, friday))
    sweep(company, late)
    assert (len(company.posts(weekly.WEEKLY)) == 1) is not loses
    assert company.planned() == friday
    # And one that is not due moves at once, without a second one on the same day.
    sweep(company, friday)
    company.database.in_write(partial(change, due_at=friday + timedelta(hours=1)))
    assert company.planned() == friday + timedelta(hours=1)


def test_one_message_a_week_for_all_metrics_of_a_channel(company: Company) -> None:
    company.make("Net income")
    company.make("Sales")
    company.make("Unposted", place="")
    sweep(company, NOW)
    assert (company.planned(), company.posts(weekly.WEEKLY)) == (MONDAY, [])
    for hours in (-1, 0, 1, 24):
        sweep(company, MONDAY + timedelta(hours=hours))
    (told,) = company.posts(weekly.WEEKLY)
    assert (told.destination, [work.subject for work in company.enqueued]) == (FINANCE, [told.id])
    # Two weeks of downtime: the last one alone, late, and then on Mondays as before.
    late = MONDAY + timedelta(days=15)
    sweep(company, late)
    sweep(company, late + timedelta(minutes=1))
    told, again = company.posts(weekly.WEEKLY)
    words = company.database.in_read(lambda session: weekly.weekly_words()[weekly.WEEKLY](session, again, late))
    assert "It was due and waited since" in str(slack.render(words))
    assert company.planned() == MONDAY + timedelta(days=21)
    assert ("Net income" in str(words), "Sales" in str(words), "Unposted" in str(words)) == (True, True, False)


def without_a_claim(session: Session, *, post: MetricPost, enqueue: Callable[..., object], now: datetime) -> None:
    """The bug: whoever sees that it is due posts it, under a key of its own."""
    added = deliveries.add(
        session, organization_id=post.organization_id, kind=weekly.WEEKLY, subject=f"{id(enqueue)}",
        channel=Channel.SLACK, destination=post.place, member_id=None, now=now, expires_at=now,
    )  # fmt: skip
    assert added is not None
    enqueue(session, Work("delivery", added))


@pytest.mark.parametrize("broken", [False, True])
async def test_two_workers_and_a_kill_post_it_once(database: Database, *, broken: bool) -> None:
    company = Company(database)
    company.make("Net income")
    sweep(company, NOW)
    (post,) = database.in_read(lambda session: metric_posts.due(session, MONDAY))

    def killed(session: Session, work: Work) -> object:
        raise RuntimeError(f"killed before {work.id} was committed by {session}")

    with pytest.raises(RuntimeError, match="killed"):
        database.in_write(partial(weekly.tell, post=post, enqueue=killed, now=MONDAY))
    assert company.posts(weekly.WEEKLY) == []
    tell = without_a_claim if broken else weekly.tell

    def other(session: Session, work: Work) -> object:
        return company.enqueue(session, work)

    both = (partial(tell, post=post, enqueue=one, now=MONDAY) for one in (company.enqueue, other))
    await asyncio.gather(*(database.writing(one) for one in both))
    assert (len(company.posts(weekly.WEEKLY)) == len(company.enqueued) == 1) is not broken


def test_where_nobody_allows_it_any_more_nothing_is_posted_and_it_says_why(company: Company) -> None:
    metric = company.make("Net income")
    sweep(company, NOW)
    company.database.in_write(lambda session: channels.deny(session, *FINANCE.split("/")))
    sweep(company, MONDAY)
    (told,) = company.posts(weekly.WEEKLY)
    assert (told.state, company.enqueued) == (DeliveryState.SKIPPED, [])
    assert "no admin allows" in (told.reason or "")
    # Posted nowhere any more: nothing is planned.
    company.database.in_write(lambda session: metric_posts.move(session, metric, "", NOW))
    sweep(company, MONDAY + timedelta(days=7))
    assert company.planned() is None
    assert len(company.posts(weekly.WEEKLY)) == 1


def said(company: Company, now: datetime, *, believing: bool = False) -> str:
    """Return the post; a broken twin takes everything that has a value for current."""

    def read(session: Session) -> MetricsWeek:
        found = metric_posts.metrics_at(session, company.source.organization_id, FINANCE)
        return MetricsWeek("Temerity Goods", "UTC", tuple(weekly.with_values(session, found, now)))

    week = company.database.in_read(read)
    if believing:
        week = replace(week, shown=tuple(replace(one, state=MetricState.CURRENT, reason="") for one in week.shown))
    return str(metrics_week(week, now))


def old_is_marked(words: str) -> bool:
    """Whether a post of one metric of old data says so, compares nothing, and judges no target."""
    return all(one in words for one in ("(stale)", "older than promised", "white_circle", "not compared")) and not any(
        one in words for one in ("met (", "+30.00")
    )


def test_what_is_old_is_never_posted_as_current(company: Company) -> None:
    company.ready(NOW)
    company.make("Net income")
    fresh = said(company, NOW + timedelta(minutes=5))
    assert all(one in fresh for one in ("the metric is current", "+30.00 USD (+25.0 %)", "met (at least 100.00 USD)"))
    assert "profit and loss, read with every collection" in fresh
    assert "white_circle" not in fresh
    later = NOW + timedelta(days=3)
    assert old_is_marked(said(company, later))
    assert not old_is_marked(said(company, later, believing=True))


def test_the_table_is_narrow_and_what_is_alike_is_said_once(company: Company) -> None:
    """Name, value, change, target; as-of, oldest input and reasons stand below, once for all that share them."""
    company.ready(NOW)
    for name in ("Cash", "Net income", "Sales"):
        company.make(name)
    now = NOW + timedelta(minutes=5)
    posted = company.database.in_read(
        lambda session: metric_posts.metrics_at(session, company.source.organization_id, FINANCE)
    )
    shown = company.database.in_read(lambda session: weekly.with_values(session, posted, now))
    assert week_table(shown).columns == ("Metric", "Value", "Change", "Target")
    (alike,) = as_of_notes(shown, now)
    assert "Data as of" in str(alike)
    older = replace(shown[2], metric=replace(shown[2].metric, as_of=NOW - timedelta(hours=3)))
    first, other = as_of_notes([*shown[:2], older], now)
    assert "Sales: data as of" not in str(first)
    assert "Sales: data as of" in str(other)
    frozen = [replace(one, state=MetricState.FROZEN, reason="disconnected") for one in shown]
    (said,) = odd_notes(frozen, now)
    assert "Cash, Net income and Sales" in str(said)
    assert as_of_notes(frozen, now) == []


async def test_managers_choose_where_and_only_where_an_admin_allowed_it(company: Company) -> None:
    company.make("Net income", place="")
    desk, clock = Desk(company.database.url), OffsetClock()
    clock.offset = NOW - clock.base()
    room = Room("finance", shared=False, private=False, joined=True, archived=False)
    views = {"C0FINANCE": ChannelView(room, allowed=True), "C0OTHER": ChannelView(room, allowed=False)}
    views["C0PARTNERS"] = ChannelView(Room("partners", shared=True, private=False, joined=True, archived=False), True)

    async def look(_actor: Actor, place: Place) -> ChannelView:
        return views[place.channel_id]

    posting = MetricPosting(desk, clock, look)
    daniel, maya = company.actor("U0DANIEL"), company.actor("U0MAYA")
    keys = iter(range(100))

    def key() -> TriggerKey:
        return TriggerKey("T0TEMERITY", f"trg_{next(keys)}")

    try:
        done = await posting.post(daniel, "net INCOME", Place("T0TEMERITY", "C0FINANCE"), key())
        assert (done.name, done.channel, done.next_at) == ("Net income", "finance", MONDAY)
        friday = PostTime(4, time(16))
        done = await posting.at(daniel, Place("T0TEMERITY", "C0FINANCE"), friday, key())
        assert (done.channel, done.when, done.next_at) == ("finance", friday, datetime(2026, 11, 27, 21, tzinfo=UTC))
        assert company.planned() == done.next_at
        # Whoever posts another one there leaves the time as it is, unless they name one.
        assert (await posting.post(daniel, "Net income", Place("T0TEMERITY", "C0FINANCE"), key())).when == friday
        views["C0EMPTY"] = views["C0FINANCE"]
        with pytest.raises(NotFoundError):
            await posting.at(daniel, Place("T0TEMERITY", "C0EMPTY"), friday, key())
        with pytest.raises(NotAllowedError):
            await posting.at(maya, Place("T0TEMERITY", "C0FINANCE"), friday, key())
        for channel in ("C0OTHER", "C0PARTNERS"):
            with pytest.raises(ChannelRefusedError):
                await posting.post(daniel, "Net income", Place("T0TEMERITY", channel), key())
        with pytest.raises(NotFoundError):
            await posting.post(daniel, "Nothing", None, key())
        with pytest.raises(NotAllowedError):
            await posting.post(maya, "Net income", None, key())
        found = company.database.in_read(lambda session: metrics.named(session, company.source.organization_id, "Net income"))  # fmt: skip
        assert found is not None
        assert found.post_to == FINANCE
        assert (await posting.post(daniel, "Net income", None, key())).next_at is None
    finally:
        desk.close()


def test_a_workspace_that_is_another_organizations_by_now_is_posted_for_that_one(company: Company) -> None:
    """What an organization that left had planned there hides nothing of whoever has the workspace now."""
    company.make("Net income")
    sweep(company, NOW)

    def other(session: Session) -> None:
        session.add(OrganizationRow(id="org_next", name="Next", timezone="UTC", created_at=NOW))
        session.flush()
        metric_posts.begin(session, "org_next", FINANCE, NOW)

    company.database.in_write(other)
    found = company.database.in_read(lambda session: metric_posts.find(session, FINANCE))
    assert found == MetricPost(FINANCE, "org_next", NOW, planned=False)
    # What it has planned itself is left alone.
    company.database.in_write(lambda session: metric_posts.begin(session, "org_next", FINANCE, MONDAY))
    assert company.database.in_read(lambda session: metric_posts.find(session, FINANCE)) == found


def test_a_clock_that_ran_ahead_stops_no_posts(company: Company) -> None:
    company.make("Net income")
    sweep(company, NOW)
    sweep(company, NOW + timedelta(days=400))
    ahead = company.planned()
    assert ahead is not None
    assert ahead > NOW + timedelta(days=400)
    # Right again: what it missed then came early, and the next Monday is planned as if nothing had happened.
    sweep(company, NOW)
    sweep(company, NOW + timedelta(minutes=1))
    assert (company.planned(), len(company.posts(weekly.WEEKLY))) == (MONDAY, 1)


def test_a_digest_looks_up_the_values_that_it_shows_and_no_others(company: Company) -> None:
    for number in range(MOST + 3):
        company.make(f"Metric {number:02}")
    posted = company.database.in_read(
        lambda session: metric_posts.metrics_at(session, company.source.organization_id, FINANCE)
    )
    shown = company.database.in_read(lambda session: weekly.with_values(session, posted, NOW, MOST))
    assert [bool(one.values) for one in by_standing(shown)] == [True] * MOST + [False] * 3
    assert len(week_table(by_standing(shown)).rows) == MOST
