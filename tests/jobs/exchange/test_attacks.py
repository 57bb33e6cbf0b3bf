"""What tries to pass old data as new, another company's as this one's, or one night's file over another's."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.connecting.storing import books_of
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.exchange.mapping.results import Mapped
from jobs.exchange.pairs import confirmed
from jobs.exchange.running import ExchangeHandler
from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.records import exchange, exchange_given, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, SourceRow
from tests.jobs.exchange.nights import BOOKS, FAR, ORGANIZATION, Company, company
from tests.jobs.exchange.plain import Plain, plain
from tests.jobs.exchange.test_runs import MANAGER, TWO, Dies, Killed, stocked, trigger

OTHER = "src_other"


class StaysDecided(ExchangeHandler):
    """A twin that sends what was decided, however long ago."""

    def _in_time(self, session: Session, run: ExchangeRun) -> ExchangeRun:
        return run


@pytest.mark.parametrize("kind", [ExchangeHandler, StaysDecided])
async def test_what_was_decided_before_a_long_death_is_made_anew(
    sqlite_database: Database, tmp_path: Path, kind: type[ExchangeHandler]
) -> None:
    dies = Dies("exchange.decided")
    world = stocked(company(sqlite_database, tmp_path, maps=plain, checkpoint=dies, kind=kind))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    with pytest.raises(Killed):
        await world.worked()
    world.clock.at += timedelta(hours=36)
    (run,) = world.history(Pair.CUSTOMERS)
    await world.handler.take(run.id, run.attempt)
    sent = world.file(Pair.CUSTOMERS).exists()
    assert sent == (kind is StaysDecided), "what is 36 hours old is not sent"
    if kind is StaysDecided:
        return
    assert world.history(Pair.CUSTOMERS)[0].state is RunState.WAITING
    # Had QuickBooks been read meanwhile, that is what goes.
    sqlite_database.in_write(
        lambda session: exchange.advance(session, run, state=RunState.PUBLISHING, snapshot=run.snapshot)
    )
    world.books.customer("99", "The newest")
    world.collect()
    await world.handler.take(run.id, run.attempt)
    assert "The newest" in world.file(Pair.CUSTOMERS).read_text()
    assert world.history(Pair.CUSTOMERS)[0].as_of == world.clock.at


def _odd(_session: Session, _organization_id: str, pair: Pair) -> Plain:
    """Call deleted invoices otherwise, as an organization's own mapping may."""
    found = plain(_session, _organization_id, pair)
    if pair is not Pair.INVOICES:
        return found

    def mapped(record: dict[str, Any], *, deleted: bool = False) -> Any:
        result = found.map(record, deleted=deleted)
        if not isinstance(result, Mapped):
            return result
        rows = tuple((*row[:2], {"A": "D", "D": "GONE"}.get(row[2], row[2]), *row[3:]) for row in result.rows)
        return replace(result, rows=rows)

    return replace(found, map=mapped)


async def test_a_deleted_invoice_goes_once_whatever_its_status_is_called(
    sqlite_database: Database, tmp_path: Path
) -> None:
    world = stocked(company(sqlite_database, tmp_path, maps=_odd))
    world.on(Pair.INVOICES, schedule="nightly 02:00 within 01:00-05:00")
    nights = []
    for night in range(3):
        world.clock.at = TWO + timedelta(days=night, hours=bool(night))
        if night == 1:
            world.books.delete("1")
        world.collect()
        await world.worked()
        nights.append({row["TXN_ID"] for row in world.rows(Pair.INVOICES)})
    assert nights == [{"1", "2"}, {"1"}, set()]


async def test_what_comes_late_takes_no_newer_nights_place(sqlite_database: Database, tmp_path: Path) -> None:
    """The last slot of a night is made up for after somebody started the pair by day: all of it is in the file."""
    world = stocked(company(sqlite_database, tmp_path, maps=plain))
    world.on(Pair.INVOICES, schedule="nightly 02:00 within 01:00-05:00")
    world.clock.at = TWO + timedelta(hours=6)
    world.collect()
    with closing(Desk(sqlite_database.url)) as desk:
        await world.service(desk).start(MANAGER, world.pair(Pair.INVOICES).id, trigger())
    (work,) = world.works
    world.works.clear()
    await world.handler.take(work.subject, work.attempt)
    assert {row["TXN_ID"] for row in world.rows(Pair.INVOICES)} == {"1", "2"}
    world.books.invoice("3", "1", [1.0])
    world.collect()
    await world.worked()
    assert sorted(run.late for run in world.history(Pair.INVOICES)) == [False, True]
    assert {row["TXN_ID"] for row in world.rows(Pair.INVOICES)} == {"1", "2", "3"}


