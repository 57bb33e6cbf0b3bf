"""Heartbeats, the reaper, retention, self-checks, crash points."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

import jobs.heartbeat
from jobs.engine import Engine, Work, WorkContext, WorkState
from jobs.heartbeat import Heartbeat
from jobs.reaper import Held, Reaper
from storage.engine_pool import check_engine_pool, close_engine_pool, open_engine_pool
from storage.facts.clock import SystemClock
from storage.records import workers
from storage.sessions import Database, DatabaseUnavailableError
from tests.jobs.engine.stage import QUICK, ended, enqueue, running, until


def _table(database: Database, name: str) -> str:
    return name if database.is_sqlite else f"dbos.{name}"


def _plant(database: Database, work: Work, executor_id: str) -> None:
    """Mark queued work as running in a process that does not run it."""
    statement = text(
        f"UPDATE {_table(database, 'workflow_status')} SET status = 'PENDING', executor_id = :who "
        "WHERE workflow_uuid = :id AND status = 'ENQUEUED'"
    )
    with database.write() as session:
        planted = session.connection().execute(statement, {"who": executor_id, "id": work.id})
        assert planted.rowcount == 1


async def _nothing(work: WorkContext) -> None:
    pass


async def _plant_while_running(engine: Engine, database: Database, executor_id: str) -> Work:
    """Plant in one transaction, so that the engine cannot take it first."""
    work = Work("nothing", f"planted-{executor_id}", partition="org")
    statement = text(
        f"UPDATE {_table(database, 'workflow_status')} SET status = 'PENDING', executor_id = :who "
        "WHERE workflow_uuid = :id"
    )

    def plant(session: Any) -> None:
        engine.enqueue(session, work)
        session.connection().execute(statement, {"who": executor_id, "id": work.id})

    await database.writing(plant)
    return work


async def test_work_of_the_dead_and_lost_work_of_our_own_is_found(database: Database) -> None:
    async with running(database, {"nothing": _nothing}) as engine:
        orphan = await _plant_while_running(engine, database, "ghost")
        lost = await _plant_while_running(engine, database, engine.executor_id)
        assert {status.state for status in await ended(engine, orphan, lost)} == {WorkState.DONE}


async def test_dead_workers_are_forgotten_when_they_own_nothing(postgres_database: Database) -> None:
    with postgres_database.write() as session:
        workers.register(session, "ghost", "worker")
    async with running(postgres_database, {"nothing": _nothing}, role="worker") as engine:

        def known() -> set[str]:
            with postgres_database.read() as session:
                return workers.known(session)

        assert known() == {"ghost", engine.executor_id}
        await until(lambda: known() == {engine.executor_id})
    assert known() == set()


class Ward:
    """Work of two dead processes; the database is away for the first looks."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.abandoned = {"w1": Held("w1", "ghost"), "w2": Held("w2", "living")}

    def held(self) -> list[Held]:
        return list(self.abandoned.values())

    def requeue(self, held: Held) -> bool:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        return self.abandoned.pop(held.id, None) is not None

    def running_here(self) -> Collection[str]:
        return []

    def hasten(self) -> list[str]:
        return []

    def remove_finished(self) -> int:
        return 0


class EdgeReaper(Reaper):
    """Twin: looks at each death once, when it happens."""

    _dead: frozenset[str] = frozenset()

    def tick(self) -> list[str]:
        held = self._ward.held()
        living = self._living()
        news = {item.executor_id for item in held} - living - self._dead
        self._dead |= news
        return [item.id for item in held if item.executor_id in news and self._ward.requeue(item)]


@pytest.mark.parametrize("kind,left", [(Reaper, {"w2"}), (EdgeReaper, {"w1", "w2"})])
def test_an_error_while_recovering_strands_nothing(
    postgres_database: Database, kind: type[Reaper], left: set[str]
) -> None:
    with postgres_database.write() as session:
        workers.register(session, "living", "worker")
    ward = Ward(failures=2)
    reaper = kind(postgres_database, "me", ward, QUICK, alone=False)
    for _ in range(2):
        try:
            reaper.tick()
        except OSError:
            continue
    reaper.tick()
    assert set(ward.abandoned) == left


def _beat_at(database: Database) -> object:
    with database.read() as session:
        return session.connection().execute(text("SELECT beat_at FROM workers")).scalar_one()


class Unwatched(Heartbeat):
    """Twin: beats although the loop hangs."""

    def _beat(self) -> None:
        self.loop_turned()
        super()._beat()


@pytest.mark.parametrize("kind,silent", [(Heartbeat, True), (Unwatched, False)])
def test_a_hung_loop_stops_the_heartbeat(sqlite_database: Database, kind: type[Heartbeat], silent: object) -> None:
    timings = dataclasses.replace(QUICK, beat=0.01, hang=0.1)
    heartbeat = kind(sqlite_database, "me", "all", timings, lambda: None)
    heartbeat.start()
    assert heartbeat.fresh()
    # Nobody calls loop_turned: the loop hangs.
    began = jobs.heartbeat.steady()
    while jobs.heartbeat.steady() - began < 0.5:
        last = _beat_at(sqlite_database)
    deadline = jobs.heartbeat.steady() + 0.5
    while jobs.heartbeat.steady() < deadline and _beat_at(sqlite_database) == last:
        pass
    heartbeat.stop()
    assert (_beat_at(sqlite_database) == last) is silent


