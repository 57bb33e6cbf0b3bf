"""People change their minds while orders are sent: what was not sent by then is not sent. A dry run has an end, too."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import Retry
from connectors.pocketadvantage.orders.reader import Reader
from jobs.exchange.orders.turn import Turn
from jobs.exchange.pairs import confirmed
from sandbox.providers.catalogue import REALM
from storage.facts.exchange_orders import OrderRead
from storage.facts.sources import ConnectionState
from storage.records import sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, ExchangeOrderCursorRow, SourceRow
from tests.jobs.exchange.orders.taken import ORGANIZATION, SOURCE, Stage, staged
from tests.jobs.exchange.orders.test_taking import Few


class GoesOn(Turn):
    """A twin that asks whether it may when it begins, and no more."""

    def may(self, session: Session) -> bool:
        return session.is_active


def _disconnected(stage: Stage, session: Session) -> None:
    sources.set_connection(session, SOURCE, ConnectionState.DISCONNECTED, None, stage.clock.now())


def _allowed(stage: Stage, session: Session, *, now: bool) -> None:
    session.get_one(ConnectionRow, stage.wanted.books.id).can_write = now


def _another_company(stage: Stage, session: Session) -> None:
    now = stage.clock.now()
    row = session.get_one(SourceRow, stage.wanted.books.id).model_dump()
    if session.get(SourceRow, "src_other") is None:
        session.add(SourceRow(**{**row, "id": "src_other", "account": "2", "label": "other"}))
        session.flush()
    confirmed(session, ORGANIZATION, SOURCE, "src_other", now)


ENDS: dict[str, Callable[[Stage, Session], None]] = {
    "disconnected": _disconnected,
    "another company": _another_company,
    "not allowed any more": lambda stage, session: _allowed(stage, session, now=False),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("kind, loses", [(Turn, False), (GoesOn, True)])
async def test_what_was_not_sent_by_then_is_not_sent(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - what the twin does
    how: str,
) -> None:
    async with staged(sqlite_database, tmp_path, sink=Few, width=1, kind=kind) as stage:
        sqlite_database.in_write(lambda session: _allowed(stage, session, now=True))

        def meanwhile(name: str) -> None:
            if name == "orders.sent":
                sqlite_database.in_write(lambda session: ENDS[how](stage, session))

        stage.ground = replace(stage.ground, checkpoint=meanwhile)
        numbers = stage.inventiv.arrive(5, stage.clock.now())
        await stage.turn()
        sent = len(stage.estimates())
        assert (sent == len(numbers)) == loses
        if loses:
            return
        assert 0 < sent < len(numbers)
        if how == "another company":
            return
        # Once it is wanted again, each is there once.
        sqlite_database.in_write(
            lambda session: sources.set_connection(session, SOURCE, ConnectionState.CONNECTED, None, stage.clock.now())
        )
        stage.ground = replace(stage.ground, checkpoint=lambda _name: None)
        await stage.through()
        assert stage.complaints(numbers) == []


@pytest.mark.parametrize("company, reason", [("src_other", ""), ("src_books", "no longer in QuickBooks")])
async def test_an_amendment_in_another_company_is_an_order_of_its_own(
    sqlite_database: Database, tmp_path: Path, company: str, reason: str
) -> None:
    """In the same company it is left to a person why what it became is not there any more."""
    async with staged(sqlite_database, tmp_path) as stage:
        (number,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()
        # The other company has nothing of it.
        (there,) = stage.estimates(number)
        stage.app.books[REALM].change(remove=[("Estimate", there["Id"])], at=stage.clock.now())

        def chosen(session: Session) -> None:
            if company == "src_other":
                _another_company(stage, session)
                row = session.get_one(ConnectionRow, stage.wanted.books.id).model_dump()
                session.add(ConnectionRow(**{**row, "source_id": company}))

        sqlite_database.in_write(chosen)
        stage.wanted = replace(stage.wanted, books=replace(stage.wanted.books, id=company))
        stage.inventiv.amend(number, stage.clock.now())
        await stage.through()
        assert (stage.complaints([number]) == []) == (not reason)
        assert reason in stage.kept(number).reason


class OnePlace(Turn):
    """A twin to which up to where it was read is the same in each database."""

    async def _cursor(self) -> str:
        row = await self._read(lambda session: session.get(ExchangeOrderCursorRow, SOURCE))
        return row.position if row is not None else ""


@pytest.mark.parametrize("kind, loses", [(Turn, False), (OnePlace, True)])
async def test_another_database_behind_the_connection_is_read_from_its_beginning(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """PocketAdvantage moved: its orders are older there than what was read last here, and those we know come again."""
    async with staged(sqlite_database, tmp_path, kind=kind) as stage:
        (known,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()
        moved = Path(shutil.copy(tmp_path / "inventiv.db", tmp_path / "moved.db"))
        with sqlite3.connect(moved) as there:
            there.execute("UPDATE order_header SET modified_at = '2025-01-01 00:00:00'")
        stage.wanted = replace(stage.wanted, place=replace(stage.wanted.place, database="moved.db"))
        done = await stage.turn()
        assert (done.read == 0) == loses
        assert len(stage.estimates(known)) == 1


class Alone(Turn):
    """A twin that believes each page."""

    async def together(self, opened: Reader) -> set[tuple[str, str, int]]:
        del opened
        return set()


class Pages(Turn):
    """Pages of one order."""

    most_orders = 1


@pytest.mark.parametrize("kind, loses", [(Turn, False), (Pages, False), (Alone, True)])
async def test_of_two_numbers_that_differ_in_spaces_none_goes_while_the_other_is_not_read(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """The older one is read once, the younger one with each turn; once one has a number of its own, both go."""
    async with staged(sqlite_database, tmp_path, kind=kind) as stage:
        for number, ago in (("SO-7", timedelta(hours=3)), ("SO-7 ", timedelta(minutes=1))):
            stage.inventiv.put(number, 1, stage.clock.now() - ago)
        for _ in range(2):
            await stage.turn()
        assert len(stage.estimates("SO-7")) == loses
        if loses:
            return
        assert "but for spaces" in stage.kept("SO-7").reason
        with closing(sqlite3.connect(tmp_path / "inventiv.db")) as there, there:
            for table in ("order_header", "order_line"):
                there.execute(f"UPDATE {table} SET order_no = 'SO-8' WHERE order_no = 'SO-7 '")
        await stage.turn()
        assert [len(stage.estimates(number)) for number in ("SO-7", "SO-8")] == [1, 1]


class Short(Turn):
    most_pages, most_orders = 2, 2


class Endless(Short):
    """A twin that reads whatever there is."""

    most_pages = 1_000


@pytest.mark.parametrize("kind, loses", [(Short, False), (Endless, True)])
async def test_a_dry_run_reads_no_more_than_a_turn_would(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.inventiv.arrive(7, stage.clock.now())
        found = await kind(stage.ground, stage.wanted, stage.books).dry()
        assert found.read == (7 if loses else 4)
        assert stage.writes() == 0
    assert Turn.most_pages * Turn.most_orders == 20_000


class Slow(Turn):
    """Reads from a database that is at each page for hours."""

    read = False
    reading = 1.0

    async def keep_page(self, found: Sequence[OrderRead], upto: str) -> bool:
        kept = await super().keep_page(found, upto)
        type(self).read = True
        await asyncio.Event().wait()
        return kept


async def test_a_slow_database_keeps_nobodys_place_and_what_was_read_is_sent(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Without the limit the turn would never end."""
    async with staged(sqlite_database, tmp_path, kind=Slow) as stage:
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        done = await asyncio.wait_for(stage.turn(), 60)
        assert done.stopped is not None
        assert done.stopped.code == "timeout"
        assert not Slow.read or stage.complaints(numbers) == []


class Hasty(Turn):
    """Has no time at all, which is over whatever it is that takes long."""

    reading = 0.0


class Patient(Turn):
    """A twin that reads however long it takes."""

    reading = None


@pytest.mark.parametrize("kind, loses", [(Hasty, False), (Patient, True)])
async def test_a_dry_run_over_a_slow_database_has_an_end(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.inventiv.arrive(2, stage.clock.now())
        dry = kind(stage.ground, stage.wanted, stage.books).dry()
        if loses:
            assert (await dry).read == 2
            return
        with pytest.raises(Retry, match="took too long"):
            await dry