def _company(world: Company, name: str) -> None:
    def write(session: Session) -> None:
        row = session.get_one(SourceRow, BOOKS).model_dump()
        session.add(SourceRow(**{**row, "id": OTHER, "account": "2", "label": "other", "company": name}))
        session.flush()
        now = world.clock.at
        session.add(ConnectionRow(source_id=OTHER, organization_id=ORGANIZATION, state="connected", since=now))

    world.database.in_write(write)


async def test_what_was_made_of_one_company_is_not_settled_for_another(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """A connection is confirmed for another company while a run of the first one's dies, and comes back."""
    dies = Dies("exchange.published")
    world = stocked(company(sqlite_database, tmp_path, maps=plain, checkpoint=dies))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    with pytest.raises(Killed):
        await world.worked()
    _company(world, "Other Goods")
    (run,) = world.history(Pair.CUSTOMERS)
    sqlite_database.in_write(lambda session: confirmed(session, ORGANIZATION, FAR, OTHER, world.clock.at))
    await world.handler.take(run.id, run.attempt)
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == (RunState.FAILED, "other_books")
    pair = world.pair(Pair.CUSTOMERS)
    assert (pair.last, pair.books_id) == (None, OTHER)
    assert sqlite_database.in_read(lambda session: exchange_given.given(session, pair.id)) == {}


async def test_no_company_is_guessed(sqlite_database: Database, tmp_path: Path) -> None:
    """With two companies a connection stays with its own when it is confirmed again, and a new one goes by its name."""
    world = company(sqlite_database, tmp_path, maps=plain)
    _company(world, "Another")

    def write(session: Session) -> list[str | None]:
        far = sources.source(session, FAR)
        found = [books_of(session, far)]
        confirmed(session, ORGANIZATION, FAR, OTHER, world.clock.at)
        found.append(books_of(session, far))
        new = replace(far, id="src_new", company="Another")
        return [*found, books_of(session, new), books_of(session, replace(new, company="Somebody"))]

    assert sqlite_database.in_write(write) == [BOOKS, OTHER, OTHER, None]


async def test_a_pair_gets_no_other_pairs_file_back(sqlite_database: Database, tmp_path: Path) -> None:
    world = stocked(company(sqlite_database, tmp_path, maps=plain))
    pair, version = world.pair(Pair.CUSTOMERS).id, ".fil.20261101T060000Z.01234567.fil"
    with closing(Desk(sqlite_database.url)) as desk:
        for name in ("invoice", "customerx", "", "../customer"):
            with pytest.raises(NotFoundError):
                await world.service(desk).restore(MANAGER, pair, name + version, trigger())
        assert (
            await world.service(desk).restore(MANAGER, pair, "customer" + version, trigger())
        ).pair is Pair.CUSTOMERS


async def test_a_file_that_shrinks_by_pieces_is_held(sqlite_database: Database, tmp_path: Path) -> None:
    """A little less each night, which a person is asked about once, and lets go."""
    world = stocked(company(sqlite_database, tmp_path, maps=plain), 20)
    world.on(Pair.CUSTOMERS)
    left = 20
    with closing(Desk(sqlite_database.url)) as desk:
        for night in range(4):
            world.clock.at = TWO + timedelta(days=night, hours=bool(night))
            for number in range(left, left - 3 * bool(night), -1):
                world.books.records["customers"].pop(str(number))
                world.books.dropped["customers"].add(str(number))
            left -= 3 * bool(night)
            world.collect()
            await world.worked()
            run = world.history(Pair.CUSTOMERS)[-1]
            if night == 2:
                assert (run.state, run.held and run.held.before) == (RunState.HELD, 20)
                await world.service(desk).release(MANAGER, run.id, trigger())
                await world.worked()
                assert len(world.rows(Pair.CUSTOMERS)) == 14
            else:
                assert run.state is (RunState.DONE if night < 2 else RunState.HELD)
                assert run.held is None or run.held.before == 14, "what a person let go is what counts from then on"
