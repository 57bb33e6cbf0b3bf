"""Processes die, freeze and are replaced; no work is lost, and completed steps are not run again."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from jobs.engine import Engine, Work, WorkState
from storage.facts.clock import SystemClock
from storage.records import workers as beats
from storage.sessions import Database
from tests.jobs.engine.stage import QUICK, Journal, Worker, ended, enqueue, running, until, wait_for, workers
from tests.jobs.engine.worker import Handlers, NextVersion

Start = Callable[..., Worker]
FINAL = {WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def start(database: Database, journal: Journal) -> Iterator[Start]:
    with workers(database, journal) as starter:
        yield starter


@pytest.fixture
def office(database: Database) -> Iterator[Engine]:
    """The web role of another process: enqueues and looks."""
    engine = Engine(database, SystemClock(), role="web")
    yield engine
    engine._let_go()


def put(office: Engine, database: Database, *works: Work) -> None:
    database.in_write(lambda session: [office.enqueue(session, work) for work in works])


def finish(office: Engine, *works: Work, seconds: float = 60.0) -> None:
    wait_for(lambda: all((found := office.status(work.id)) and found.state in FINAL for work in works), seconds)
    assert {work.id: office.status(work.id).state for work in works} == dict.fromkeys((w.id for w in works), "done")  # type: ignore[union-attr]


def effects(journal: Journal, work: Work) -> Counter[int]:
    return Counter(entry["step"] for entry in journal.entries("effect") if entry["work"] == work.id)


def stranded(office: Engine, database: Database) -> list[str]:
    """Work that nobody alive holds: what must never stay."""
    held = office.held()
    with database.read() as session:
        living = beats.alive(session, QUICK.dead)
    return [item.id for item in held if item.executor_id not in living]


async def test_kill_in_a_step_then_another_process_finishes(
    database: Database, journal: Journal, start: Start, office: Engine
) -> None:
    work = Work("slow", "x", partition="org")
    put(office, database, work)
    first = start().ready()
    await until(lambda: journal.entries("in_long"))
    # On Postgres the other one runs all the time, on SQLite it is a restart.
    async with AsyncExitStack() as stack:
        if not database.is_sqlite:
            await stack.enter_async_context(running(database, Handlers(journal).by_kind()))
        first.kill()
        if database.is_sqlite:
            await stack.enter_async_context(running(database, Handlers(journal).by_kind()))
        await until(lambda: len(journal.entries("in_long")) == 2)
        journal.write("let_go")
        await asyncio.to_thread(finish, office, work)
        # The step in which it died ran again, the one before did not.
        assert effects(journal, work) == {0: 1, 1: 2, 2: 1}
        assert stranded(office, database) == []


def test_without_a_reaper_the_work_is_stranded(postgres_database: Database, journal: Journal) -> None:
    """The twin: what the engine does by itself is nothing."""
    office = Engine(postgres_database, SystemClock(), role="web")
    with workers(postgres_database, journal) as start:
        crowd = [start("reap=3600").ready() for _ in range(2)]
        # The first look of each reaper is over when work runs.
        put(office, postgres_database, Work("slow", "x", partition="org"))
        wait_for(lambda: journal.entries("in_long"))
        victim = next(one for one in crowd if one.pid == journal.entries("in_long")[0]["pid"])
        victim.kill()
        wait_for(lambda: stranded(office, postgres_database) == ["slow:x:a1"])
        other = Work("three", "y", partition="org")
        put(office, postgres_database, other)
        finish(office, other)
        assert stranded(office, postgres_database) == ["slow:x:a1"]
        # A worker with a reaper finds it, however long ago the other died.
        start().ready()
        journal.write("let_go")
        finish(office, Work("slow", "x"))
    office._let_go()


@pytest.mark.parametrize(
    "point,again",
    [
        ("work.claimed", {}),
        ("step.s1.before", {}),
        ("step.s1.ran", {1: 1}),
        ("step.s1.recorded", {}),
        ("work.finishing", {}),
    ],
)
async def test_kill_at_every_named_point(
    sqlite_database: Database, journal: Journal, point: str, again: dict[int, int]
) -> None:
    office = Engine(sqlite_database, SystemClock(), role="web")
    work = Work("three", "x", partition="org")
    with workers(sqlite_database, journal) as start:
        put(office, sqlite_database, work)
        dying = start(TIDINGS_CRASH_AT=point)
        assert await asyncio.to_thread(dying.ended) == -signal.SIGKILL
        async with running(sqlite_database, Handlers(journal).by_kind()):
            await asyncio.to_thread(finish, office, work)
    assert effects(journal, work) == Counter({0: 1, 1: 1, 2: 1}) + Counter(again)
    office._let_go()


def test_random_kills_lose_nothing(database: Database, journal: Journal, start: Start, office: Engine) -> None:
    soak = bool(os.environ.get("SOAK"))
    kills, count = (50, 400) if soak else (3, 20)
    chance = random.Random(20261121)
    works = [Work("three", f"w{number}", partition=f"org{number % 7}") for number in range(count)]
    put(office, database, *works)
    crowd = [start() for _ in range(1 if database.is_sqlite else 2)]
    for _ in range(kills):
        for worker in crowd:
            worker.ready()
        time.sleep(chance.uniform(0.0, 0.4))
        victim = chance.randrange(len(crowd))
        crowd[victim].kill()
        crowd[victim] = start()
    finish(office, *works, seconds=90)
    ran = Counter((entry["work"], entry["step"]) for entry in journal.entries("effect"))
    assert set(ran) == {(work.id, step) for work in works for step in range(3)}
    # Only what a kill caught inside a step may have run again.
    assert sum(ran.values()) - len(ran) <= kills * 16
    assert stranded(office, database) == []
    if database.is_sqlite:
        with database.read() as session:
            assert session.connection().execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def _waiting_rows(office: Engine, database: Database, journal: Journal, start: Start) -> list[Work]:
    """Leave running, queued and delayed rows behind a killed process."""
    running = Work("slow", "running", partition="org")
    crowd = [Work("slow", f"crowd{number}", partition="org") for number in range(3)]
    queued = Work("three", "queued", partition="org")
    delayed = Work("three", "delayed", queue="notify", delay=timedelta(seconds=2))
    old = start().ready()
    put(office, database, running, *crowd)
    wait_for(lambda: len(journal.entries("in_long")) == 4)
    put(office, database, queued, delayed)
    old.kill()
    states = [office.status(work.id).state for work in (running, queued, delayed)]  # type: ignore[union-attr]
    assert states == [WorkState.RUNNING, WorkState.QUEUED, WorkState.DELAYED]
    journal.write("let_go")
    return [running, *crowd, queued, delayed]


async def test_redeploy_finishes_what_the_old_version_left(
    database: Database, journal: Journal, start: Start, office: Engine
) -> None:
    works = await asyncio.to_thread(_waiting_rows, office, database, journal, start)
    async with running(database, Handlers(journal).by_kind()):
        await asyncio.to_thread(finish, office, *works)


async def test_a_version_that_changes_strands_them(sqlite_database: Database, journal: Journal) -> None:
    """The twin: the version is not constant."""
    office = Engine(sqlite_database, SystemClock(), role="web")
    with workers(sqlite_database, journal) as start:
        works = await asyncio.to_thread(_waiting_rows, office, sqlite_database, journal, start)

    def all_wait() -> bool:
        return {office.status(work.id).state for work in works} == {WorkState.QUEUED}  # type: ignore[union-attr]

    async with running(sqlite_database, Handlers(journal).by_kind(), kind=NextVersion) as engine:
        await until(all_wait)
        # The new version works, but only on what it was given itself.
        mine = Work("three", "mine", partition="org")
        await enqueue(engine, sqlite_database, mine)
        await ended(engine, mine)
        assert all_wait()
    office._let_go()


def test_a_second_engine_on_the_same_file_is_refused(sqlite_database: Database, journal: Journal) -> None:
    with workers(sqlite_database, journal) as start:
        first = start().ready()
        second = start()
        assert second.ended() == 1
        assert f"another Tidings (process {first.pid}) already works on this database" in second.errors.read_text()
        assert "need Postgres" in second.errors.read_text()
        # However the first ends, its lock goes with it.
        first.kill()
        start().ready()


def test_without_the_lock_both_would_run(sqlite_database: Database, journal: Journal) -> None:
    """The twin: an engine that takes no lock."""
    with workers(sqlite_database, journal) as start:
        start().ready()
        start("unlocked").ready()


def _freeze_and_replace(journal: Journal, crowd: list[Worker], kind: str) -> tuple[Worker, Worker]:
    """Stop the worker that holds the work, until the other one is inside the long step."""
    held_by = wait_for(lambda: journal.entries(kind))[0]["pid"]
    zombie = next(worker for worker in crowd if worker.pid == held_by)
    heir = next(worker for worker in crowd if worker.pid != held_by)
    zombie.signal(signal.SIGSTOP)
    if kind == "paused":
        journal.write("go_on")
    wait_for(lambda: any(entry["pid"] == heir.pid for entry in journal.entries("in_long")))
    return zombie, heir


def test_a_frozen_worker_that_wakes_up_is_fenced(postgres_database: Database, journal: Journal) -> None:
    office = Engine(postgres_database, SystemClock(), role="web")
    work = Work("slow", "x", partition="org")
    with workers(postgres_database, journal) as start:
        crowd = [start().ready() for _ in range(2)]
        put(office, postgres_database, work)
        zombie, heir = _freeze_and_replace(journal, crowd, "in_long")
        journal.write("let_go")
        finish(office, work)
        zombie.signal(signal.SIGCONT)
        wait_for(lambda: "worker_was_held_for_dead" in zombie.errors.read_text())
        # It is a worker again: with the other one gone it does new work.
        heir.kill()
        later = Work("three", "later", partition="org")
        put(office, postgres_database, later)
        finish(office, later)
    assert {entry["pid"] for entry in journal.entries("effect") if entry["work"] == later.id} == {zombie.pid}
    assert effects(journal, work) == {0: 1, 1: 2, 2: 1}
    last = [entry["pid"] for entry in journal.entries("effect") if entry["work"] == work.id and entry["step"] == 2]
    assert last == [heir.pid]
    office._let_go()


@pytest.mark.parametrize("twin,inside_it", [([], 1), (["reckless"], 2)])
def test_a_worker_that_wakes_up_starts_nothing_outside(
    postgres_database: Database, journal: Journal, twin: list[str], inside_it: int
) -> None:
    """It was frozen between two steps; meanwhile another worker is inside the next one."""
    office = Engine(postgres_database, SystemClock(), role="web")
    work = Work("paused", "x", partition="org")
    with workers(postgres_database, journal) as start:
        crowd = [start(*twin).ready() for _ in range(2)]
        put(office, postgres_database, work)
        zombie, heir = _freeze_and_replace(journal, crowd, "paused")
        zombie.signal(signal.SIGCONT)
        wait_for(lambda: "worker_was_held_for_dead" in zombie.errors.read_text())
        if twin:
            wait_for(lambda: len(journal.entries("in_long")) == 2)
        else:
            wait_for(lambda: "work_was_taken_over" in zombie.errors.read_text())
        journal.write("let_go")
        finish(office, work)
    inside = {entry["pid"] for entry in journal.entries("in_long")}
    assert heir.pid in inside
    assert len(inside) == inside_it
    office._let_go()


def test_engine_variables_of_the_environment_do_nothing(sqlite_database: Database, journal: Journal) -> None:
    office = Engine(sqlite_database, SystemClock(), role="web")
    work = Work("three", "x", partition="org")
    with workers(sqlite_database, journal) as start:
        worker = start(DBOS__CLOUD="true", DBOS__APPVERSION="other", DBOS__VMID="local").ready()
        put(office, sqlite_database, work)
        finish(office, work)
        worker.signal(signal.SIGTERM)
        assert worker.ended() == 0
        assert worker.said("closed")
    assert "environment_ignored" in worker.errors.read_text()
    office._let_go()
