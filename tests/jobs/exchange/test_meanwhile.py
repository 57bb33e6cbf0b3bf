"""What is ended while it is on its way does not arrive: a connection that is disconnected, or is another company's."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from sqlmodel import select

from jobs.desk import Desk
from jobs.errors import TooLateError
from jobs.exchange.forgetting import forget
from jobs.exchange.leftovers import clear
from jobs.exchange.pairs import confirmed, gone
from jobs.exchange.running import ExchangeHandler, fail
from jobs.exchange.service import ExchangeService
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.exchange import ExchangePair, ExchangeRun, Guard, Held, Pair, Reject, RunState, Trigger
from storage.records import exchange, frozen, sources
from storage.sessions import Database, Session
from storage.tables import OutgoingMessageRow
from templates.notices.exchange_said import exchange_ended
from tests.jobs.exchange.nights import BOOKS, FAR, ORGANIZATION, Company, company
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_attacks import OTHER, _company
from tests.jobs.exchange.test_order_runs import receives
from tests.jobs.exchange.test_runs import MANAGER, TWO, stocked, trigger


class Hurries(ExchangeHandler):
    """A twin that puts a file in its place whatever became of its run meanwhile."""

    async def still_wanted(self, run: ExchangeRun) -> None:
        del run


ENDS: dict[str, Callable[[Company, Session], None]] = {
    "disconnected": lambda world, session: gone(session, FAR, world.clock.at),
    "another company": lambda world, session: confirmed(session, ORGANIZATION, FAR, OTHER, world.clock.at),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("kind, loses", [(ExchangeHandler, False), (Hurries, True)])
async def test_what_is_ended_while_it_is_sent_takes_no_files_place(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[ExchangeHandler],
    loses: bool,  # noqa: FBT001 - what the twin does
    how: str,
) -> None:
    ends = {"now": False}

    def meanwhile(name: str) -> None:
        if name == "exchange.verified" and ends["now"]:
            sqlite_database.in_write(lambda session: ENDS[how](world, session))

    world = stocked(company(sqlite_database, tmp_path, maps=plain, checkpoint=meanwhile, kind=kind))
    _company(world, "Other Goods")
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    if how == "disconnected":
        # There is a file from before: it stays.
        world.file(Pair.CUSTOMERS).parent.mkdir(parents=True)
        world.file(Pair.CUSTOMERS).write_text("before\n")
    ends["now"] = True
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == (RunState.FAILED, {"disconnected": "disconnected"}.get(how, "other_books"))
    there = world.file(Pair.CUSTOMERS)
    arrived = there.exists() and "Customer 1" in there.read_text()
    assert arrived == loses
    if not loses:
        left = [one.name for one in there.parent.iterdir()]
        assert left == (["customer.fil"] if how == "disconnected" else []), "nothing of it is left there"
        assert world.told() == [], "whoever disconnected it is told nothing new"


@pytest.mark.parametrize("most, loses", [(100, False), (1 << 60, True)])
async def test_a_mapping_fills_no_disk(
    sqlite_database: Database,
    tmp_path: Path,
    most: int,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """A file that is larger than any is ends while it is made, and says so; a twin finds out once it lies there."""
    world = stocked(company(sqlite_database, tmp_path, maps=plain, kind=partial(ExchangeHandler, largest=most)))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == ((RunState.DONE, "") if loses else (RunState.FAILED, "file_too_large"))
    assert world.file(Pair.CUSTOMERS).exists() == loses


class Drips(ExchangeHandler):
    """Hands a file over to a server that is at it for hours."""

    async def still_wanted(self, run: ExchangeRun) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("most, loses", [(0.2, False), (3600.0, True)])
async def test_a_slow_server_keeps_nobodys_place(
    sqlite_database: Database,
    tmp_path: Path,
    most: float,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    world = stocked(company(sqlite_database, tmp_path, maps=plain, kind=partial(Drips, whole=most)))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    task = asyncio.ensure_future(world.worked())
    done, _ = await asyncio.wait([task], timeout=1 if loses else 60)
    assert bool(done) != loses
    if loses:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == (RunState.WAITING, "timeout")
    assert not world.file(Pair.CUSTOMERS).exists()


def _run(session: Session, name: str, held: Held, **more: object) -> None:
    """Let a run wait for a person."""
    pair = exchange.pairs_of_source(session, FAR)[0]
    exchange.add_run(session, id=name, organization_id=ORGANIZATION, source_id=FAR, books_id=BOOKS, pair_id=pair.id,
                     pair=pair.pair.value, trigger="schedule", slot=name, requested_at=TWO, slot_at=TWO, deadline=TWO,
                     agreed={})  # fmt: skip
    exchange.advance(session, exchange.run(session, name), state=RunState.HELD, held=held, **more)


class Trusts(ExchangeService):
    """A twin that does not look whether the connection is still there."""

    def _connected(self, session: Session, pair: ExchangePair) -> None:
        del session, pair


@pytest.mark.parametrize("kind, loses", [(ExchangeService, False), (Trusts, True)])
async def test_an_old_button_sends_nothing_over_a_connection_that_is_gone(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[ExchangeService],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    world = company(sqlite_database, tmp_path, maps=plain)

    def held(session: Session) -> None:
        _run(session, "xrn_held", Held(Guard.SHRINK, 9, 3))
        gone_now = [Dependent(DependentKind.EXCHANGE, FAR, "exchange")]
        frozen.freeze(session, sources.source(session, FAR), gone_now, "disconnected", TWO, None)

    sqlite_database.in_write(held)
    with closing(Desk(sqlite_database.url)) as desk:
        steering = world.service(desk, kind)
        if loses:
            assert (await steering.release(MANAGER, "xrn_held", trigger())).state.active
            return
        with pytest.raises(TooLateError, match="reconnect it first"):
            await steering.release(MANAGER, "xrn_held", trigger())
    assert sqlite_database.in_read(lambda session: exchange.run(session, "xrn_held")).state is RunState.HELD


@pytest.mark.parametrize("hours, left", [(5, ["tidings-else", "tidings-exchange-x"]), (7, ["tidings-else"])])
def test_what_a_killed_process_left_is_removed(tmp_path: Path, hours: int, left: list[str]) -> None:
    for name in ("tidings-exchange-x", "tidings-else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "customer.fil").write_text("Amber Bicycles")
    assert clear(tmp_path, lambda: time.time() + hours * 3600) == (hours > 6)
    assert sorted(one.name for one in tmp_path.iterdir()) == left


def test_erased_records_are_named_by_no_run(database: Database, tmp_path: Path) -> None:
    """Whether the connection is erased or the company whose records they are, the totals stay."""
    world = company(database, tmp_path, maps=plain)
    for erased in (FAR, BOOKS):

        def write(session: Session, erased: str = erased) -> ExchangeRun:
            name = f"xrn_{erased}"
            _run(session, name, Held(Guard.SHRINK, 9, 3, ("Amber Bicycles",), 6), rejected=1)
            exchange.add_rejects(session, name, [Reject("Amber Bicycles", "NAME", "too long")])
            forget(session, erased)
            return exchange.run(session, name)

        run = world.database.in_write(write)
        assert run.held is not None
        assert replace(run.held, gone=("x",)) == Held(Guard.SHRINK, 9, 3, ("x",), 6)
        assert run.held.gone == ()
        assert run.rejected == 1
        assert database.in_read(partial(exchange.rejects_of, run_id=run.id)) == ()


class Joins(ExchangeService):
    """A twin that takes whatever works for what is wanted."""

    joins: ClassVar = dict.fromkeys(Trigger, tuple(Trigger))


@pytest.mark.parametrize("kind, loses", [(ExchangeService, False), (Joins, True)])
async def test_who_wants_a_file_sent_is_not_told_that_a_dry_run_began(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[ExchangeService],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """Nor is a run that sends begun by who wants to look first; the same again is the one that works."""
    world = company(sqlite_database, tmp_path, maps=plain)
    pair = world.pair(Pair.CUSTOMERS).id
    with closing(Desk(sqlite_database.url)) as desk:
        service = world.service(desk, kind)
        dry = await service.dry_run(MANAGER, pair, trigger())
        assert (await service.dry_run(MANAGER, pair, trigger())).id == dry.id
        if loses:
            assert (await service.start(MANAGER, pair, trigger())).trigger is Trigger.DRY
            return
        with pytest.raises(TooLateError, match="a dry run of it works right now, which sends nothing"):
            await service.start(MANAGER, pair, trigger())
        sqlite_database.in_write(lambda session: exchange.stop(session, dry, "over", "over", TWO))
        sent = await service.start(MANAGER, pair, trigger())
        assert (await service.start(MANAGER, pair, trigger())).id == sent.id
        with pytest.raises(TooLateError, match="a run of it works right now"):
            await service.dry_run(MANAGER, pair, trigger())


class Keeps(ExchangeService):
    """A twin that lets whatever waits hold the pair."""

    def make_room(self, session: Session, pair: ExchangePair, now: datetime) -> None:
        del session, pair, now


@pytest.mark.parametrize("kind, loses", [(ExchangeService, False), (Keeps, True)])
async def test_an_earlier_file_is_put_back_while_a_run_waits_for_data(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[ExchangeService],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """QuickBooks was never read, so the night's run waits for hours; one that is on its way is not disturbed."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    await world.worked()
    pair, name = world.pair(Pair.CUSTOMERS).id, "customer.fil.20261101T060000Z.01234567.fil"
    with closing(Desk(sqlite_database.url)) as desk:
        service = world.service(desk, kind)
        with pytest.raises(TooLateError, match="waits already: nothing was imported from QuickBooks yet"):
            await service.dry_run(MANAGER, pair, trigger())
        if loses:
            with pytest.raises(TooLateError):
                await service.restore(MANAGER, pair, name, trigger())
            return
        assert (await service.restore(MANAGER, pair, name, trigger())).trigger is Trigger.RESTORE
        (waited,) = [run for run in world.history(Pair.CUSTOMERS) if run.trigger is Trigger.SCHEDULE]
        assert (waited.state, waited.code) == (RunState.FAILED, "restored")
        with pytest.raises(TooLateError, match="an earlier file is being put back right now"):
            await service.restore(MANAGER, pair, name, trigger())


