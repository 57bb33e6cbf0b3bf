"""Nothing is put under a report that went out already: what joins is told by a report of its own, within minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from jobs.expectations.reporting import Reporter
from jobs.schedule import schedule_of, start_run
from jobs.slots import latest_slot, next_slot
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.runs import Trigger
from storage.records import expectations
from storage.sessions import Database, Session
from storage.tables import MissedReportRow
from tests.jobs.expectations.ground import BEGAN, PLACES, Ground

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
Twin = Callable[[Ground], Reporter]


class Joins(Reporter):
    """Twin: what is found within a quarter of an hour of an open report belongs to it, without a word."""

    def _reported(self, session: Session, kind: ExpectationKind, now: datetime) -> None:
        lately = select(MissedReportRow.id).where(
            MissedReportRow.kind == kind,
            col(MissedReportRow.closed_at).is_(None),
            col(MissedReportRow.opened_at) > now - 15 * MINUTE,
        )
        known = session.exec(lately).first()
        if known is None:
            super()._reported(session, kind, now)
        else:
            expectations.report(session, kind, known)


def reporter(ground: Ground) -> Reporter:
    """Return the product's."""
    return Reporter(ground.database, ground.enqueue, PLACES)


def joins(ground: Ground) -> Reporter:
    """Return the twin."""
    return Joins(ground.database, ground.enqueue, PLACES)


def miss(ground: Ground, kind: ExpectationKind, subject: str, organization_id: str = "org_1") -> None:
    """Let something be missed now."""
    now = ground.clock.now()
    wanted = Expected(kind, subject, "", now, now, organization_id)
    assert ground.database.in_write(lambda session: expectations.note_missed(session, wanted, now))


@pytest.mark.parametrize("make, tells", [(reporter, True), (joins, False)], ids=["product", "twin"])
def test_a_schedule_that_stops_right_after_a_report_is_told_in_five_minutes(
    sqlite_database: Database, make: Twin, *, tells: bool
) -> None:
    ground = Ground(sqlite_database)
    held, stopped, *others = ground.sources()
    ledger = ground.ledger()
    ledger.__dict__["_reporter"] = make(ground)
    # Its slots are neither met nor missed, so that the report about an older one of it stays open.
    sqlite_database.in_write(
        lambda session: start_run(session, held, Trigger.REQUEST, "held", BEGAN, ground.enqueue, collects=True)
    )
    ground.pass_time(ledger, BEGAN + 6 * MINUTE, [stopped, *others])
    due = next_slot(schedule_of(stopped), ground.clock.now())
    ground.pass_time(ledger, due + 170 * SECOND, others, step=10 * SECOND)
    assert ground.told() == []
    now = ground.clock.now()
    slot = latest_slot(schedule_of(held), BEGAN - timedelta(days=1))
    before = Expected(ExpectationKind.SLOT, held.id, slot.key, slot.at, now, held.organization_id, held.id)
    sqlite_database.in_write(lambda session: expectations.note_missed(session, before, now))
    make(ground).report(now)
    assert len(ground.told()) == 2
    ground.pass_time(ledger, due + 5 * MINUTE, others, step=10 * SECOND)
    assert [one.subject for one in ground.missed] == [stopped.id]
    # The first two went out before.
    about = ground.told()[2:]
    assert bool(about) == tells
    assert all(stopped.label in ground.message(one) and one.created_at <= due + 5 * MINUTE for one in about)


@pytest.mark.parametrize("kind", list(ExpectationKind))
@pytest.mark.parametrize("make, tells", [(reporter, True), (joins, False)], ids=["product", "twin"])
def test_whatever_joins_is_gathered_for_a_report_of_its_own(
    sqlite_database: Database, make: Twin, kind: ExpectationKind, *, tells: bool
) -> None:
    ground = Ground(sqlite_database)
    reports = make(ground)
    miss(ground, kind, "one")
    reports.report(ground.clock.now())
    assert len(ground.told()) == 2
    for number in range(9):
        ground.clock.advance(10 * SECOND)
        miss(ground, kind, f"more_{number}", f"org_{number + 2}")
        reports.report(ground.clock.now())
        # Nine at once are one report, and not nine.
        assert len(ground.told()) == 2
    ground.clock.advance(10 * SECOND)
    reports.report(ground.clock.now())
    assert (len(ground.told()) == 4) == tells
    if tells:
        assert "9 " in ground.words(ground.told()[2])


def test_more_messages_of_a_company_that_is_known_to_be_cut_off_are_no_news_for_an_hour(database: Database) -> None:
    ground = Ground(database)
    reports = reporter(ground)
    for number, company in enumerate(["org_1", "org_1", "org_1", "org_2", "org_1", "org_2"]):
        miss(ground, ExpectationKind.DELIVERY, f"dlv_{number}", company)
        reports.report(ground.clock.now())
        ground.clock.advance(4 * MINUTE)
    assert [one.channel for one in ground.told()] == ["slack", "email"] * 2
    ground.clock.advance(timedelta(hours=1))
    miss(ground, ExpectationKind.DELIVERY, "dlv_later", "org_1")
    reports.report(ground.clock.now())
    assert len(ground.told()) == 6


def test_a_clock_that_was_set_back_does_not_gather_until_then(sqlite_database: Database) -> None:
    ground = Ground(sqlite_database)
    reports = reporter(ground)
    miss(ground, ExpectationKind.COLLECTION, "run_1")
    reports.report(ground.clock.now())
    ground.clock.advance(-timedelta(hours=5))
    miss(ground, ExpectationKind.COLLECTION, "run_2")
    reports.report(ground.clock.now())
    assert len(ground.told()) == 4
