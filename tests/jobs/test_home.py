"""App Homes that are open: drawn again for every change, once, not too often, and only while somebody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlmodel import Session

from jobs.desk import Desk
from jobs.fleet import LATENESS
from jobs.home import HomeService
from jobs.incidents.noticing import back, lost
from jobs.refresh.ending import Verdict, end_run
from jobs.subscriptions.service import SubscriptionService
from storage.facts.disconnects import Disconnect
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.mutes import Mute
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.schedules import read_rule
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider, Source
from storage.facts.subscriptions import Topic
from storage.records import (
    connections,
    deadlines,
    disconnects,
    home_views,
    incidents,
    members,
    metrics,
    organizations,
    sources,
)
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
        taken = await self.service.take_changed()
        for view in taken:
            await self.service.drawn(view)
        return [(view.identity.team_id, view.showing) for view in taken]

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


def _muted(company: Watched) -> None:
    mute = Mute(IncidentKind.LATE, "mem_temerity", "Ada", company.at, company.at + timedelta(hours=1))
    company.database.in_write(lambda s: sources.set_mutes(s, company.shop.id, [mute], company.at))


def _own(company: Watched) -> None:
    member = company.actor().member
    assert member is not None
    chosen = SubscriptionService(Desk(company.database.url), company.clock)
    company.database.in_write(lambda s: chosen.write(s, member, None, frozenset({Topic.READY}), None))


def _by(change: Callable[[Watched, Session], object]) -> Callable[[Watched], object]:
    return lambda company: company.database.in_write(lambda session: change(company, session))


CHANGES: dict[str, Callable[[Watched], object]] = {
    "schedule": _by(lambda one, s: sources.set_schedule(s, one.shop.id, 30, None, one.at)),
    "stretched": _by(lambda one, s: sources.set_stretched(s, one.shop.id, 90, one.at)),
    "promise": _by(lambda one, s: sources.set_promise(s, one.shop.id, None, one.at)),
    "muted": _muted,
    "alarm waits": _by(lambda one, s: sources.hold_alarm(s, one.shop.id, one.at, one.at)),
    "own messages": _own,
    "metric made": _by(lambda one, s: metrics.due(s, one.shop.id, one.at)),
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


@pytest.mark.parametrize("stopped", [False, True])
async def test_time_alone_is_drawn_when_a_source_gets_late(sqlite_database: Database, *, stopped: bool) -> None:
    """Also one whose schedule a person switched off: nobody is called, and the page must not call it fresh."""
    company = Watched(sqlite_database)
    off = read_rule("off") if stopped else None
    company.database.in_write(lambda s: sources.set_schedule(s, company.shop.id, 60, off, company.at))
    company.ready(company.shop)
    await company.opens()
    # Late after an hour, overdue after two, each with some minutes of grace; nothing of it between.
    for minutes, drawn in ((30, 0), (60, 1), (20, 0), (60, 1), (300, 0)):
        company.later(minutes=minutes)
        await company.deadlines()
        seen = await company.drawn()
        assert ("T0TEMERITY", "stale 2") in seen if drawn else seen == [], minutes
    found = await company.service.index(company.actor())
    assert found.statuses[0].freshness is Freshness.OVERDUE


async def test_without_a_deadline_a_stopped_source_would_be_called_fresh_for_good(sqlite_database: Database) -> None:
    """The broken twin: nobody is told of it, and so nobody looks when it turns."""
    company = Watched(sqlite_database)
    company.database.in_write(lambda s: sources.set_schedule(s, company.shop.id, 60, read_rule("off"), company.at))
    company.ready(company.shop)
    company.database.in_write(lambda s: deadlines.close(s, LATENESS, company.shop.id, company.at))
    await company.opens()
    company.later(minutes=170)
    await company.deadlines()
    await company.slow()
    assert await company.drawn() == []
    found = await company.service.index(company.actor())
    assert found.statuses[0].freshness is Freshness.OVERDUE


class GivesUp(HomeService):
    """The broken twin: what Slack refused counts as drawn."""

    async def refused(self, view: HomeView) -> bool:
        await self.drawn(view)
        return False


async def _seconds_until_drawn(company: Watched, service: HomeService, ill: timedelta) -> float | None:
    """Return how long after its change a page is drawn by a Slack that is ill that long; None: never."""
    await company.opens()
    company.later(seconds=10)
    CHANGES["lost"](company)
    began = company.at
    for _ in range(2000):
        for view in await service.take_changed():
            if company.at - began >= ill:
                await service.drawn(view)
                return (company.at - began).total_seconds()
            await service.refused(view)
        company.later(seconds=2)
    return None


async def test_what_slack_refused_is_drawn_later_and_not_asked_for_without_end(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)
    took = await _seconds_until_drawn(company, company.service, timedelta(minutes=5))
    assert took is not None
    assert timedelta(minutes=5) <= timedelta(seconds=took) < timedelta(minutes=12)
    twin = GivesUp(Desk(sqlite_database.url), sqlite_database, company.clock, read_budget=1)
    assert await _seconds_until_drawn(company, twin, timedelta(minutes=5)) is None
    # A change in between counts at once, and nothing is left over of the one that was refused.
    await company.opens()
    company.later(seconds=10)
    CHANGES["back"](company)
    (view,) = await company.service.take_changed()
    assert await company.service.refused(view)
    company.later(seconds=6)
    CHANGES["lost"](company)
    assert len(await company.drawn()) == 1
    company.later(minutes=20)
    assert await company.drawn() == []
    # A Slack that never takes it is asked some twenty times.
    CHANGES["back"](company)
    tries = 0
    for _ in range(100):
        company.later(minutes=11)
        for view in await company.service.take_changed():
            tries += 1
            await company.service.refused(view)
    assert tries == 25


async def test_one_that_died_while_drawing_leaves_the_page_to_another(sqlite_database: Database) -> None:
    company = Watched(sqlite_database)
    await company.opens()
    company.later(seconds=10)
    CHANGES["lost"](company)
    assert len(await company.service.take_changed()) == 1
    company.later(seconds=60)
    assert await company.drawn() == []
    company.later(seconds=61)
    assert len(await company.drawn()) == 1


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
