"""What was asked last: of one person and thread, in the database, few, and gone with whoever and whatever it was of."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlmodel import Session, select

from jobs.desk import Desk
from jobs.errors import NotAllowedError
from jobs.installs.leaving import close_workspaces
from jobs.leavers import Leavers
from jobs.members import MemberService
from jobs.people import Profile
from jobs.refresh.ask import TriggerKey
from jobs.talk import TalkService
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.sources import Provider
from storage.facts.talk import Conversation
from storage.records import asked_last, members, organizations
from storage.sessions import Database
from storage.tables import AskedLastRow
from tests.jobs.incidents.troubled import Company

MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")
ADA = SlackIdentity("T0TEMERITY", "U0ADMIN")
DIRECT, THREAD = Conversation("D0MAYA", ""), Conversation("C0FINANCE", "1790000000.000001")


class Talking(Company):
    """A company and a rival, of which one person each asks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.founded("temerity", Provider.SHOPIFY)
        self.founded("rival", Provider.SHOPIFY)
        self.database.in_write(lambda s: members.admit(s, "org_temerity", MAYA, "Maya", "UTC", Role.VIEWER))
        self.desk = Desk(self.database.url)
        self.talk = TalkService(self.desk, self.database, self.clock)

    def actor(self, identity: SlackIdentity = MAYA) -> Actor:
        return Actor(identity, self.database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    async def asks(self, *places: Conversation, who: SlackIdentity = MAYA) -> None:
        for place in places:
            await self.talk.keep(self.actor(who), place, f"{who.user_id} {place.thread}")

    def rows(self) -> int:
        return self.database.in_read(lambda s: s.exec(select(func.count()).select_from(AskedLastRow)).one())


@pytest.fixture
def company(sqlite_database: Database) -> Iterator[Talking]:
    made = Talking(sqlite_database)
    yield made
    made.desk.close()


async def test_it_is_known_to_its_person_in_its_thread_alone_and_not_for_long(database: Database) -> None:
    company = Talking(database)
    try:
        await company.asks(DIRECT, THREAD)
        await company.asks(THREAD, who=ADA)
        assert await company.talk.last(company.actor(), THREAD) == f"U0MAYA {THREAD.thread}"
        assert await company.talk.last(company.actor(ADA), DIRECT) is None
        with pytest.raises(NotAllowedError):
            await company.talk.last(Actor(MAYA, None), THREAD)
        await company.talk.keep(company.actor(), THREAD, "again")
        company.at += timedelta(minutes=31)
        assert await company.talk.last(company.actor(), THREAD) == "again"
        # Outside of a thread a name alone is the beginning of something else by now.
        assert await company.talk.last(company.actor(), DIRECT) is None
        await company.talk.keep(company.actor(), THREAD, None)
        assert company.rows() == 2
        company.at += timedelta(days=1)
        assert await company.talk.last(company.actor(ADA), THREAD) is None
        await company.talk.forget()
        assert company.rows() == 0
        places = [Conversation("C0FINANCE", f"{number}.1") for number in range(23)]
        for place in places:
            company.at += timedelta(seconds=1)
            await company.asks(place)
        assert company.rows() == 20
        assert await company.talk.last(company.actor(), places[-1]) is not None
        assert await company.talk.last(company.actor(), places[0]) is None
    finally:
        company.desk.close()


async def _revoked(company: Talking) -> None:
    service = MemberService(company.desk, company.clock, None, on_leaving=lambda *_: None)  # type: ignore[arg-type]  # nobody is looked up
    maya = company.database.in_read(lambda s: organizations.member_by_identity(s, MAYA))
    assert maya is not None
    await service.revoke(company.actor(ADA), maya.id, TriggerKey("T0TEMERITY", "t1"))


async def _left_slack(company: Talking) -> None:
    async def fetch(identity: SlackIdentity) -> Profile | None:
        return None

    left = Leavers(company.database, fetch, company.notifier, lambda: frozenset({MAYA}), company.clock.now)
    await left.sweep()


async def _removed(company: Talking) -> None:
    company.database.in_write(lambda s: close_workspaces(s, ["T0TEMERITY"], company.at, company.notifier))


async def _erased(company: Talking) -> None:
    company.database.in_write(lambda s: asked_last.forget_organization(s, "org_temerity"))


LEAVING: dict[str, tuple[Callable[[Talking], Awaitable[None]], int]] = {
    "the role is taken away": (_revoked, 2), "left slack": (_left_slack, 2), "the app is removed": (_removed, 1),
    "the data is erased": (_erased, 1),
}  # fmt: skip


async def _nothing(_company: Talking) -> None:
    """The broken twin: whoever leaves leaves their rows."""


@pytest.mark.parametrize("why", [*LEAVING, "twin"])
async def test_it_goes_with_whoever_leaves(company: Talking, why: str) -> None:
    act, left = LEAVING.get(why, (_nothing, 2))
    await company.asks(DIRECT)
    await company.asks(THREAD, who=ADA)
    await company.asks(THREAD, who=SlackIdentity("T0RIVAL", "U0ADMIN"))
    await act(company)
    assert (company.rows() == left) is (why != "twin")


def _plans(session: Session, statement: str) -> str:
    return " ".join(str(row) for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())


def test_the_sweep_and_every_look_go_by_an_index(company: Talking) -> None:
    statements = (
        "DELETE FROM asked_last WHERE asked_at <= 'x'", "DELETE FROM asked_last WHERE organization_id = 'x'",
        "DELETE FROM asked_last WHERE team_id = 'x'",
        "SELECT asked FROM asked_last WHERE team_id = 'x' AND user_id = 'y' AND channel_id = 'c' AND thread = 't'",
    )  # fmt: skip
    plans = [company.database.in_read(lambda s, one=one: _plans(s, one)) for one in statements]  # type: ignore[misc]  # bound at once
    assert all("USING" in plan and "SCAN" not in plan for plan in plans), plans
    assert "SCAN" in company.database.in_read(lambda s: _plans(s, "DELETE FROM asked_last WHERE asked = 'x'"))