def test_a_worker_that_cannot_beat_may_not_act(sqlite_database: Database) -> None:
    timings = dataclasses.replace(QUICK, beat=0.02, mute=0.3)
    heartbeat = Heartbeat(sqlite_database, "me", "all", timings, lambda: None)
    assert not heartbeat.fresh()
    heartbeat.start()
    assert heartbeat.fresh()
    with sqlite_database.write() as session:
        session.connection().execute(text("SELECT 1"))
        # The write lock is ours, so the heartbeat waits.
        deadline = jobs.heartbeat.steady() + 10
        while heartbeat.fresh():
            assert jobs.heartbeat.steady() < deadline
    deadline = jobs.heartbeat.steady() + 10
    while not heartbeat.fresh():
        heartbeat.loop_turned()
        assert jobs.heartbeat.steady() < deadline
    heartbeat.stop()


async def test_finished_work_is_removed_after_its_term(database: Database) -> None:
    go_on = asyncio.Event()

    async def waits(work: WorkContext) -> None:
        await work.step("one", lambda: 1)
        await go_on.wait()

    old = [Work("nothing", f"old{number}", queue="notify") for number in range(5)]
    live = Work("waits", "live", queue="notify")
    async with running(database, {"nothing": _nothing, "waits": waits}) as engine:
        await enqueue(engine, database, *old, live)
        await ended(engine, *old)
        assert await asyncio.to_thread(engine.remove_finished) == 0
    now = dataclasses.replace(QUICK, keep=timedelta(seconds=-5), retention=0.1)
    async with running(database, {"nothing": _nothing, "waits": waits}, timings=now) as engine:
        await until(lambda: all(engine.status(work.id) is None for work in old))
        status = engine.status(live.id)
        assert status
        assert status.state in {WorkState.RUNNING, WorkState.QUEUED}

        def left(table: str) -> int:
            with database.read() as session:
                rows = session.connection().execute(text(f"SELECT count(*) FROM {_table(database, table)}"))
                return int(rows.scalar_one())

        assert [left(table) for table in ("workflow_status", "workflow_input")] == [1, 1]
        go_on.set()
        await until(lambda: left("workflow_status") == 0)
        assert left("operation_outputs") == 0


def test_an_sqlite_whose_clock_is_coarse_is_refused(sqlite_database: Database) -> None:
    pool = open_engine_pool(sqlite_database)
    check_engine_pool(pool)
    close_engine_pool(pool)
    bad = create_engine(sqlite_database.url)
    event.listen(bad, "connect", lambda link, _: link.create_function("unixepoch", -1, lambda *_: 1_700_000_000))
    with pytest.raises(
        DatabaseUnavailableError, match=r"needs unixepoch with sub-seconds.*3\.42 or newer, or Postgres"
    ):
        check_engine_pool(bad)
    bad.dispose()


def test_the_engine_pool_is_as_durable_as_ours(sqlite_database: Database) -> None:
    pool = open_engine_pool(sqlite_database)
    with pool.connect() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    close_engine_pool(pool)
    assert found == ["wal", 2, 1]


@pytest.mark.parametrize("wanted,passes", [("here", 0), ("here:3", 2), ("there", 5), ("", 5)])
def test_a_crash_point_kills_at_the_nth_pass(wanted: str, passes: int) -> None:
    script = "from jobs.crashpoints import crash_point\nfor n in range(5):\n crash_point('here'); print(n, flush=True)"
    environment = {**os.environ, "TIDINGS_CRASH_AT": wanted}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [str(number) for number in range(passes)]
    assert done.returncode == (0 if passes == 5 else -signal.SIGKILL)


async def test_a_missing_heartbeat_makes_the_next_start_wait_for_nobody(sqlite_database: Database) -> None:
    """On SQLite the lock says that nobody else lives: work of a killed process is taken at once."""
    with sqlite_database.write() as session:
        workers.register(session, "killed-a-moment-ago", "all")
    office = Engine(sqlite_database, SystemClock(), role="web")
    work = Work("nothing", "x", queue="notify")
    await enqueue(office, sqlite_database, work)
    await asyncio.to_thread(_plant, sqlite_database, work, "killed-a-moment-ago")
    slow = dataclasses.replace(QUICK, dead=3600.0)
    async with running(sqlite_database, {"nothing": _nothing}, timings=slow) as engine:
        await ended(engine, work)
    await office.close()


class Patient(Engine):
    """Twin: lets what waits wait; how often it could have looked is counted."""

    looks = 0

    def hasten(self) -> list[str]:
        self.looks += 1
        return []


@pytest.mark.parametrize("kind", [Engine, Patient])
async def test_what_a_clock_put_off_that_was_set_back_does_not_wait_for_it(
    sqlite_database: Database, kind: type[Engine]
) -> None:
    put_off, later = (Work("nothing", name, queue="notify", delay=timedelta(hours=1)) for name in ("one", "two"))
    async with running(sqlite_database, {"nothing": _nothing}, kind=kind) as engine:
        with sqlite_database.write() as session:
            engine.enqueue(session, put_off)
            # As a clock that was an hour ahead wrote it.
            session.connection().execute(
                text(
                    "UPDATE workflow_status SET created_at = created_at + 3600000, "
                    "delay_until_epoch_ms = delay_until_epoch_ms + 3600000"
                )
            )
        await enqueue(engine, sqlite_database, later)
        if isinstance(engine, Patient):
            await until(lambda: engine.looks > 1)
            waiting = [put_off, later]
        else:
            await ended(engine, put_off)
            waiting = [later]
        for work in waiting:
            found = engine.status(work.id)
            assert found is not None
            assert found.state is WorkState.DELAYED
