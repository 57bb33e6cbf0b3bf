"""Requests that share a transaction: one that fails takes nobody with it, and nothing is told before the commit."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.errors import UnavailableError
from jobs.group_commit import GroupCommit
from storage.records import triggers
from storage.sessions import ConflictError, Database, Session, open_database

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _remember(name: str) -> Callable[[Session], None]:
    return lambda session: triggers.remember(session, "T0", name, name, NOW)


def _known(database: Database, name: str) -> bool:
    return database.in_read(lambda session: triggers.first_result(session, "T0", name)) is not None


@asynccontextmanager
async def _group(
    database: Database, seconds: float = 60.0, kind: type[GroupCommit] = GroupCommit
) -> AsyncIterator[GroupCommit]:
    group = kind(database, seconds)
    try:
        yield group
    finally:
        await asyncio.to_thread(group.close)


@asynccontextmanager
async def _held(group: GroupCommit) -> AsyncIterator[None]:
    """Hold the thread inside a transaction while the block asks for more."""
    started, gate = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        started.set()
        gate.wait(60)

    holding = asyncio.create_task(group.write(hold))
    await asyncio.to_thread(started.wait, 60)
    try:
        yield
        # What the block began has asked by now.
        await asyncio.sleep(0.05)
    finally:
        gate.set()
        await holding


async def _ended(tasks: list[asyncio.Task[None]]) -> list[Any]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


async def test_what_fails_takes_nobody_with_it(sqlite_database: Database) -> None:
    def fail(session: Session) -> None:
        triggers.remember(session, "T0", "half", "half", NOW)
        raise RuntimeError("broken")

    async with _group(sqlite_database) as group:
        async with _held(group):
            works = (_remember("a"), _remember("a"), fail, _remember("b"))
            tasks = [asyncio.create_task(group.write(work)) for work in works]
        good, twin, bad, last = await _ended(tasks)
    assert good is None
    assert isinstance(twin, ConflictError)
    assert isinstance(bad, RuntimeError)
    assert last is None
    assert _known(sqlite_database, "a")
    assert _known(sqlite_database, "b")
    assert not _known(sqlite_database, "half")


async def test_a_busy_database_writes_nothing_and_says_so(sqlite_database: Database) -> None:
    impatient = open_database(sqlite_database.url, busy_seconds=0.1)
    async with _group(impatient, 0.1) as group:
        with sqlite_database.write() as holder:
            triggers.remember(holder, "T0", "holder", "", NOW)
            with pytest.raises(UnavailableError):
                await group.write(_remember("late"))
            with pytest.raises(UnavailableError):
                await group.write(_remember("plain"), plain=True)
            with pytest.raises(UnavailableError):
                await group.write_behind(_remember("behind"))
        await group.write(_remember("later"))
    impatient.close()
    assert [name for name in ("late", "plain", "behind", "later") if _known(sqlite_database, name)] == ["later"]


@pytest.mark.parametrize("plain", [True, False])
async def test_nothing_is_told_before_the_commit(sqlite_database: Database, *, plain: bool) -> None:
    async with _group(sqlite_database) as group:
        await group.write(_remember("a"), plain=plain)
        assert _known(sqlite_database, "a")


class _NothingBehind(GroupCommit):
    """A twin for which everything is equally urgent."""

    async def write_behind(self, work: Callable[[Session], Any]) -> Any:
        return await self.write(work)


@pytest.mark.parametrize("kind", [GroupCommit, _NothingBehind])
async def test_what_was_accepted_before_is_written_behind_what_waits(
    sqlite_database: Database, kind: type[GroupCommit]
) -> None:
    order: list[str] = []
    async with _group(sqlite_database, kind=kind) as group:
        async with _held(group):
            behind = [
                asyncio.create_task(group.write_behind(lambda _session: order.append("behind"))) for _ in range(20)
            ]
            await asyncio.sleep(0.05)
            urgent = asyncio.create_task(group.write(lambda _session: order.append("urgent"), plain=True))
        await _ended([*behind, urgent])
    assert len(order) == 21
    assert (order[0] == "urgent") == (kind is GroupCommit)


async def test_who_comes_waits_for_one_piece_behind_at_most(sqlite_database: Database) -> None:
    order: list[str] = []
    started, gate = threading.Event(), threading.Event()

    def first(_session: Session) -> None:
        order.append("behind")
        started.set()
        gate.wait(60)

    async with _group(sqlite_database) as group:
        tasks = [asyncio.create_task(group.write_behind(first))]
        await asyncio.to_thread(started.wait, 60)
        tasks += [asyncio.create_task(group.write_behind(lambda _session: order.append("behind"))) for _ in range(3)]
        await asyncio.sleep(0.05)
        urgent = asyncio.create_task(group.write(lambda _session: order.append("urgent")))
        await asyncio.sleep(0.05)
        gate.set()
        await _ended([*tasks, urgent])
    assert order == ["behind", "urgent", "behind", "behind", "behind"]


async def test_what_waits_is_written_before_the_end(sqlite_database: Database) -> None:
    group = GroupCommit(sqlite_database, 60.0)
    tasks = [asyncio.create_task(group.write(_remember(f"now {number}"))) for number in range(40)]
    tasks += [asyncio.create_task(group.write_behind(_remember(f"behind {number}"))) for number in range(10)]
    await asyncio.sleep(0)
    await asyncio.to_thread(group.close)
    assert await _ended(tasks) == [None] * 50
    assert _known(sqlite_database, "now 39")
    assert _known(sqlite_database, "behind 9")


async def test_who_has_gone_is_not_written_for(sqlite_database: Database) -> None:
    async with _group(sqlite_database) as group:
        async with _held(group):
            gone = asyncio.create_task(group.write(_remember("gone")))
            await asyncio.sleep(0.05)
            gone.cancel()
        await group.write(_remember("here"))
    assert not _known(sqlite_database, "gone")
