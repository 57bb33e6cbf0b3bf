"""The simulation through several workers on one database: processes of their own, killed in the middle of their work.

The world, the clock's sweeps and people's wishes are in the process of the test; runs and deliveries are done by the
workers, which reach the world over a socket (`worker.py`), Slack and mail over theirs. A kill is a SIGKILL where the
worker waits for the world at a point between two steps; another one takes its place, and whoever lives takes its work.
"""

import asyncio
import contextlib
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from jobs.build import Jobs
from jobs.engine import Engine
from storage.facts.clock import SystemClock
from storage.facts.sources import Provider
from storage.facts.streams import Batch
from storage.sessions import Database
from storage.warehouse import LoadResult, LoadRun
from tests.faults.simulation.clock import BEGINNING, VirtualClock
from tests.faults.simulation.durable import FIRST_DEATH, Forgetful, PatientClock, RealEngine
from tests.faults.simulation.worker import Plan, TimeFile, packed, serve
from tests.faults.simulation.world import Simulated
from tests.forks import begin
from tests.waiting import eventually

WORKERS = 2


class ShownClock(PatientClock):
    """Time that every process sees."""

    def __init__(self, file: TimeFile) -> None:
        self._file, self._one = file, threading.Lock()
        super().__init__()
        file.show(BEGINNING)

    def advance_to(self, at: datetime) -> None:
        with self._one:
            super().advance_to(at)
            self._file.show(self.now())


class FarEngine(RealEngine):
    """Only enqueues: the workers run it."""

    def __init__(self, database: Database, clock: ShownClock, kind: type[Engine], folder: Path) -> None:
        super().__init__(database, clock, kind)
        self.folder = folder
        #: worker -> what it is at
        self.busy: dict[int, set[str]] = {}

    async def begin(self, jobs: Jobs) -> None:
        engine = self._engine = Engine(self._database, SystemClock(), role="web")
        jobs.engine.bind(engine.enqueue, engine.status, lambda: True)
        await engine.launch()
        self._clock.at_work = lambda: sum(map(len, self.busy.values())) + self._others

    def _counts(self, executor_id: str) -> bool:
        # What a dead one holds is waited for, since the others take it; the twin's do not.
        return self._kind is not Forgetful or int(executor_id.split("-")[-2]) in self.busy


class Crew(Simulated):
    """The simulation with workers."""

    kind: ClassVar[type[Engine]] = Engine
    first_death: ClassVar[int | None] = FIRST_DEATH

    @classmethod
    def around(cls, _database: Database) -> tuple[VirtualClock, Callable[[Database, VirtualClock], Any]]:
        folder = Path(tempfile.mkdtemp(prefix="tidings-crew-"))
        clock = ShownClock(TimeFile.new(folder / "time"))
        return clock, lambda database, _clock: FarEngine(database, clock, cls.kind, folder)

    async def bind(self) -> None:
        self._stack, self._workers = AsyncExitStack(), dict[int, ForkServerProcess]()
        stack, folder = self._stack, self.engine.folder
        await self.engine.begin(self.jobs)
        stack.callback(shutil.rmtree, folder)
        server = await asyncio.start_unix_server(self._answer, folder / "world")
        stack.callback(server.close)
        url = (await stack.enter_async_context(self.slack.serve())).api_url
        settings = {**self._told(), "slack_api_url": url}
        self._plan = Plan(folder / "world", folder / "time", settings, self.tuning, self.kind)
        stack.push_async_callback(self._stop)
        for _ in range(WORKERS):
            await self._start()
        await eventually(lambda: len(self.engine.busy) == WORKERS)
        self.dies_in = self.first_death

    async def end(self) -> None:
        await self._stack.aclose()
        await self.engine.end()
        await self.jobs.close()

    def point(self, name: str) -> None:
        """The process of the test does not die."""

    def _told(self) -> dict[str, Any]:
        found = self.settings
        return {
            "database_url": found.database_url,
            "warehouse_url": found.warehouse_url,
            "secret_keys": [key.get_secret_value() for key in found.secret_keys],
            "slack_bot_token": found.slack_bot_token.get_secret_value(),
            "slack_signing_secret": found.slack_signing_secret.get_secret_value(),
            "support_channel": found.support_channel,
            "support_email": found.support_email,
            "smtp_url": found.smtp_url.get_secret_value(),
            "mail_from": found.mail_from,
        }

    # Workers

    async def _start(self) -> None:
        log = self.engine.folder / "log"
        worker = await asyncio.to_thread(begin, serve, self._plan, variables={}, errors=log)
        self._workers[worker.pid or 0] = worker

    async def _stop(self) -> None:
        for pid in list(self._workers):
            await self._kill(pid)

    async def _kill(self, pid: int) -> None:
        worker = self._workers.pop(pid)
        assert worker.is_alive(), (self.engine.folder / "log").read_text()[-4000:]
        worker.kill()
        await asyncio.to_thread(worker.join)
        worker.close()
        self.engine.left_behind += len(self.engine.busy.pop(pid, ()))

    # What they ask

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            pid, name, args = pickle.loads(await reader.read())
            try:
                found = await getattr(self, f"_on_{name}")(pid, *args)
            except Exception as error:  # noqa: BLE001 - the worker's to handle
                found = error
            writer.write(packed(found))
            await writer.drain()
        writer.close()

    async def _on_ready(self, pid: int) -> None:
        self.engine.busy[pid] = set()

    async def _on_begins(self, pid: int, work_id: str) -> None:
        self.engine.busy[pid].add(work_id)
        self.engine.handled += 1

    async def _on_ends(self, pid: int, work_id: str) -> None:
        self.engine.busy[pid].discard(work_id)

    async def _on_point(self, pid: int, _name: str) -> None:
        if self.dies_in is None or pid not in self._workers:
            return
        self.dies_in -= 1
        if self.dies_in < 0:
            self.dies_in = None
            self.deaths += 1
            await self._kill(pid)
            await self._start()

    async def _on_sleep(self, _pid: int, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def _on_probe(self, _pid: int, provider: Provider, account: str) -> Any:
        return await self.connector(provider).probe(_session(account, ()))

    async def _on_collect(
        self, _pid: int, provider: Provider, account: str, cursors: dict[str, str], until: datetime, wanted: Any
    ) -> Any:
        pages: list[Batch] = []

        async def sink(page: Batch) -> None:
            pages.append(page)

        session = _session(account, wanted)
        return await self.connector(provider).collect(session, cursors, until, sink, lambda *_: None), pages

    async def _on_lake(self, _pid: int, organization_id: str, name: str, args: Any, named: Any) -> Any:
        return getattr(self.small_lakes.lake(organization_id), name)(*args, **named)

    async def _on_load(
        self, _pid: int, organization_id: str, run: LoadRun, batches: list[Batch], args: Any, named: Any
    ) -> LoadResult:
        load = self.small_lakes.lake(organization_id).begin(run, checkpoint=lambda _name: None)
        for batch in batches:
            load.write(batch)
        return load.commit(*args, **named)


class Deserted(Crew):
    """Twin: no worker takes what a dead one was at."""

    kind = Forgetful
    first_death = None


def _session(account: str, wanted: Any) -> Any:
    return cast("Any", SimpleNamespace(access=SimpleNamespace(account=account, wants=lambda name: name in wanted)))
