"""Work that this process enqueued starts at once, not at the next look."""

import threading
from dataclasses import replace

import pytest

from jobs.engine import NOTIFY_QUEUE, REFRESH_QUEUE, Engine, Work, WorkContext
from jobs.lookout import Lookout
from storage.sessions import Database
from tests.jobs.engine.stage import ended, enqueue, running, wait_for

#: nobody looks by itself within a test
_SELDOM = tuple(replace(queue, poll_seconds=3600.0) for queue in (REFRESH_QUEUE, NOTIFY_QUEUE))


async def _started_at_once(database: Database, kind: type[Engine], seconds: float) -> list[str]:
    ran: list[str] = []

    async def handler(work: WorkContext) -> None:
        await work.step("note", ran.append, work.subject)

    works = (Work("note", "refresh", partition="org"), Work("note", "notify", queue="notify"))
    async with running(database, {"note": handler}, kind=kind, queues=_SELDOM) as engine:
        await enqueue(engine, database, *works)
        await ended(engine, *works, seconds=seconds)
    return sorted(ran)


async def test_an_enqueue_wakes_its_queue(database: Database) -> None:
    assert await _started_at_once(database, Engine, 20) == ["notify", "refresh"]


class _CallsNobody(Engine):
    def _look_after(self, name: str, lookout: Lookout) -> None:
        super()._look_after(name, _Deaf(lookout))


class _Deaf(Lookout):
    def __init__(self, other: Lookout) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return self._other.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        while not self._other.is_set():
            threading.Event().wait(0.05)
        return True


async def test_the_check_sees_a_queue_that_only_looks_in_its_rhythm(database: Database) -> None:
    with pytest.raises(AssertionError, match="in time"):
        await _started_at_once(database, _CallsNobody, 1.5)


def test_a_call_while_it_looks_makes_it_look_once_more() -> None:
    lookout, looks, go_on = Lookout(), [0], threading.Event()

    def watch(asked: Lookout) -> None:
        while not asked.wait(3600):
            looks[0] += 1
            go_on.wait(10)

    lookout.start("test", watch)
    lookout.call()
    wait_for(lambda: looks[0] == 1)
    lookout.call()
    go_on.set()
    wait_for(lambda: looks[0] == 2)
    lookout.stop()
    assert looks == [2]


def test_a_watch_that_fails_is_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    lookout, begun = Lookout(), [0]

    def watch(asked: Lookout) -> None:
        begun[0] += 1
        if begun[0] == 1:
            raise RuntimeError("the database is away")
        asked.wait(3600)

    lookout.start("test", watch)
    wait_for(lambda: begun[0] == 2)
    lookout.stop()
    assert "queue_watch_failed" in caplog.text
