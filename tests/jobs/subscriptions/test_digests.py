"""Digests: once a local day whoever tries, over every change of the clocks, and not when there is nothing to tell."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError
from jobs.refresh.ask import Place, TriggerKey
from jobs.subscriptions import digesting
from jobs.subscriptions.digests import DigestService
from jobs.subscriptions.local import local_day, next_due
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.people import Actor, Member, Role, SlackIdentity
from storage.facts.quiet import Digest, Rhythm
from storage.facts.subscriptions import BOTH, Topic
from storage.records import channels, deliveries, digests, members, subscriptions
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, OrganizationRow, WorkspaceRow
from templates import mail, slack

NEW_YORK = "America/New_York"
#: Saturday before the clocks of New York go back, at noon.
NOW = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
HERE = Place("T0TEMERITY", "C0FINANCE")


class Company:
    """A company with a channel and two people, nothing of which anything happened to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.enqueued: list[Work] = []
        self.maya, self.daniel = database.in_write(self._seed)

    def _seed(self, session: Session) -> tuple[Member, Member]:
        session.add(OrganizationRow(id="org_1", name="Temerity", timezone=NEW_YORK, created_at=NOW))
        session.flush()
        session.add(WorkspaceRow(team_id="T0TEMERITY", organization_id="org_1", name="Temerity"))
        session.flush()
        channels.allow(session, HERE.team_id, HERE.channel_id, NOW)
        found = []
        for user, role in (("U0MAYA", Role.REFRESHER), ("U0DANIEL", Role.ADMIN)):
            member, _ = members.admit(session, "org_1", SlackIdentity("T0TEMERITY", user), user, NEW_YORK, role)
            found.append(member)
        session.flush()
        return found[0], found[1]

    def enqueue(self, session: Session, work: Work) -> object:
        assert session.is_active
        self.enqueued.append(work)
        return None

    def keep(self, at: time) -> Digest:
        """Set Maya's digest as it would be set now."""
        due, _ = next_due(Rhythm(at), NEW_YORK, NOW)
        one = Digest(
            "dig_maya", "org_1", self.maya.id, "T0TEMERITY/U0MAYA", Rhythm(at), frozenset({Channel.SLACK}), due, NOW
        )
        self.database.in_write(lambda session: digests.keep(session, one))
        return one

    def something_happens(self, number: int, at: datetime) -> None:
        """Let a message to her be lost: the smallest thing that a digest tells."""

        def lose(session: Session) -> None:
            added = deliveries.add(
                session, organization_id="org_1", kind="run_ready", subject=f"run_{number}", channel=Channel.SLACK,
                destination="T0TEMERITY/U0MAYA", member_id=self.maya.id, now=at, expires_at=at,
            )  # fmt: skip
            assert added is not None
            deliveries.settle(session, added, DeliveryState.FAILED, now=at, reason="user_disabled")

        self.database.in_write(lose)

    def sweep(self, now: datetime, tell: Callable[..., None] = digesting.tell) -> None:
        """Do what the sweep does."""
        for one in self.database.in_read(lambda session: digests.due(session, now)):
            self.database.in_write(partial(tell, one=one, enqueue=self.enqueue, now=now))

    def told(self) -> list[Delivery]:
        """The digests that were asked for."""

        def read(session: Session) -> list[Delivery]:
            statement = select(DeliveryRow).where(DeliveryRow.kind == digesting.DIGEST)
            rows = session.exec(statement.order_by(DeliveryRow.subject))
            return [deliveries.as_delivery(row) for row in rows]

        return self.database.in_read(read)


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


def by_hours(session: Session, *, one: Digest, enqueue: Callable[..., object], now: datetime) -> None:
    """The bug: every 24 hours by UTC, whatever the clocks on the wall say, and a key of the instant."""
    if digests.claim(session, one, one.due_at + timedelta(hours=24)):
        day = f"{one.due_at.isoformat()}"
        digesting._add(session, one, f"{one.id}.{day}", Channel.SLACK, None, enqueue, now)
        digests.told(session, one.id, now)


@pytest.mark.parametrize("tell", [digesting.tell, by_hours])
@pytest.mark.parametrize("at", [time(0, 30), time(1, 30)])
def test_each_local_day_has_one_digest_when_the_clocks_go_back(
    company: Company, at: time, tell: Callable[..., None]
) -> None:
    company.keep(at)
    now = NOW
    for number in range(4 * 24 * 2):
        now += timedelta(minutes=30)
        company.something_happens(number, now)
        company.sweep(now, tell)
    told = company.told()
    days = [local_day(NEW_YORK, one.created_at) for one in told]
    clocks = {one.created_at.astimezone(ZoneInfo(NEW_YORK)).time() for one in told}
    right = days == [date(2026, 11, day) for day in (1, 2, 3, 4)] and clocks == {at}
    assert right is (tell is digesting.tell)


def without_a_claim(session: Session, *, one: Digest, enqueue: Callable[..., object], now: datetime) -> None:
    """The bug: whoever saw that it is due tells it, under a key of its own."""
    digesting._add(session, one, f"{one.id}.{now.timestamp()}.{id(enqueue)}", Channel.SLACK, None, enqueue, now)
    digests.told(session, one.id, now)


