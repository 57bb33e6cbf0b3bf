"""Tools of the engine's tests: an engine that runs, waiting to a deadline, workers in processes of their own."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from jobs.engine import Engine, Timings, Work, WorkState, WorkStatus
from storage.facts.clock import SystemClock
from storage.sessions import Database
from tests.forks import begin

QUICK = Timings(beat=0.2, dead=2.0, mute=1.2, hang=5.0, reap=0.2)


@asynccontextmanager
async def running(
    database: Database, handlers: dict[str, Any], *, kind: type[Engine] = Engine, **options: Any
) -> AsyncIterator[Engine]:
    """Run an engine in this process."""
    engine = kind(database, SystemClock(), handlers=handlers, **{"timings": QUICK, **options})
    await engine.launch()
    try:
        yield engine
    finally:
        await engine.close(drain_seconds=1.0)


async def enqueue(engine: Engine, database: Database, *works: Work) -> None:
    """Enqueue in one transaction."""
    await database.writing(lambda session: [engine.enqueue(session, work) for work in works])


async def ended(engine: Engine, *works: Work, seconds: float = 60.0) -> list[WorkStatus]:
    """Wait until all of the work has ended."""
    final = {WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED}

    def look() -> list[WorkStatus] | None:
        found = [engine.status(work.id) for work in works]
        return [item for item in found if item] if all(item and item.state in final for item in found) else None

    found: list[WorkStatus] = await until(look, seconds)
    return found


async def until(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Look (in a thread) until something true is found."""
    deadline = time.monotonic() + seconds
    while True:
        found = await asyncio.to_thread(look)
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.03)


def wait_for(look: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Look until something true is found."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)


class Journal:
    """The outside world: what really happened, in a file that outlives every process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, kind: str | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in lines if kind is None or line["kind"] == kind]

    def write(self, kind: str, **facts: Any) -> None:
        line = json.dumps({"kind": kind, "pid": os.getpid(), **facts}) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)


class Worker:
    """An engine in a process of its own."""

    def __init__(self, database: Database, journal: Journal, options: tuple[str, ...], **variables: str) -> None:
        # The worker's own module imports this one.
        from tests.jobs.engine.worker import serve

        self.errors = journal.path.with_name(f"errors-{time.monotonic_ns()}")
        self._process = begin(serve, database.url, journal.path, options, variables=variables, errors=self.errors)
        self.journal = journal
        self.pid = self._process.pid or 0

    @property
    def lives(self) -> bool:
        return self._process.is_alive()

    def ready(self) -> "Worker":
        wait_for(lambda: self.said("ready") or not self.lives)
        assert self.said("ready"), self.errors.read_text()
        return self

    def said(self, kind: str) -> bool:
        return any(entry["pid"] == self.pid for entry in self.journal.entries(kind))

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self, seconds: float = 60) -> int:
        """Wait for its end and return the exit code (negative: the signal)."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it goes on"
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self.ended()


@contextmanager
def workers(database: Database, journal: Journal) -> Iterator[Callable[..., Worker]]:
    """Start workers; those that still live are killed in the end."""
    started: list[Worker] = []

    def start(*options: str, **variables: str) -> Worker:
        worker = Worker(database, journal, options, **variables)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        if worker.lives:
            worker.signal(signal.SIGCONT)
            worker.kill()
