"""Orders are created in QuickBooks only after an admin allowed it, in a step of its own that every admin hears of."""

import pytest
from sqlmodel import Session, select

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.exchange.writing import ALLOWED, WITHDRAWN, OrderWriting, writing_words
from storage.facts.disconnects import Disconnect
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.sources import ConnectionState, Provider
from storage.records import audit, capabilities, deliveries, disconnects, organizations, sources
from storage.sessions import Database
from storage.tables import DeliveryRow, MemberRow
from tests.jobs.incidents.troubled import Company


class Books(Company):
    """A company with QuickBooks and a shop, an admin, and somebody of each other role."""

    def __init__(self, database: Database, service: type[OrderWriting] = OrderWriting) -> None:
        super().__init__(database)
        self.books, self.shop = self.founded("temerity", Provider.QUICKBOOKS, Provider.SHOPIFY)
        self.rival, *_ = self.founded("rival", Provider.QUICKBOOKS)
        database.in_write(self._hire)
        self.desk = Desk(database.url)
        self.writing = service(self.desk, self.clock, lambda _session, work: self.work.append(work))

    def _hire(self, session: Session) -> None:
        for role in ("viewer", "refresher", "manager"):
            session.add(
                MemberRow(
                    id=f"mem_{role}", organization_id="org_temerity", team_id="T0TEMERITY", user_id=f"U0{role}".upper(),
                    name=role, role=role,
                )
            )  # fmt: skip

    def actor(self, user: str = "U0ADMIN", team: str = "T0TEMERITY") -> Actor:
        identity = SlackIdentity(team, user)
        return Actor(identity, self.database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    def may(self) -> bool:
        return self.database.in_read(lambda session: capabilities.may_write(session, self.books.id))

    def written(self) -> list[str]:
        return self.database.in_read(lambda s: [row.action for row in audit.newest(s, "org_temerity", 20)])[::-1]

    def said(self) -> list[str]:
        def read(session: Session) -> list[str]:
            rows = session.exec(select(DeliveryRow).where(DeliveryRow.kind == "orders_writing")).all()
            tell = writing_words()["orders_writing"]
            found = [deliveries.delivery(session, row.id) for row in rows]
            return [str(tell(session, one, self.at)) for one in found]

        return self.database.in_read(read)


async def test_it_is_off_until_an_admin_allows_it_and_off_again_when_it_is_taken_back(
    sqlite_database: Database,
) -> None:
    it = Books(sqlite_database)
    assert not it.may()
    assert [(one.books.id, one.allowed) for one in await it.writing.shown(it.actor())] == [(it.books.id, False)]
    assert (await it.writing.allow(it.actor(), it.books.id)).changed
    assert it.may()
    # The same click again, or another admin's: nothing more is written or told.
    assert not (await it.writing.allow(it.actor(), it.books.id)).changed
    (said,) = it.said()
    assert "allowed Tidings to create orders in" in said
    assert (await it.writing.withdraw(it.actor(), it.books.id)).changed
    assert not it.may()
    assert it.written() == [ALLOWED, WITHDRAWN]
    assert len(it.work) == len(it.said()) == 2
    it.desk.close()


async def test_nothing_but_a_company_of_quickbooks_that_is_connected(sqlite_database: Database) -> None:
    it = Books(sqlite_database)
    for wrong in (it.shop.id, it.rival.id, "src_nobody"):
        with pytest.raises(NotFoundError):
            await it.writing.allow(it.actor(), wrong)
    away = ConnectionState.DISCONNECTED
    sqlite_database.in_write(lambda s: sources.set_connection(s, it.books.id, away, "revoked", it.at))
    with pytest.raises(TooLateError, match="reconnect it first"):
        await it.writing.allow(it.actor(), it.books.id)
    assert not it.may()
    it.desk.close()


class Trusting(OrderWriting):
    """The twin: takes whoever asks for the admin."""

    async def allow(self, actor: Actor, source_id: str) -> object:  # type: ignore[override]  # a twin's answer is not looked at
        admin = SlackIdentity("T0TEMERITY", "U0ADMIN")
        known = await self._desk.read(lambda session: organizations.member_by_identity(session, admin))
        return await super().allow(Actor(admin, known), source_id)


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("role", ["viewer", "refresher", "manager"])
async def test_only_admins_may(sqlite_database: Database, role: str, *, loses: bool) -> None:
    it = Books(sqlite_database, Trusting if loses else OrderWriting)
    actor = it.actor(f"U0{role}".upper())
    if loses:
        await it.writing.allow(actor, it.books.id)
        assert it.may(), "the twin lets anybody"
        return
    with pytest.raises(NotAllowedError):
        await it.writing.allow(actor, it.books.id)
    with pytest.raises(NotAllowedError):
        await it.writing.withdraw(actor, it.books.id)
    with pytest.raises(NotAllowedError):
        await it.writing.shown(actor)
    assert not it.may()
    it.desk.close()


async def test_the_role_is_read_again_with_the_change(sqlite_database: Database) -> None:
    it = Books(sqlite_database)
    admin = it.actor()

    def demote(session: Session) -> None:
        session.get_one(MemberRow, "mem_temerity").role = Role.VIEWER

    sqlite_database.in_write(demote)
    with pytest.raises(NotAllowedError):
        await it.writing.allow(admin, it.books.id)
    assert not it.may()
    it.desk.close()


async def test_disconnecting_takes_it_back(sqlite_database: Database) -> None:
    it = Books(sqlite_database)
    await it.writing.allow(it.actor(), it.books.id)
    version = sqlite_database.in_read(lambda s: sources.stored_grant(s, it.books.id)).version
    made = Disconnect("dis_1", "org_temerity", it.books.id, "mem_temerity", it.at, version + 1, False, "", "",
                      it.at, 0, it.at, None, None, None, None)  # fmt: skip
    assert sqlite_database.in_write(lambda s: disconnects.cut(s, made, "by Ada", version))
    assert not it.may()
    it.desk.close()