@pytest.mark.parametrize("broken", [False, True])
async def test_two_workers_tell_it_once(database: Database, *, broken: bool) -> None:
    company = Company(database)
    one = company.keep(time(8, 30))
    company.something_happens(1, one.due_at - timedelta(hours=1))
    tell = without_a_claim if broken else digesting.tell

    def other(session: Session, work: Work) -> object:
        return company.enqueue(session, work)

    await asyncio.gather(
        *(
            database.writing(partial(tell, one=one, enqueue=enqueue, now=one.due_at))
            for enqueue in (company.enqueue, other)
        )
    )
    assert (len(company.told()) == len(company.enqueued) == 1) is not broken


def test_what_is_stopped_in_between_is_told_by_the_next(company: Company) -> None:
    one = company.keep(time(8, 30))
    company.something_happens(1, one.due_at - timedelta(hours=1))

    def killed(session: Session, work: Work) -> object:
        raise RuntimeError(f"killed before {work.id} was committed by {session}")

    with pytest.raises(RuntimeError):
        company.database.in_write(partial(digesting.tell, one=one, enqueue=killed, now=one.due_at))
    assert company.told() == []
    company.sweep(one.due_at + timedelta(minutes=1))
    assert [work.subject for work in company.enqueued] == [company.told()[0].id]


def test_nothing_comes_when_nothing_happened_and_all_is_well(company: Company) -> None:
    one = company.keep(time(8, 30))
    company.sweep(one.due_at)
    (told,) = company.told()
    assert (told.state, told.reason) == (DeliveryState.SKIPPED, "nothing happened, and all is well")
    assert company.enqueued == []
    company.something_happens(1, one.due_at + timedelta(hours=1))
    company.sweep(one.due_at + timedelta(days=1))
    assert [one.state for one in company.told()] == [DeliveryState.SKIPPED, DeliveryState.PENDING]
    words = company.database.in_read(
        lambda session: digesting.digest_words()[digesting.DIGEST](session, company.told()[1], one.due_at)
    )
    assert "1 message to you did not arrive" in str(slack.render(words, zone=NEW_YORK))
    assert "1 message to you did not arrive" in mail.render(words, zone=NEW_YORK).text


def test_another_time_on_the_same_day_tells_no_second_one_and_loses_nothing(company: Company) -> None:
    one = company.keep(time(8, 30))
    company.something_happens(1, one.due_at - timedelta(hours=1))
    company.sweep(one.due_at)
    later = one.due_at + timedelta(hours=1)
    changed = Digest(one.id, "org_1", one.member_id, one.place, Rhythm(time(9, 30)), one.ways, later, later)
    company.database.in_write(lambda session: digests.keep(session, changed))
    company.something_happens(2, later - timedelta(minutes=1))
    company.sweep(later)
    assert len(company.told()) == 1
    kept = company.database.in_read(lambda session: digests.find(session, one.id))
    assert kept is not None
    assert kept.told_until == one.due_at


async def test_people_choose_their_own_and_admins_that_of_a_channel(company: Company) -> None:
    desk, clock = Desk(company.database.url), OffsetClock()
    service = DigestService(desk, clock)
    maya = Actor(SlackIdentity("T0TEMERITY", "U0MAYA"), company.maya)
    daniel = Actor(SlackIdentity("T0TEMERITY", "U0DANIEL"), company.daniel)
    keys = iter(range(100))

    def key() -> TriggerKey:
        return TriggerKey("T0TEMERITY", f"trg_{next(keys)}")

    try:
        with pytest.raises(NotAllowedError):
            await service.choose_here(maya, Rhythm(time(8)), HERE, key())
        with pytest.raises(NotFoundError):
            await service.choose_here(daniel, Rhythm(time(8)), Place("T0TEMERITY", "C0RANDOM"), key())
        view = await service.choose_here(daniel, Rhythm(time(8), weekdays=True), HERE, key())
        assert view.here is not None
        assert (view.mine, view.here.place) == (None, "T0TEMERITY/C0FINANCE")

        await service.instead(maya, None, frozenset({Topic.READY}), key())
        view = await service.seen(maya, HERE)
        assert view.mine is not None
        assert (view.mine.rhythm.at, view.mine.ways) == (time(8, 30), BOTH)
        chosen = company.database.in_read(lambda session: subscriptions.of_member(session, company.maya.id))
        assert [(one.topic, one.ways, one.digest) for one in chosen] == [(Topic.READY, frozenset(), True)]

        # Without a digest nothing may stay that is told there alone; a click that comes again changes nothing.
        off = key()
        assert (await service.choose(maya, None, BOTH, HERE, off)).mine is None
        assert company.database.in_read(lambda session: subscriptions.of_member(session, company.maya.id)) == []
        assert (await service.choose(maya, Rhythm(time(7)), BOTH, HERE, off)).mine is None

        # A channel that is allowed no more, and a person who left, are told nothing.
        company.database.in_write(lambda session: channels.deny(session, HERE.team_id, HERE.channel_id))
        company.sweep(clock.now() + timedelta(days=4))
        assert company.told() == []
        assert (await service.seen(daniel, HERE)).here is None
    finally:
        desk.close()
