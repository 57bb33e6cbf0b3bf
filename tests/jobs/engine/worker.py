"""A worker process for the tests: runs an engine until it is told to stop, and writes what it does into the journal.

Its options: reap=SECONDS, and names of twins, which are engines with one bug each.
"""

import asyncio
import dataclasses
import logging
import signal
import time
from pathlib import Path
from typing import Any, ClassVar

from jobs.engine import Engine, Handler, WorkContext
from storage.facts.clock import SystemClock
from storage.sessions import open_database
from tests.jobs.engine.stage import QUICK, Journal


class NextVersion(Engine):
    """Twin: its version changes with a deployment."""

    version: ClassVar[str] = "tidings-2"


class Unlocked(Engine):
    """Twin: does not keep others off its file."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = None


class Reckless(Engine):
    """Twin: acts although it may be held for dead."""

    async def until_may_act(self) -> None:
        return

    def _drop_what_others_took(self) -> None:
        return


TWINS: dict[str, type[Engine]] = {"unlocked": Unlocked, "reckless": Reckless}


class Handlers:
    """What the work does: effects in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def by_kind(self) -> dict[str, Handler]:
        return {"three": self.three, "slow": self.slow, "paused": self.paused}

    def effect(self, work_id: str, number: int) -> int:
        self._journal.write("effect", work=work_id, step=number)
        return number

    def long(self, work_id: str) -> None:
        self.effect(work_id, 1)
        self._journal.write("in_long", work=work_id)
        deadline = time.monotonic() + 60
        while not self._journal.entries("let_go") and time.monotonic() < deadline:
            time.sleep(0.02)

    async def three(self, work: WorkContext) -> None:
        for number in range(3):
            await work.step(f"s{number}", self.effect, work.id, number)

    async def slow(self, work: WorkContext) -> None:
        await work.step("s0", self.effect, work.id, 0)
        await work.step("long", self.long, work.id)
        await work.step("s2", self.effect, work.id, 2)

    async def paused(self, work: WorkContext) -> None:
        await work.step("s0", self.effect, work.id, 0)
        self._journal.write("paused", work=work.id)
        while not self._journal.entries("go_on"):  # noqa: ASYNC110 - the sign comes from another process
            await asyncio.sleep(0.02)
        await work.step("long", self.long, work.id)


async def serve(url: str, journal_path: Path, options: tuple[str, ...]) -> None:
    """Be the worker until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    journal = Journal(journal_path)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    handlers = Handlers(journal)
    timings = QUICK
    kind: type[Engine] = Engine
    for option in options:
        if option.startswith("reap="):
            timings = dataclasses.replace(timings, reap=float(option.removeprefix("reap=")))
        else:
            kind = TWINS[option]
    database = open_database(url)
    engine = kind(
        database,
        SystemClock(),
        role="all" if database.is_sqlite else "worker",
        handlers=handlers.by_kind(),
        timings=timings,
    )
    try:
        await engine.launch()
        journal.write("ready", executor=engine.executor_id)
        await stopped.wait()
    finally:
        await engine.close()
        database.close()
    journal.write("closed")
