"""A connection of which nobody knows whose records go there says so, and goes on once an admin has chosen."""

from pathlib import Path

import pytest

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.exchange.due import pairs_sweep
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Role
from storage.facts.sources import ConnectionState
from storage.records import sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, SourceRow
from tests.jobs.exchange.nights import BOOKS, ORGANIZATION, START, actor, company

OTHER, SECOND = "src_other", "src_second"


def _added(session: Session) -> None:
    """Add another company's books, and a connection that is called like neither."""
    for source_id, provider, name, mode in ((OTHER, "quickbooks", "Temerity Wholesale", "timer"),
                                            (SECOND, "pocketadvantage", "Counter", "exchange")):  # fmt: skip
        session.add(SourceRow(id=source_id, organization_id=ORGANIZATION, provider=provider, account=source_id,
                              label=source_id, company=name, mode=mode, schedule_minutes=60,
                              created_at=START, updated_at=START))  # fmt: skip
        session.flush()
        session.add(ConnectionRow(source_id=source_id, organization_id=ORGANIZATION, state="connected", since=START))


async def test_it_waits_visibly_until_an_admin_has_chosen(sqlite_database: Database, tmp_path: Path) -> None:
    world = company(sqlite_database, tmp_path)
    sqlite_database.in_write(_added)
    await pairs_sweep(sqlite_database, world.clock)()
    service = world.service(Desk(sqlite_database.url))

    async def stands() -> dict[str, tuple[int, set[str]]]:
        views = await service.view(actor(Role.VIEWER))
        return {one.source.id: (len(one.pairs), {books.id for books in one.companies}) for one in views}

    assert (await stands())[SECOND] == (0, {BOOKS, OTHER})
    with pytest.raises(NotAllowedError):
        await service.choose_books(actor(), SECOND, OTHER, TriggerKey("T1", "1"))
    for source_id, trigger in ((BOOKS, "2"), ("src_of_nobody", "3")):
        with pytest.raises(NotFoundError):
            await service.choose_books(actor(Role.ADMIN), source_id, OTHER, TriggerKey("T1", trigger))
    with pytest.raises(TooLateError, match="not connected any more"):
        await service.choose_books(actor(Role.ADMIN), SECOND, "src_of_nobody", TriggerKey("T1", "4"))
    for _ in range(2):
        view = await service.choose_books(actor(Role.ADMIN), SECOND, OTHER, TriggerKey("T1", "5"))
        assert view.books is not None
        assert (view.books.id, len(view.pairs), any(one.pair.on for one in view.pairs)) == (OTHER, 6, False)
    with pytest.raises(TooLateError, match="somebody chose"):
        await service.choose_books(actor(Role.ADMIN), SECOND, BOOKS, TriggerKey("T1", "6"))
    assert (await stands())[SECOND] == (6, set())


async def test_a_company_that_was_disconnected_is_not_offered(sqlite_database: Database, tmp_path: Path) -> None:
    world = company(sqlite_database, tmp_path)
    sqlite_database.in_write(_added)

    def leaves(session: Session) -> None:
        for one in (BOOKS, OTHER):
            sources.set_connection(session, one, ConnectionState.DISCONNECTED, None, START)

    sqlite_database.in_write(leaves)
    views = await world.service(Desk(sqlite_database.url)).view(actor(Role.VIEWER))
    assert [one.companies for one in views if one.source.id == SECOND] == [()]
