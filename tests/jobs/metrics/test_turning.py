"""Receivers hear of each turn of a metric once: stale by time, frozen by a disconnect, broken, current again."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import col, select

from jobs.desk import Desk
from jobs.home import HomeService
from jobs.metrics import turning
from jobs.metrics.standing import BEHIND, shown_of, standing
from jobs.outgoing import events
from storage.facts.clock import OffsetClock
from storage.facts.metrics import Dataset, Definition, Failing, Kept, MetricState, Selection
from storage.facts.outgoing import EventType
from storage.facts.sources import ConnectionState
from storage.records import last_runs, metric_keeping, metric_told, metrics, outgoing
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, MetricRow, OutgoingMessageRow
from templates.notices.metrics import metric_shown
from tests.jobs.metrics.standing_metrics import NOW, Company
from tests.storage.test_seeding import ORGANIZATION

Tell = Callable[..., None]


def forgetful(session: Session, organization_id: str, now: datetime) -> None:
    """The bug: nobody remembers what was told, so each look tells it again."""
    for one in turning.turned(session, organization_id, now):
        events.metric_turned(session, one.shown, None, one.before or "current", now)


def listening(database: Database) -> Company:
    company = Company(database)
    wants = (EventType.METRIC_UPDATED,)
    company.database.in_write(
        lambda session: outgoing.add_endpoint(
            session, "hook_1", ORGANIZATION, "https://127.0.0.1:9/in", wants, b"x", "mem_1", NOW
        )
    )
    return company


def told(company: Company) -> list[dict[str, Any]]:
    rows = select(OutgoingMessageRow.body).order_by(col(OutgoingMessageRow.created_at))
    return [json.loads(body)["data"] for body in company.database.in_read(lambda session: session.exec(rows).all())]


def connected(company: Company, state: ConnectionState) -> None:
    def change(session: Session) -> None:
        session.get_one(ConnectionRow, company.source.id).state = state.value

    company.database.in_write(change)


def looks(company: Company, now: datetime, tell: Tell = turning.tell) -> None:
    """Look twice, as two workers or one that was killed do."""
    for seconds in (0, 60):
        at = now + timedelta(seconds=seconds)
        company.database.in_write(partial(tell, organization_id=ORGANIZATION, now=at))


@pytest.mark.parametrize("loses", [False, True])
def test_each_turn_is_told_once(sqlite_database: Database, *, loses: bool) -> None:
    company, tell = listening(sqlite_database), forgetful if loses else turning.tell
    company.ready(NOW)
    metric = company.make("Net income")
    company.database.in_write(lambda session: metric_told.note(session, [metric.id], MetricState.CURRENT))
    looks(company, NOW, tell)
    later = NOW + timedelta(days=3)
    looks(company, later, tell)
    if loses:
        assert len(told(company)) == 2
        return
    connected(company, ConnectionState.DISCONNECTED)
    looks(company, later + timedelta(hours=1), tell)
    connected(company, ConnectionState.CONNECTED)
    back = later + timedelta(hours=2)
    company.ready(back)
    company.calculated("Net income", back)
    looks(company, back, tell)
    company.database.in_write(
        lambda session: metrics.mark_broken(session, metric, "Cash is not in QuickBooks any more")
    )
    looks(company, back, tell)
    found = told(company)
    assert [(one["turned_from"], one["state"], one["stale"]) for one in found] == [
        ("current", "stale", True),
        ("stale", "frozen", True),
        ("frozen", "current", False),
        ("current", "broken", True),
    ]
    assert "older than promised" in found[0]["why_not_current"]
    assert found[2]["why_not_current"] == ""
    assert {one["value"] for one in found} == {"150"}


def test_the_moment_after_each_run_is_no_turn(sqlite_database: Database) -> None:
    """A metric is behind a run until it is calculated; only where that lasts is it told."""
    company = listening(sqlite_database)
    company.ready(NOW)
    metric = company.make("Net income")
    company.database.in_write(lambda session: metric_told.note(session, [metric.id], MetricState.CURRENT))
    run = NOW + timedelta(minutes=50)
    company.ready(run)
    looks(company, run + timedelta(seconds=5))
    assert told(company) == []
    looks(company, run + timedelta(minutes=16))
    assert [one["state"] for one in told(company)] == ["stale"]


def test_what_nothing_was_told_of_is_noted_and_what_is_calculated_tells_itself(sqlite_database: Database) -> None:
    company = listening(sqlite_database)
    company.ready(NOW)
    metric = company.make("Net income")
    looks(company, NOW + timedelta(days=3))
    assert told(company) == []

    def calculated(session: Session) -> None:
        of = Calculated("run_1", 8, NOW + timedelta(days=3), "USD", 1)
        values = metrics.newest_values(session, metric.id)
        assert events.metric_updated(session, metric, values, of, NOW, stale=False)
        metric_keeping.keep(session, metric, [one.value for one in values], of, NOW)
        assert session.get_one(MetricRow, metric.id).told_state == "stale"

    company.database.in_write(calculated)
    (said,) = told(company)
    assert (said["turned_from"], said["state"]) == (None, "current")
    # With another definition it is being calculated: that is told with its new value.
    company.database.in_write(lambda session: metrics.redefine(session, metric, metric.definition, "mem_1", NOW))
    looks(company, NOW + timedelta(days=4))
    assert len(told(company)) == 1


@pytest.mark.parametrize("loses", [False, True], ids=["looks at the calculation", "twin: at the as-of alone"])
async def test_what_is_read_once_a_day_is_not_current_while_its_calculation_fails(
    sqlite_database: Database, *, loses: bool
) -> None:
    """Its as-of is that of the ledger, and says nothing of a newer reading that is not calculated."""
    company = Company(sqlite_database)
    daily = company.make("Sold", definition=Definition(Selection(Dataset.REVENUE)))
    late = NOW + timedelta(minutes=50)
    company.ready(late)

    def fails(session: Session) -> None:
        metrics.due(session, daily.source_id, late)
        (turn,) = metrics.due_turns(session, late)
        taken = metrics.claim(session, turn, late, late + timedelta(minutes=5))
        assert taken is not None
        metrics.again_at(session, taken, late + timedelta(hours=1), "calculating it did not end in time", late)

    def seen(session: Session) -> list[tuple[MetricState, str]]:
        now = late + timedelta(minutes=6)
        (one,) = shown_of(session, metrics.of_organization(session, ORGANIZATION), {}, now)
        last = last_runs.ready_of(session, [daily.source_id])[daily.source_id]
        found = standing(one.metric, company.source, last, None, now) if loses else (one.state, one.reason)
        return [found]

    assert company.database.in_read(seen) == [(MetricState.CURRENT, "")]
    company.database.in_write(fails)
    ((state, reason),) = company.database.in_read(seen)
    assert ((state, reason) == (MetricState.STALE, f"{BEHIND}: calculating it did not end in time")) is not loses
    if not loses:
        service = HomeService(
            Desk(company.database.url), company.database, OffsetClock(base=lambda: late), read_budget=60
        )
        board = (await service.index(company.actor("U0MAYA"))).board
        assert board is not None
        assert [(one.state, one.reason) for one in board.shown] == [(state, reason)]


@pytest.mark.parametrize("loses", [False, True], ids=["looks at the run", "twin: knows of no run"])
def test_what_is_of_the_newest_run_stays_current_while_another_ones_calculation_fails(
    sqlite_database: Database, *, loses: bool
) -> None:
    """Somebody makes a metric that cannot be calculated: those beside it are of the newest data as before."""
    company = Company(sqlite_database)
    daily = company.make("Sold", definition=Definition(Selection(Dataset.REVENUE)))
    company.ready(NOW)

    def work(session: Session) -> list[MetricState]:
        if not loses:
            last = last_runs.ready_of(session, [daily.source_id])[daily.source_id]
            metrics.verified(session, daily.source_id, last.id, {daily.id: NOW}, NOW)
        later = NOW + timedelta(minutes=5)
        metrics.due(session, daily.source_id, later)
        (turn,) = metrics.due_turns(session, later)
        taken = metrics.claim(session, turn, later, later + timedelta(minutes=5))
        assert taken is not None
        metrics.again_at(session, taken, later, "calculating it did not end in time", later)
        return [one.state for one in shown_of(session, metrics.of_organization(session, ORGANIZATION), {}, later)]

    assert (company.database.in_write(work) == [MetricState.CURRENT]) is not loses


@pytest.mark.parametrize("loses", [False, True])
def test_a_calculation_that_fails_says_what_since_when_and_when_it_is_tried_again(
    sqlite_database: Database, *, loses: bool
) -> None:
    """The twin keeps what went wrong to itself: the card says no more than that newer data is not calculated."""
    company = Company(sqlite_database)
    company.ready(NOW)
    metric = company.make("Net income")
    late = NOW + timedelta(minutes=50)
    company.ready(late)

    def fails(session: Session, at: datetime) -> None:
        metrics.due(session, metric.source_id, at)
        (turn,) = metrics.due_turns(session, at)
        taken = metrics.claim(session, turn, at, at + timedelta(minutes=5))
        assert taken is not None
        what = "calculating it did not end in time, and is tried again by itself"
        metrics.again_at(session, taken, at + timedelta(seconds=20), what, at)

    for minutes in (0, 5):
        if not loses:
            company.database.in_write(partial(fails, at=late + timedelta(minutes=minutes)))
    now = late + timedelta(minutes=6)
    values: dict[str, tuple[Kept, ...]] = {metric.id: ()}
    (shown,) = company.database.in_read(
        lambda session: shown_of(session, metrics.of_organization(session, ORGANIZATION), values, now)
    )
    assert (shown.state, BEHIND in shown.reason) == (MetricState.STALE, True)
    said = str(metric_shown(shown, now))
    assert ("did not end in time" in said and "it is tried again at" in said) is not loses
    if loses:
        return
    assert shown.failing == Failing(shown.failing.what if shown.failing else "", late, now - timedelta(seconds=40))

    def ends(session: Session) -> None:
        (turn,) = metrics.due_turns(session, now)
        assert metrics.done(session, turn, "")

    company.database.in_write(ends)
    assert company.database.in_read(lambda session: metrics.failing(session, [metric.source_id])) == {}
