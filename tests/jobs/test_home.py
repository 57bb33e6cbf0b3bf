"""App Homes that are open: drawn again for every change, once, not too often, and only while somebody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlmodel import Session

from jobs.desk import Desk
from jobs.home import HomeService
from jobs.incidents.noticing import back, lost
from jobs.refresh.ending import Verdict, end_run
from storage.facts.disconnects import Disconnect
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.records import connections, disconnects, home_views, incidents, members, organizations, sources
from storage.records.connections import GrantToStore
from storage.records.home_views import HomeView
from storage.sessions import Database
from tests.jobs.incidents.troubled import Company

ADA = SlackIdentity("T0TEMERITY", "U0ADMIN")


@dataclass
class Watched(Company):
    """A company, and a rival, each with one person who has the App Home open."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.service = HomeService(Desk(self.database.url), self.database, self.clock, read_budget=1)
        (self.shop,) = self.founded("temerity", Provider.SHOPIFY)
        (self.rival,) = self.founded("rival", Provider.SHOPIFY)

    def actor(self, identity: SlackIdentity = ADA) -> Actor:
        return Actor(identity, self.database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    async def opens(self) -> None:
        await self.service.opened(self.actor(), "stale 2")
        await self.service.opened(self.actor(SlackIdentity("T0RIVAL", "U0ADMIN")), "all 1")

    def later(self, **span: float) -> None:
        self.at += timedelta(**span)

    async def drawn(self) -> list[tuple[str, str]]:
        return [(view.identity.team_id, view.showing) for view in await self.service.take_changed()]

    def lose(self, session: Session, source: Source) -> None:
        lost(session, source.id, "the grant was revoked", self.at, self.notifier)

    def regain(self, session: Session, source: Source) -> None:
        sources.set_connection(session, source.id, ConnectionState.CONNECTED, None, self.at)
        back(session, source.id, Resolution.CLEARED, self.at, self.notifier)


def _ended(company: Watched) -> None:
    run_id, generation = company.begun(company.shop)
    verdict = Verdict(RunState.CANCELLED)
    company.database.in_write(lambda s: end_run(s, run_id, generation, verdict, company.at, company.notifier))


def _resolved(company: Watched) -> None:
    opened = company.database.in_read(lambda s: incidents.find_open(s, company.shop.id, IncidentKind.DISCONNECTED))
    assert opened is not None
    company.database.in_write(lambda s: incidents.resolve(s, opened.id, Resolution.CLEARED, company.at))


def _cut(company: Watched) -> None:
    version = company.database.in_read(lambda s: sources.stored_grant(s, company.shop.id)).version
    made = Disconnect("dis_1", "org_temerity", company.shop.id, "mem_temerity", company.at, version + 1, False, "", "",
                      company.at, 0, company.at, None, None, None, None)  # fmt: skip
    assert company.database.in_write(lambda s: disconnects.cut(s, made, "by Ada", version))


def _connected(company: Watched) -> None:
    grant = GrantToStore(b"x", 1, ConnectionState.CONNECTED, None, "", "", "", "mem_temerity", None, None, None)
    company.database.in_write(
        lambda s: connections.add_source(
            s, "org_temerity", Provider.AMAZON, "A1", label="A1", company="A", mode=CollectMode.ON_DEMAND,
            schedule_minutes=60, grant=grant, now=company.at,
        )
    )  # fmt: skip


def _reconnected(company: Watched) -> None:
    version = company.database.in_read(lambda s: sources.stored_grant(s, company.shop.id)).version
    grant = GrantToStore(
        b"x", version + 1, ConnectionState.CONNECTED, None, "", "", "", "mem_temerity", None, None, None
    )
    assert company.database.in_write(
        lambda s: connections.replace_grant(
            s, company.shop.id, company="T", grant=grant, expected_version=version, now=company.at
        )
    )


CHANGES: dict[str, Callable[[Watched], object]] = {
    "ended": _ended,
    "lost": lambda one: one.database.in_write(lambda s: one.lose(s, one.shop)),
    "resolved": _resolved,
    "back": lambda one: one.database.in_write(lambda s: one.regain(s, one.shop)),
    "cut": _cut,
    "reconnected": _reconnected,
    "connected": _connected,
}


async def test_every_change_is_drawn_once_and_for_its_own_people_alone(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)
    await company.opens()
    for name, change in CHANGES.items():
        company.later(seconds=10)
        assert await company.drawn() == [], name
        change(company)
        assert await company.drawn() == [("T0TEMERITY", "stale 2")], name
        assert await company.drawn() == [], name


class Forgetful(HomeService):
    """The broken twin: whatever is due is drawn by whoever looks, and nobody takes it."""

    async def take_changed(self) -> list[HomeView]:
        now = self._clock.now()
        return await self._database.reading(lambda session: home_views.due(session, now))


@pytest.mark.parametrize("broken", [False, True])
async def test_two_processes_draw_one_change_once(sqlite_database: Database, *, broken: bool) -> None:
    company = Watched(sqlite_database)
    made = Forgetful if broken else HomeService
    services = [made(Desk(sqlite_database.url), sqlite_database, company.clock, read_budget=1) for _ in range(2)]
    await company.opens()
    company.later(seconds=10)
    CHANGES["lost"](company)
    drawn = [view for service in services for view in await service.take_changed()]
    assert (len(drawn) == 1) is not broken


async def test_a_person_is_drawn_at_most_once_in_five_seconds_and_the_last_change_is_shown(
    sqlite_database: Database,
) -> None:
    company = Watched(sqlite_database)
    await company.opens()
    seen = []
    for _ in range(41):
        company.later(seconds=0.5)
        company.database.in_write(lambda s: home_views.changed(s, company.shop.organization_id, company.at))
        seen += [company.at for _ in await company.drawn()]
    assert len(seen) == 4
    assert all(later - earlier >= timedelta(seconds=5) for earlier, later in pairwise(seen))
    company.later(seconds=5)
    # Changed after it was drawn last: drawn once more, though nothing changes any more.
    assert len(await company.drawn()) == 1
    assert await company.drawn() == []


async def test_whoever_has_not_looked_for_a_day_is_not_drawn_and_forgotten(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)
    await company.opens()
    company.later(days=1, seconds=1)
    CHANGES["lost"](company)
    assert await company.drawn() == []
    await company.service.opened(company.actor(), "all 1")
    await company.service.forget()
    company.later(seconds=10)
    for organization in ("org_temerity", "org_rival"):
        company.database.in_write(lambda s, one=organization: home_views.changed(s, one, company.at))  # type: ignore[misc]  # bound at once
    assert await company.drawn() == [("T0TEMERITY", "all 1")]


async def test_a_workspace_of_many_is_drawn_within_what_slack_takes(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)

    def come(session: Session) -> None:
        for number in range(150):
            one = SlackIdentity("T0TEMERITY", f"U{number:04}")
            members.admit(session, "org_temerity", one, f"P{number}", "UTC", Role.VIEWER)
            home_views.opened(session, "org_temerity", one, "all 1", company.at)

    company.database.in_write(come)
    company.later(minutes=2)
    company.database.in_write(lambda s: home_views.changed(s, "org_temerity", company.at))
    by_minute = []
    for _ in range(3):
        count = 0
        for _ in range(30):
            company.later(seconds=2)
            count += len(await company.drawn())
        by_minute.append(count)
    assert by_minute == [60, 60, 30]


async def test_only_admins_are_told_how_the_company_is_set_up_and_owners_are_named(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)
    found = await company.service.index(company.actor())
    assert found.administration is not None
    assert found.administration.members == {Role.ADMIN: 1}
    assert [one.source.id for one in found.statuses] == [company.shop.id]
    assert found.owners == {}
    _connected(company)
    found = await company.service.index(company.actor())
    owners = {one.source.label: found.owners.get(one.source.id) for one in found.statuses}
    assert owners == {"A1": "Ada", company.shop.label: None}
    viewer = SlackIdentity("T0TEMERITY", "U0VIEWER")
    company.database.in_write(lambda s: members.admit(s, "org_temerity", viewer, "Vic", "UTC", Role.VIEWER))
    assert (await company.service.index(company.actor(viewer))).administration is None
