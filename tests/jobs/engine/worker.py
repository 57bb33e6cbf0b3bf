"""A worker process for the tests: runs an engine until it is killed, and writes what it does into the journal."""

import asyncio
import dataclasses
import logging
import signal
import sys
import time
from pathlib import Path

from jobs.engine import Engine, WorkContext
from storage.facts.clock import SystemClock
from storage.sessions import open_database
from tests.jobs.engine.stage import QUICK, Journal


def main(url: str, path: str, *options: str) -> None:
    logging.basicConfig(level=logging.WARNING)
    journal = Journal(Path(path))
    timings = QUICK
    for option in options:
        name, _, value = option.partition("=")
        if name in {"dead", "reap"}:
            timings = dataclasses.replace(timings, **{name: float(value)})

    async def three_steps(work: WorkContext) -> None:
        for number in range(3):
            await work.step(f"s{number}", effect, work.id, number)

    def effect(work_id: str, number: int) -> int:
        journal.write("effect", work=work_id, step=number)
        return number

    async def slow(work: WorkContext) -> None:
        await work.step("begin", effect, work.id, 0)
        await work.step("long", long, work.id)
        await work.step("end", effect, work.id, 2)

    def long(work_id: str) -> None:
        journal.write("effect", work=work_id, step=1)
        journal.write("in_long", work=work_id)
        deadline = time.monotonic() + 60
        while not journal.entries("let_go") and time.monotonic() < deadline:
            time.sleep(0.02)

    async def serve() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        database = open_database(url)
        engine = Engine(
            database,
            SystemClock(),
            role="all" if database.is_sqlite else "worker",
            handlers={"three": three_steps, "slow": slow},
            timings=timings,
        )
        await engine.launch()
        journal.write("ready", executor=engine.executor_id)
        await stopped.wait()
        await engine.close()
        database.close()
        journal.write("closed")

    asyncio.run(serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