@pytest.mark.parametrize("why", [Trigger.DRY, Trigger.PERSON])
async def test_of_a_dry_run_that_makes_room_nobody_is_told(
    sqlite_database: Database, tmp_path: Path, why: Trigger
) -> None:
    """As of any dry run that comes to nothing: it would have sent nothing. Of one that sends receivers are told."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.clock.at = TWO
    sqlite_database.in_write(receives)
    pair, name = world.pair(Pair.CUSTOMERS).id, "customer.fil.20261101T060000Z.01234567.fil"
    with closing(Desk(sqlite_database.url)) as desk:
        service = world.service(desk)
        run = await (service.dry_run if why is Trigger.DRY else service.start)(MANAGER, pair, trigger())
        sqlite_database.in_write(
            lambda session: exchange.advance(session, run, state=RunState.WAITING, why="the file server is away")
        )
        await service.restore(MANAGER, pair, name, trigger())
        assert (await service.run(MANAGER, run.id)).run.code == "restored"
    types = sqlite_database.in_read(lambda session: session.exec(select(OutgoingMessageRow.type)).all())
    assert types == ([] if why is Trigger.DRY else ["exchange.errored"])


@pytest.mark.parametrize("lost", [True, False])
async def test_nothing_is_said_to_run_next_while_pocketadvantage_is_disconnected(
    sqlite_database: Database, tmp_path: Path, *, lost: bool
) -> None:
    """A run failed because its connection is lost, say: next time there is nothing either, until it is reconnected."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    with closing(Desk(sqlite_database.url)) as desk:
        service = world.service(desk)
        run = await service.start(MANAGER, world.pair(Pair.CUSTOMERS).id, trigger())
        sqlite_database.in_write(lambda session: fail(session, run, "refused", "refused", TWO, world.enqueue))
        if lost:
            world.disconnect(FAR)
        said = [str(exchange_ended(await service.run(MANAGER, run.id))), *world.told()]
    assert len(said) == 2
    for one in said:
        assert ("It runs next" in one, "nothing runs until it is reconnected" in one) == (not lost, lost)
