"""What joins a report is edited in and told: within minutes at first, and then not once for each of it."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from jobs.expectations.reporting import Reporter
from jobs.schedule import schedule_of, start_run
from jobs.slots import latest_slot, next_slot
from storage.facts.deliveries import Channel
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.runs import Trigger
from storage.records import cards, deliveries, expectations
from storage.records.missed_reports import Living
from storage.sessions import Database, Session
from tests.jobs.expectations.ground import BEGAN, PLACES, Ground
from tests.storage.test_seeding import ORGANIZATION

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
Twin = Callable[[Ground], Reporter]


class Joins(Reporter):
    """Twin: what is found while a report is open belongs to it, without a word."""

    def _more(self, session: Session, report: Living, now: datetime) -> None:
        return


class Alone(Reporter):
    """Twin: whatever is missed has a report of its own."""

    def _living(self, session: Session, kind: ExpectationKind, now: datetime) -> Living | None:
        return None


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
def test_whatever_joins_is_gathered_for_a_message_of_its_own(
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


@pytest.mark.parametrize("make, few", [(Reporter, True), (Alone, False)], ids=["product", "twin"])
def test_a_clock_that_stands_for_half_an_hour_is_one_living_report(
    sqlite_database: Database, make: type[Reporter], *, few: bool
) -> None:
    ground = Ground(sqlite_database)
    reports = make(sqlite_database, ground.enqueue, PLACES)
    for number in range(18):
        miss(ground, ExpectationKind.SLOT, f"src_{number}", f"org_{number}")
        reports.report(ground.clock.now())
        ground.clock.advance(100 * SECOND)
    told = [one for one in ground.told() if one.channel is Channel.SLACK]
    assert (len(told) <= 6) == few
    assert ("18 " in ground.words(told[0])) == few
    if few:
        # Between them they count everything once.
        said = [int(ground.words(one).split()[0]) for one in told[1:]]
        with sqlite_database.read() as session:
            totals = [deliveries.facts_of(session, one.id)["total"] for one in told]
        assert said == [after - before for before, after in itertools.pairwise(totals)]


@pytest.mark.parametrize("make, shown", [(Reporter, True), (Alone, False)], ids=["product", "twin"])
def test_stuck_messages_of_one_company_are_counted_in_the_post_that_is_there(
    sqlite_database: Database, make: type[Reporter], *, shown: bool
) -> None:
    ground = Ground(sqlite_database)
    reports = make(sqlite_database, ground.enqueue, PLACES)

    def stuck(subject: str, kind: str) -> None:
        def write(session: Session) -> str | None:
            now = ground.clock.now()
            return deliveries.add(
                session, organization_id=ORGANIZATION, kind=kind, subject=subject, channel=Channel.SLACK,
                destination="T0TEMERITY/C0FINANCE", member_id=None, now=now, expires_at=now + timedelta(days=1),
            )  # fmt: skip

        miss(ground, ExpectationKind.DELIVERY, sqlite_database.in_write(write) or "", ORGANIZATION)
        reports.report(ground.clock.now())

    stuck("rfr_1", "refresh_finished")
    post, _mail = ground.told()
    (card,) = sqlite_database.in_read(lambda session: cards.of_subject(session, post.kind, post.subject))
    sqlite_database.in_write(lambda session: cards.posted(session, card.id, "C0DATASUP", "1.1", "x", BEGAN))
    sqlite_database.in_write(lambda session: cards.look_later(session, card.id, claimed_until=BEGAN, next_look=None))
    ground.clock.advance(4 * MINUTE)
    stuck("rfr_2", "refresh_finished")
    stuck("inc_1", "incident_card")
    due = sqlite_database.in_read(lambda session: cards.due(session, ground.clock.now()))
    assert ([one.id for one in due] == [card.id]) == shown
    assert ("2 × Result and 1 × Warning" in ground.message(post)) == shown
    if shown:
        # The same trouble of the same company: the next word comes when the hour is over.
        assert len(ground.told()) == 2
        ground.clock.advance(timedelta(hours=1))
        reports.report(ground.clock.now())
        assert [ground.words(one)[:7] for one in ground.told()[2:]] == ["2 more "] * 2


def test_a_clock_that_was_set_back_does_not_gather_until_then(sqlite_database: Database) -> None:
    ground = Ground(sqlite_database)
    reports = reporter(ground)
    miss(ground, ExpectationKind.COLLECTION, "run_1")
    reports.report(ground.clock.now())
    ground.clock.advance(-timedelta(hours=5))
    miss(ground, ExpectationKind.COLLECTION, "run_2")
    reports.report(ground.clock.now())
    assert len(ground.told()) == 4
