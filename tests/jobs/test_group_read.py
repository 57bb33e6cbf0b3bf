"""Questions that share a session: each sees what was there when it was asked, and one that fails takes nobody with it."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from jobs.errors import UnavailableError
from jobs.group_read import GroupRead
from jobs.waiting import Waiting, tell
from storage.records import triggers
from storage.sessions import Database, Session

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _known(session: Session) -> bool:
    return triggers.first_result(session, "T0", "a") is not None


def _write(database: Database) -> None:
    database.in_write(lambda session: triggers.remember(session, "T0", "a", "a", NOW))


@asynccontextmanager
async def _held(group: GroupRead) -> AsyncIterator[None]:
    """Hold the thread inside a read while the block asks for more."""
    started, gate = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        started.set()
        gate.wait(60)

    holding = asyncio.create_task(group.read(hold))
    await asyncio.to_thread(started.wait, 60)
    try:
        yield
    finally:
        gate.set()
        await holding


async def test_what_waits_together_shares_a_session_and_failures_are_told_alone(database: Database) -> None:
    def broken(session: Session) -> None:
        session.connection().execute(text("SELECT nothing FROM nowhere"))

    group = GroupRead(database, 60.0, 1)
    async with _held(group):
        works: tuple[Any, ...] = (id, broken, id, _known)
        tasks = [asyncio.create_task(group.read(work)) for work in works]
        await asyncio.sleep(0.05)
    first, bad, second, known = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(group.close)
    assert first == second
    assert isinstance(bad, Exception)
    assert known is False


class _Hoarder(GroupRead):
    """A twin that keeps its transaction for the next group."""

    def _read_together(self, group: list[Waiting]) -> None:
        if not hasattr(self, "_kept"):
            self._kept = Session(self._database._readers)
        tell((question, question.work(self._kept), None) for question in group)


async def _sees_what_was_committed_before(database: Database, kind: type[GroupRead]) -> bool:
    group = kind(database, 60.0, 1)
    try:
        assert await group.read(_known) is False
        _write(database)
        return await group.read(_known)
    finally:
        await asyncio.to_thread(group.close)
        if isinstance(group, _Hoarder):
            group._kept.close()


async def test_an_answer_is_never_from_before_the_question(sqlite_database: Database) -> None:
    assert await _sees_what_was_committed_before(sqlite_database, GroupRead)


async def test_a_kept_transaction_would_be_seen(sqlite_database: Database) -> None:
    assert not await _sees_what_was_committed_before(sqlite_database, _Hoarder)


async def test_what_cannot_begin_in_time_does_not_begin(sqlite_database: Database) -> None:
    group = GroupRead(sqlite_database, 0.05, 1)
    async with _held(group):
        late = asyncio.create_task(group.read(_known))
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - the question grows old; nothing else runs here
    with pytest.raises(UnavailableError):
        await late
    await asyncio.to_thread(group.close)


async def test_what_waits_is_answered_before_the_end(database: Database) -> None:
    group = GroupRead(database, 60.0, 3)
    asked = [asyncio.create_task(group.read(_known)) for _ in range(40)]
    await asyncio.sleep(0)
    await asyncio.to_thread(group.close)
    assert await asyncio.gather(*asked) == [False] * 40
