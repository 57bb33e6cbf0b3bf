"""A connection over which files and orders go is kept like every other, and never stands among the sources of data."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from jobs.audit_view import AuditService
from jobs.dependents import dependents_of
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.fleet import LATENESS
from jobs.home import HomeService
from jobs.incidents.lateness import watch
from jobs.incidents.noticing import back, lost
from jobs.incidents.view import incident_message
from jobs.members import connected_by
from jobs.schedule import schedule_of, schedules_loader, start_catch_up
from jobs.status import StatusService, statuses
from jobs.subscriptions.service import choices_of
from jobs.work import Work
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.disconnects import GrantEnd
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.records import audit, deadlines, frozen, incidents, organizations, overdue, sources
from storage.sessions import Database
from storage.tables import ConnectionRow, SourceRow
from templates import notices
from tests.jobs.incidents.troubled import Company

ADA = SlackIdentity("T0TEMERITY", "U0ADMIN")


class Exchanging(Company):
    """A company with a shop, and with a connection to PocketAdvantage; `loses`: it is kept as a source of data."""

    def __init__(self, database: Database, *, loses: bool = False) -> None:
        super().__init__(database)
        self.shop, made = self.founded("temerity", Provider.SHOPIFY, Provider.POCKETADVANTAGE)
        mode = CollectMode.ON_DEMAND if loses else CollectMode.EXCHANGE
        database.in_write(lambda session: self._keep(session, made.id, mode))
        self.exchange = self.source(made.id)

    def _keep(self, session: Session, source_id: str, mode: CollectMode) -> None:
        row, connection = session.get_one(SourceRow, source_id), session.get_one(ConnectionRow, source_id)
        row.mode, connection.connected_by = mode, "mem_temerity"
        audit.record(session, row.organization_id, "mem_temerity", Action.CONNECT, source_id, self.at)

    @property
    def member(self) -> Member:
        found = self.database.in_read(lambda session: organizations.member_by_identity(session, ADA))
        assert found is not None
        return found

    @property
    def actor(self) -> Actor:
        return Actor(ADA, self.member)

    @property
    def desk(self) -> Desk:
        return Desk(self.database.url)


Listed = Collection[str]
Look = Callable[[Session, Exchanging], Listed]

#: Whatever lists sources of data, from the bottom up.
LISTS: dict[str, Look] = {
    "sources": lambda session, it: [one.id for one in sources.sources_of(session, it.shop.organization_id)],
    "names": lambda session, it: list(sources.names_of(session, it.shop.organization_id)),
    "clocks": lambda session, _it: [one.id for one in sources.changed_since(session, None)],
    "clocks, lately": lambda session, it: [one.id for one in sources.changed_since(session, it.at)],
    "expectations": lambda session, _it: [one.id for one in overdue.page_of_sources(session, "", 10)],
    "what people are told": lambda session, it: list(choices_of(session, it.member).sources),
    "one by its id": lambda session, it: [
        one.id
        for known in (it.shop.id, it.exchange.id)
        if (one := sources.visible(session, it.shop.organization_id, known)) is not None
    ],
    "schedules that run": lambda _session, it: [one.id for one in (it.shop, it.exchange) if schedule_of(one).runs],
}


def _watched(session: Session, it: Exchanging) -> Listed:
    for one in (it.shop, it.exchange):
        watch(session, one, it.at + timedelta(hours=1), it.at)
    found = deadlines.due(session, it.at + timedelta(hours=2))
    return [one.subject for one in found if one.kind == LATENESS]


LISTS["what is late"] = _watched


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_it_is_in_no_list_of_sources(sqlite_database: Database, name: str, *, loses: bool) -> None:
    company = Exchanging(sqlite_database, loses=loses)
    listed = sqlite_database.in_write(lambda session: LISTS[name](session, company))
    # The twin is kept as a source of data: every one of these lists would have it.
    assert set(listed) == ({company.shop.id, company.exchange.id} if loses else {company.shop.id})


@pytest.mark.parametrize("loses", [False, True])
async def test_no_answer_about_freshness_has_it(sqlite_database: Database, *, loses: bool) -> None:
    company = Exchanging(sqlite_database, loses=loses)
    status = StatusService(company.desk, company.clock, read_budget=1)
    home = HomeService(company.desk, sqlite_database, company.clock, read_budget=1)
    there = {company.shop.id, company.exchange.id} if loses else {company.shop.id}
    assert {one.source.id for one in await status.all(company.actor)} == there
    assert {one.id for one in await status.sources(company.actor)} == there
    assert {one.source.id for one in (await home.index(company.actor)).statuses} == there
    assert {one.source_id for one in schedules_loader(sqlite_database)(None)} == there
    assert {one.source_id for one in schedules_loader(sqlite_database)(company.at)} == there
    if not loses:
        with pytest.raises(NotFoundError):
            await status.one(company.actor, company.exchange.id)
    company.desk.close()


async def test_whoever_works_on_connections_has_it(sqlite_database: Database) -> None:
    company = Exchanging(sqlite_database)
    both = {company.shop.id, company.exchange.id}
    status = StatusService(company.desk, company.clock, read_budget=1)
    assert {one.id for one in await status.connections(company.actor)} == both
    page = await AuditService(company.desk).newest(company.actor)
    assert page.entries[0].subject == company.exchange.label
    with sqlite_database.read() as session:
        assert {one.id for one in sources.every_connection(session)} == both
        assert [one.id for one in connected_by(session, company.member)] == [company.exchange.id]
        own = sources.visible_connection(session, company.shop.organization_id, company.exchange.id)
        assert own == company.exchange
        assert sources.visible_connection(session, "org_rival", company.exchange.id) is None


def test_a_lost_connection_says_what_stands_still_and_nothing_of_data(sqlite_database: Database) -> None:
    company = Exchanging(sqlite_database)
    exchange = company.exchange

    def lose(session: Session) -> None:
        assert lost(session, exchange.id, "the file server refused the password", company.at, company.notifier)

    def opened(session: Session) -> str:
        found = incidents.find_open(session, exchange.id, IncidentKind.DISCONNECTED)
        assert found is not None
        return found.id

    sqlite_database.in_write(lose)
    with sqlite_database.read() as session:
        assert frozen.is_frozen(session, DependentKind.EXCHANGE, exchange.id)
        incident_id = opened(session)
    for number in (0, 1):
        words = _said(company, incident_id, reminder=number)
        assert "refresh" not in words
        assert "Its data" not in words
        assert "What was exchanged stays as it is" in words
    words = _said(company, incident_id)
    assert "files to PocketAdvantage, and orders from it" in words
    # The twin: of a source of data the same message tells of its data.
    twin = replace(exchange, mode=CollectMode.ON_DEMAND)
    assert [one.kind for one in _dependents(sqlite_database, twin)] == [DependentKind.SCHEDULE]
    assert [one.kind for one in _dependents(sqlite_database, exchange)] == [DependentKind.EXCHANGE]

    def regain(session: Session) -> None:
        sources.set_connection(session, exchange.id, ConnectionState.CONNECTED, None, company.at)
        assert back(session, exchange.id, Resolution.RECONNECTED, company.at, company.notifier)
        assert start_catch_up(session, exchange, "connect:flw_1", company.at, _never) is None

    sqlite_database.in_write(regain)
    assert "Files and orders go on by their schedules." in _said(company, incident_id)
    with sqlite_database.read() as session:
        assert deadlines.due(session, company.at + timedelta(days=900)) == []


def _dependents(database: Database, source: Source) -> list[Dependent]:
    return list(database.in_read(lambda session: dependents_of(session, source)))


def _never(session: Session, work: Work) -> None:
    raise AssertionError(f"no run was asked for, but {work} was in {session}")


def _said(company: Exchanging, incident_id: str, reminder: int = 0) -> str:
    return str(
        company.database.in_read(lambda session: incident_message(session, incident_id, company.at, reminder=reminder))
    )


@pytest.mark.parametrize("loses", [False, True])
def test_disconnecting_it_speaks_of_files_and_orders(sqlite_database: Database, *, loses: bool) -> None:
    company = Exchanging(sqlite_database, loses=loses)
    exchange = company.exchange
    with sqlite_database.read() as session:
        (status,) = statuses(session, [exchange], company.at, budget=1)
        found = dependents_of(session, exchange)
    card = str(notices.disconnect_card("Temerity Goods", status, company.at, dependents=found))
    told = [
        str(notices.disconnected_now(exchange, erase=False, frozen_at=None, dependents=found)),
        str(notices.disconnect_ended(exchange, GrantEnd.NO_WAY, erased_at=None)),
    ]
    # The twin is spoken of as a source: of its data, and of the provider's connected apps.
    assert ("Its data freezes as of" in card) is loses
    assert ("sends no more files" in card) is not loses
    assert ("No data of it was ever loaded" in told[0]) is loses
    assert ("change their passwords" in told[1]) is not loses
