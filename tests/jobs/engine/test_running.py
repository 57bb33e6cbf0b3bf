"""Work is run once, to its end, with its steps kept as JSON."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from jobs.engine import Engine, EngineError, ReplayedError, Work, WorkContext, WorkState
from storage.facts.clock import SystemClock
from storage.sessions import Database
from tests.jobs.engine.stage import QUICK, ended, enqueue, running, until


def _count(database: Database, table: str, where: str = "1=1") -> int:
    prefix = "" if database.is_sqlite else "dbos."
    with database.read() as session:
        return int(
            session.connection().execute(text(f"SELECT count(*) FROM {prefix}{table} WHERE {where}")).scalar_one()
        )


async def test_work_runs_once_however_often_it_is_enqueued(database: Database) -> None:
    ran: list[str] = []

    async def handler(work: WorkContext) -> None:
        await work.step("note", ran.append, work.subject)

    work = Work("note", "s1", partition="org")
    async with running(database, {"note": handler}) as engine:
        await enqueue(engine, database, work, work)
        await asyncio.gather(*(enqueue(engine, database, work) for _ in range(5)))
        [status] = await ended(engine, work)
        await enqueue(engine, database, work)
        other = Work("note", "s2", partition="org")
        await enqueue(engine, database, other)
        await ended(engine, other)
    assert status.state is WorkState.DONE
    assert ran == ["s1", "s2"]


async def test_work_is_enqueued_with_our_row_or_not_at_all(database: Database) -> None:
    async def handler(work: WorkContext) -> None:
        pass

    def fail(session: Any) -> None:
        engine.enqueue(session, Work("none", "rolled-back", queue="notify"))
        session.connection().execute(
            text("INSERT INTO buckets (name, tokens, updated_at) VALUES ('b', 1, CURRENT_TIMESTAMP)")
        )
        raise RuntimeError("the transaction fails")

    async with running(database, {"none": handler}) as engine:
        with pytest.raises(RuntimeError, match="the transaction fails"):
            await database.writing(fail)
        kept = Work("none", "kept", queue="notify")
        await enqueue(engine, database, kept)
        await ended(engine, kept)
        assert engine.status("none:rolled-back:a1") is None
    assert _count(database, "workflow_status") == 1
    with database.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM buckets")).scalar_one() == 0


async def test_nothing_but_json_is_kept(database: Database) -> None:
    async def handler(work: WorkContext) -> None:
        assert await work.step("value", lambda: {"ids": ("a", 1, None, True, 0.5)}) == {
            "ids": ["a", 1, None, True, 0.5]
        }
        with pytest.raises(ZeroDivisionError):
            await work.step("error", lambda: 1 // 0)
        with pytest.raises(TypeError, match="JSON only, not Decimal"):
            await work.step("money", lambda: Decimal("1.10"))

    async with running(database, {"json": handler}) as engine:
        work = Work("json", "x", queue="notify")
        await enqueue(engine, database, work)
        [status] = await ended(engine, work)
    assert status.state is WorkState.DONE
    assert _count(database, "operation_outputs") == 3
    for table in ("operation_outputs", "workflow_status"):
        assert _count(database, table, "serialization IS NOT NULL AND serialization <> 'tidings_json'") == 0
    assert _count(database, "operation_outputs", "error LIKE '%ZeroDivisionError%'") == 1
    # What pickle writes (base64 of protocol 4 and 5) begins so.
    assert _count(database, "operation_outputs", "output LIKE 'gA%'") == 0
    assert _count(database, "workflow_input", 'inputs LIKE \'{"args":["json","x",1]%\'') == 1


async def test_a_handler_that_raises_is_told_and_fails(database: Database) -> None:
    told: list[tuple[Any, ...]] = []

    async def handler(work: WorkContext) -> None:
        raise ValueError("bad luck")

    async def on_error(*facts: Any) -> None:
        told.append(facts)

    async with running(database, {"bad": handler}, on_error=on_error) as engine:
        works = [Work("bad", "x", queue="notify"), Work("unknown", "y", queue="notify")]
        await enqueue(engine, database, *works)
        statuses = await ended(engine, *works)
    assert {status.state for status in statuses} == {WorkState.FAILED}
    assert sorted(fact[:3] for fact in told) == [("bad", "x", 1), ("unknown", "y", 1)]
    references = [fact[3] for fact in told]
    assert all(any(reference in (status.error or "") for status in statuses) for reference in references)


async def test_a_failure_that_cannot_be_noted_is_not_lost(sqlite_database: Database) -> None:
    calls: list[str] = []

    async def handler(work: WorkContext) -> None:
        raise ValueError("bad luck")

    async def on_error(kind: str, subject: str, attempt: int, reference: str, error: Exception) -> None:
        calls.append(reference)
        if len(calls) == 1:
            raise OSError("disk full")

    async with running(sqlite_database, {"bad": handler}, on_error=on_error) as engine:
        work = Work("bad", "x", queue="notify")
        await enqueue(engine, sqlite_database, work)
        [status] = await ended(engine, work)
    assert status.state is WorkState.FAILED
    # At least twice: whoever is slow may be taken for lost, and is told of again.
    assert len(calls) >= 2
    assert status.starts >= 2


async def test_cancel_stops_between_steps(database: Database) -> None:
    reached: list[str] = []
    go_on = asyncio.Event()
    told: list[Any] = []

    async def handler(work: WorkContext) -> None:
        await work.step("first", reached.append, "first")
        await go_on.wait()
        await work.step("second", reached.append, "second")

    async def on_error(*facts: Any) -> None:
        told.append(facts)

    async with running(database, {"long": handler}, on_error=on_error) as engine:
        work = Work("long", "x", queue="notify")
        await enqueue(engine, database, work)
        await until(lambda: reached)
        await asyncio.to_thread(engine.cancel, work.id)
        go_on.set()
        [status] = await ended(engine, work)
        await until(lambda: not engine.running_here())
    assert status.state is WorkState.CANCELLED
    assert reached == ["first"]
    assert told == []


async def test_work_left_at_close_is_finished_by_the_next_engine(database: Database) -> None:
    reached: list[str] = []
    held = asyncio.Event()

    async def handler(work: WorkContext) -> None:
        await work.step("first", reached.append, "first")
        await held.wait()
        await work.step("second", reached.append, "second")

    work = Work("long", "x", partition="org")
    async with running(database, {"long": handler}) as engine:
        await enqueue(engine, database, work)
        await until(lambda: reached)
    assert engine.executor_id
    held.set()
    async with running(database, {"long": handler}) as engine:
        [status] = await ended(engine, work)
    assert status.state is WorkState.DONE
    assert reached == ["first", "second"]


async def test_a_step_that_failed_fails_again_without_running(sqlite_database: Database) -> None:
    calls: list[int] = []
    seen: list[BaseException] = []
    held = asyncio.Event()

    def boom() -> None:
        calls.append(1)
        raise ValueError("secret of a foreign library")

    async def handler(work: WorkContext) -> None:
        try:
            await work.step("boom", boom)
        except Exception as error:  # noqa: BLE001 - the test looks at whatever it is
            seen.append(error)
        await held.wait()

    work = Work("retry", "x", queue="notify")
    async with running(sqlite_database, {"retry": handler}) as engine:
        await enqueue(engine, sqlite_database, work)
        await until(lambda: seen)
    held.set()
    async with running(sqlite_database, {"retry": handler}) as engine:
        await ended(engine, work)
    assert len(calls) == 1
    assert isinstance(seen[0], ValueError)
    assert isinstance(seen[1], ReplayedError)
    assert (seen[1].name, seen[1].text) == ("ValueError", "")


async def test_misuse_is_refused(sqlite_database: Database) -> None:
    engine = Engine(sqlite_database, SystemClock(), role="web")
    await engine.launch()
    with sqlite_database.write() as session:
        with pytest.raises(EngineError, match="needs a partition"):
            engine.enqueue(session, Work("x", "y"))
        with pytest.raises(EngineError, match="no queue is named 'other'"):
            engine.enqueue(session, Work("x", "y", queue="other"))
        with pytest.raises(EngineError, match="no colon"):
            engine.enqueue(session, Work("x:z", "y", queue="notify"))
    assert engine.may_act()
    await engine.close()


async def test_the_web_role_enqueues_for_a_worker(postgres_database: Database) -> None:
    ran: list[str] = []

    async def handler(work: WorkContext) -> None:
        await work.step("note", ran.append, work.subject)

    web = Engine(postgres_database, SystemClock(), role="web")
    await web.launch()
    work = Work("note", "s1", partition="org")
    async with running(postgres_database, {"note": handler}, role="worker"):
        await enqueue(web, postgres_database, work)
        await ended(web, work)
    await web.close()
    assert ran == ["s1"]


async def test_one_engine_per_process(sqlite_database: Database) -> None:
    async with running(sqlite_database, {}):
        second = Engine(sqlite_database, SystemClock(), timings=QUICK)
        with pytest.raises(EngineError, match="already runs an engine"):
            await second.launch()
        await second.close()
    async with running(sqlite_database, {}):
        pass
