"""Quiet hours: what falls into them waits and is never lost, never twice; calls for help wait for nobody."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs.desk import Desk
from jobs.notify.kinds import (
    AGAIN,
    ESCALATIONS,
    EXPIRY_WARNING,
    INCIDENT_CARD,
    INCIDENT_MAIL,
    INCIDENT_REMINDER,
    KEEP_TRYING,
    OWNER_LEFT,
    REFRESH_CARD,
    REFRESH_FINISHED,
    TEST,
)
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.capping import BUNDLE
from jobs.subscriptions.holding import MOST_ALONE, NEVER_HELD, held_until, hold, release
from jobs.subscriptions.quieting import QuietService
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import CONNECT_CODE, Channel, Delivery, DeliveryState
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Member, Role, SlackIdentity
from storage.facts.quiet import Quiet
from storage.facts.sources import Provider
from storage.facts.timelines import Reader, Timeline, Told
from storage.records import audit, deliveries, members, organizations, overdue, quiet
from storage.sessions import Database, Session
from storage.tables import OrganizationRow, RefreshPersonRow, RefreshRow, WorkspaceRow
from templates import slack
from templates.notices import telling
from tests.jobs.stage import staged
from tests.waiting import eventually

#: 22:00 in New York, in the middle of the quiet hours; they end at 07:30 EST.
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
NIGHT = Quiet(time(20, 0), time(7, 30))
PLACE = "T0TEMERITY/U0MAYA"


class Table:
    """Maya, her quiet hours, and what a worker enqueues."""

    def __init__(self, database: Database, *, quiet_nights: bool = True) -> None:
        self.database = database
        self._quiet_nights = quiet_nights
        self.enqueued: list[Work] = []
        self.maya = database.in_write(self._seed)

    def _seed(self, session: Session) -> Member:
        session.add(OrganizationRow(id="org_1", name="Temerity", timezone="UTC", created_at=NOW))
        session.flush()
        session.add(WorkspaceRow(team_id="T0TEMERITY", organization_id="org_1", name="Temerity"))
        session.flush()
        identity = SlackIdentity("T0TEMERITY", "U0MAYA")
        maya, _ = members.admit(session, "org_1", identity, "Maya", "America/New_York", Role.REFRESHER)
        organizations.set_email(session, maya.id, "maya@temerity.example", confirmed_at=NOW, refused_at=None)
        quiet.set_hours(session, maya, NIGHT if self._quiet_nights else None, NOW)
        return maya

    def enqueue(self, session: Session, work: Work) -> object:
        assert session.is_active
        self.enqueued.append(work)
        return None

    def asked(
        self, kind: str, subject: str = "", *, place: str = PLACE, expires: timedelta = KEEP_TRYING, own: bool = True
    ) -> Delivery:
        """Ask for a message to her."""

        def add(session: Session) -> Delivery:
            channel = Channel.EMAIL if "@" in place else Channel.SLACK
            added = deliveries.add(
                session, organization_id="org_1", kind=kind, subject=subject or new_id("sub"), channel=channel,
                destination=place, member_id=self.maya.id if own else None, now=NOW, expires_at=NOW + expires,
            )  # fmt: skip
            assert added is not None
            return deliveries.delivery(session, added)

        return self.database.in_write(add)

    def held(self, kind: str, subject: str = "", *, place: str = PLACE) -> Delivery:
        """Ask for one that is held."""
        one = self.asked(kind, subject, place=place)
        assert self.database.in_write(lambda session: hold(session, one, MORNING))
        return self.now(one)

    def now(self, one: Delivery) -> Delivery:
        """As it stands now."""
        return self.database.in_read(lambda session: deliveries.delivery(session, one.id))

    def until(self, one: Delivery, at: datetime = NOW) -> datetime | None:
        return self.database.in_read(lambda session: held_until(session, one, at))

    def release(self, at: datetime = MORNING, how: object = release) -> None:
        """Do what the sweep does."""
        assert callable(how)
        due = self.database.in_read(lambda session: quiet.due(session, at))
        if due:
            self.database.in_write(partial(how, held=due, enqueue=self.enqueue, now=at))


@pytest.fixture
def table(sqlite_database: Database) -> Table:
    return Table(sqlite_database)


def until_for_everything(session: Session, delivery: Delivery, now: datetime) -> datetime | None:
    """The bug: an escalation is a message like any other, and waits for the morning."""
    return None if held_until(session, delivery, now) is None and delivery.member_id is None else MORNING


def test_calls_for_help_and_answers_are_never_held_and_everything_else_to_the_person_is(table: Table) -> None:
    assert ESCALATIONS | {CONNECT_CODE, REFRESH_CARD, TEST, AGAIN} == NEVER_HELD
    for kind in sorted(NEVER_HELD):
        one = table.asked(kind)
        assert table.until(one) is None, kind
        broken = table.database.in_read(lambda session, one=one: until_for_everything(session, one, NOW))  # type: ignore[misc]
        assert broken == MORNING
    assert table.until(table.asked(EXPIRY_WARNING)) == MORNING
    assert table.until(table.asked(EXPIRY_WARNING, place="maya@temerity.example")) == MORNING
    assert table.until(table.asked("a kind of tomorrow")) == MORNING
    # Channels and support have no quiet hours; nor has she, once they are over.
    assert table.until(table.asked(INCIDENT_CARD, place="T0TEMERITY/C0FINANCE")) is None
    assert table.until(table.asked(INCIDENT_MAIL, place="support@tidings.example", own=False)) is None
    assert table.until(table.asked(EXPIRY_WARNING), MORNING) is None


def test_whoever_asks_in_the_night_gets_the_answer_in_the_night(table: Table) -> None:
    def refresh(session: Session, joined: datetime) -> str:
        refresh_id = new_id("rfr")
        asker = table.maya.id
        session.add(
            RefreshRow(id=refresh_id, organization_id="org_1", requested_by=asker, requested_at=joined, everything=True)
        )
        session.flush()
        session.add(RefreshPersonRow(refresh_id=refresh_id, member_id=table.maya.id, joined_at=joined))
        return refresh_id

    tonight = table.database.in_write(lambda session: refresh(session, NOW))
    before = table.database.in_write(lambda session: refresh(session, NOW - timedelta(hours=3)))
    assert table.until(table.asked(REFRESH_FINISHED, tonight)) is None
    assert table.until(table.asked(REFRESH_FINISHED, before)) == MORNING


def swallow(session: Session, *, held: Sequence[Delivery], enqueue: object, now: datetime) -> None:
    """The bug: what was held is forgotten."""
    assert callable(enqueue)
    for one in held:
        quiet.drop(session, one.id, "quiet hours", now)


@pytest.mark.parametrize("broken", [False, True])
def test_what_was_held_is_sent_however_short_it_was_worth_it(table: Table, *, broken: bool) -> None:
    one = table.asked(EXPIRY_WARNING, expires=timedelta(hours=1))
    table.database.in_write(lambda session: hold(session, one, MORNING))
    held = table.now(one)
    assert (held.state, held.held_until, held.expires_at) == (DeliveryState.HELD, MORNING, MORNING + KEEP_TRYING)
    # It is not late while it is held; it is when nobody lets it go afterwards.
    late = partial(overdue.deliveries, but=())
    assert table.database.in_read(lambda session: late(session, MORNING - timedelta(seconds=1), MORNING)) == []
    assert len(table.database.in_read(lambda session: late(session, MORNING, MORNING + timedelta(minutes=15)))) == 1
    table.release(MORNING - timedelta(seconds=1))
    assert table.enqueued == []
    table.release(how=swallow if broken else release)
    told = table.now(one).state is DeliveryState.PENDING and [work.subject for work in table.enqueued] == [one.id]
    assert told is not broken
    if not broken:
        assert [work.attempt for work in table.enqueued] == [2]
        assert table.database.in_read(lambda session: late(session, NOW + timedelta(hours=1), MORNING)) == []


def test_many_become_one_and_what_is_over_is_dropped_with_the_reason(table: Table) -> None:
    ready = [table.held(OWNER_LEFT) for _ in range(MOST_ALONE + 1)]
    over = table.held(INCIDENT_REMINDER, "inc_gone.1")
    table.release()
    assert table.now(over).reason == "it was over before the quiet hours ended"
    (work,) = table.enqueued
    bundle = table.database.in_read(lambda session: deliveries.delivery(session, work.subject))
    assert (bundle.kind, bundle.state, bundle.destination) == (BUNDLE, DeliveryState.PENDING, PLACE)
    facts = table.database.in_read(lambda session: deliveries.facts_of(session, bundle.id))
    assert set(facts["held"]) == {one.id for one in ready}
    assert all(bundle.id in (table.now(one).reason or "") for one in ready)


def test_nothing_goes_to_whoever_left_or_to_an_address_that_is_theirs_no_more(table: Table) -> None:
    mail = table.held(EXPIRY_WARNING, place="old@temerity.example")
    table.release()
    assert table.now(mail).reason == "the address was no longer confirmed when the quiet hours ended"
    post = table.held(EXPIRY_WARNING)
    table.database.in_write(lambda session: members.remove(session, table.maya.id, NOW))
    table.release()
    assert table.now(post).reason == "the person left the company while it was held"
    assert table.enqueued == []


async def test_two_workers_let_it_go_once(database: Database) -> None:
    table = Table(database)
    alone = table.held(EXPIRY_WARNING)
    due = table.database.in_read(lambda session: quiet.due(session, MORNING))
    many = [table.held(OWNER_LEFT, place="maya@temerity.example") for _ in range(MOST_ALONE + 1)]
    mails = [one for one in table.database.in_read(lambda session: quiet.due(session, MORNING)) if one.id != alone.id]
    assert len(mails) == len(many)
    for ones in (due, mails):
        await asyncio.gather(
            *(database.writing(partial(release, held=ones, enqueue=table.enqueue, now=MORNING)) for _ in range(2))
        )
    assert len({work.id for work in table.enqueued}) == len(table.enqueued) == 2


def test_hours_that_change_move_what_is_held(table: Table) -> None:
    one, at = table.held(EXPIRY_WARNING), NOW + timedelta(hours=1)
    table.database.in_write(lambda session: quiet.set_hours(session, table.maya, Quiet(time(21), time(9)), at))
    table.release(at)
    assert table.now(one).held_until == datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
    table.database.in_write(lambda session: quiet.set_hours(session, table.maya, None, at))
    table.release(at)
    assert [work.subject for work in table.enqueued] == [one.id]


def test_the_timeline_says_until_when(table: Table) -> None:
    one = table.held(EXPIRY_WARNING)
    timeline = Timeline(one.subject, (Told(one, Reader.YOU, "Maya", one.kind),), None, by_mail=True)
    said = str(slack.render(telling.deliveries("Temerity", timeline, value=None), zone="America/New_York"))
    assert "held until" in said
    assert "7:30" in said
    assert "EST" in said


async def test_held_in_the_night_and_sent_in_the_morning(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        maya, now = stage.member(), stage.clock.now()
        here = now.astimezone(UTC)
        around = Quiet((here - timedelta(hours=1)).time().replace(second=0, microsecond=0),
                       (here + timedelta(hours=2)).time().replace(second=0, microsecond=0))  # fmt: skip
        with stage.database.write() as session:
            members.introduce(session, SlackIdentity(maya.team_id, maya.user_id), maya.name, "UTC")
            quiet.set_hours(session, maya, around, now)
            added = deliveries.add(
                session, organization_id=maya.organization_id, kind=EXPIRY_WARNING,
                subject=f"{stage.source(Provider.SHOPIFY).id}.soon", channel=Channel.SLACK,
                destination=f"{maya.team_id}/{maya.user_id}", member_id=maya.id, now=now, expires_at=now + KEEP_TRYING,
            )  # fmt: skip
            assert added is not None
            stage.jobs.engine.enqueue(session, Work("delivery", added, queue="notify"))

        def state(wanted: DeliveryState) -> Delivery | None:
            one = stage.database.in_read(lambda session: deliveries.delivery(session, added))
            return one if one.state is wanted else None

        held = await eventually(lambda: state(DeliveryState.HELD))
        assert held.attempts == 0
        stage.clock.advance(timedelta(hours=2))
        sent = await eventually(lambda: state(DeliveryState.SENT))
        assert sent.attempts == 1


async def test_hours_are_saved_once_and_written_down(sqlite_database: Database) -> None:
    table, desk, clock = Table(sqlite_database), Desk(sqlite_database.url), OffsetClock()
    try:
        service, maya = QuietService(desk, clock), Actor(SlackIdentity("T0TEMERITY", "U0MAYA"), table.maya)
        key = TriggerKey("T0TEMERITY", "trg_1")
        for _ in range(2):
            view = await service.choose(maya, Quiet(time(21), time(6)), key)
        assert (view.quiet, view.zone) == (Quiet(time(21), time(6)), "America/New_York")
        since = clock.now() - timedelta(minutes=5)
        said = sqlite_database.in_read(
            lambda session: audit.said_since(session, "org_1", Action.CHOOSE_MESSAGES, table.maya.id, since)
        )
        assert len(said) == 1
        # A click that comes again, after others, changes nothing back.
        await service.choose(maya, None, TriggerKey("T0TEMERITY", "trg_2"))
        assert (await service.choose(maya, Quiet(time(21), time(6)), key)).quiet is None
    finally:
        desk.close()
