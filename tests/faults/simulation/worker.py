"""A worker process of the simulation: the product's engine and handlers, with the world around it in another process.

It asks the world over a socket: every question is a connection of its own and waits for its answer, so that the world
may let it die in the middle of any of them.
"""

import asyncio
import io
import mmap
import os
import pickle
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from connectors.base import Collected, Company, Progress, Session, Sink
from jobs.build import Tuning, build_jobs
from jobs.engine import Engine, Handler, Timings, WorkContext
from jobs.ground import Warehouses
from storage.facts.clock import SystemClock
from storage.facts.sources import Provider
from storage.facts.streams import Batch
from storage.sessions import open_database
from storage.settings import Settings
from storage.warehouse import LoadResult, LoadRun, Warehouse
from tests.conftest import _stay_on_loopback as stay_on_loopback
from tests.faults.simulation.provider import NAMES, Ledger, Revoking
from tests.faults.simulation.world import MODES

#: Long against the pauses of a busy machine: the world's clock stands still meanwhile, only real time is lost.
TIMINGS = Timings(beat=0.5, dead=6.0, mute=4.0, hang=5.0, reap=0.5, keep=timedelta(days=3650))
_INSTANT = struct.Struct("d")


class _Pickler(pickle.Pickler):
    """Sends errors too, whose arguments need not be those of an exception."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Exception):
            return _again, (type(obj), obj.args, obj.__dict__)
        return NotImplemented


def _again(kind: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    made = kind.__new__(kind, *args)
    made.__dict__.update(state)
    return made


def packed(value: Any) -> bytes:
    """Return a value as it is sent between the world and its workers."""
    found = io.BytesIO()
    _Pickler(found).dump(value)
    return found.getvalue()


class TimeFile:
    """The world's time, where all of its processes see it."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _INSTANT.size)

    @classmethod
    def new(cls, path: Path) -> "TimeFile":
        path.write_bytes(_INSTANT.pack(0.0))
        return cls(path)

    def show(self, at: datetime) -> None:
        _INSTANT.pack_into(self._map, 0, at.timestamp())

    def now(self) -> datetime:
        seconds: float = _INSTANT.unpack_from(self._map)[0]
        return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker is told."""

    socket: Path
    time: Path
    settings: dict[str, Any]
    tuning: Tuning
    #: a twin has one with a bug
    kind: type[Engine]


class Line:
    """Questions to the world; they block."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def ask(self, name: str, *args: Any) -> Any:
        """Return the world's answer, or raise the error that it is."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self._path)
            line.sendall(packed((os.getpid(), name, args)))
            line.shutdown(socket.SHUT_WR)
            found = b"".join(iter(lambda: line.recv(1 << 16), b""))
        answer = pickle.loads(found)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def point(self, name: str) -> None:
        """Pass a point where the process may die: no answer comes then."""
        self.ask("point", name)


class ToldClock:
    """The world's clock in a worker."""

    def __init__(self, time: TimeFile, line: Line) -> None:
        self._time, self._line = time, line

    def now(self) -> datetime:
        return self._time.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.to_thread(self._line.ask, "sleep", seconds)


class FarLedger(Ledger):
    """The connector whose provider is in the world."""

    def __init__(self, line: Line, provider: Provider) -> None:
        super().__init__(cast("Any", None), provider, MODES[provider])
        self._line = line

    async def probe(self, session: Session) -> Company:
        found: Company = await asyncio.to_thread(self._line.ask, "probe", self.provider, session.access.account)
        return found

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        wanted = tuple(name for name in NAMES if session.access.wants(name))
        question = ("collect", self.provider, session.access.account, dict(cursors), until, wanted)
        found: tuple[Collected, list[Batch]] = await asyncio.to_thread(self._line.ask, *question)
        collected, pages = found
        for number, page in enumerate(pages, 1):
            await sink(page)
            progress(page.stream.name, number, None)
        return collected


class FarLoad:
    """A load into the world's warehouse: staged here, committed there."""

    def __init__(self, line: Line, organization_id: str, run: LoadRun, checkpoint: Callable[[str], None]) -> None:
        self._line, self._about, self._checkpoint = line, (organization_id, run), checkpoint
        self._batches: list[Batch] = []

    def write(self, batch: Batch) -> None:
        self._batches.append(batch)

    def abort(self) -> None:
        self._batches.clear()

    def commit(self, *args: Any, fence: Callable[[], None] | None = None, **named: Any) -> LoadResult:
        self._checkpoint("warehouse.staged")
        if fence is not None:
            fence()
        result: LoadResult = self._line.ask("load", *self._about, self._batches, args, _sendable(named))
        self._checkpoint("warehouse.committed")
        return result


class FarLake:
    """One organization's warehouse in the world."""

    def __init__(self, line: Line, organization_id: str) -> None:
        self._line, self._organization_id = line, organization_id

    def begin(self, run: LoadRun, *_streams: Any, checkpoint: Callable[[str], None], **_others: Any) -> FarLoad:
        return FarLoad(self._line, self._organization_id, run, checkpoint)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*args: Any, fence: Callable[[], None] | None = None, **named: Any) -> Any:
            if fence is not None:
                fence()
            return self._line.ask("lake", self._organization_id, name, args, _sendable(named))

        return called


class FarLakes(Warehouses):
    """All organizations' warehouses in the world."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def of(self, organization_id: str) -> Warehouse:
        return cast("Warehouse", FarLake(self._line, organization_id))


def _sendable(named: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if not callable(value)}


async def serve(plan: Plan) -> None:
    """Be a worker, until somebody kills it."""
    sys.addaudithook(stay_on_loopback)
    line = Line(plan.socket)
    clock = ToldClock(TimeFile(plan.time), line)
    with patch("time.time", lambda: clock.now().timestamp()):
        settings = Settings.model_validate(plan.settings)
        database = open_database(settings.database_url)
        jobs = build_jobs(
            settings,
            database,
            clock,
            checkpoint=line.point,
            connectors=lambda provider: FarLedger(line, provider),
            grants=lambda provider: cast("Any", Revoking(provider)),
            tuning=plan.tuning,
            warehouses=FarLakes(line),
        )
        engine = plan.kind(
            database,
            SystemClock(),
            role="worker",
            handlers={kind: _told(line, handler) for kind, handler in jobs.handlers.items()},
            crash=line.point,
            timings=TIMINGS,
            on_error=jobs.on_error,
        )
        jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
        await engine.launch()
        await asyncio.to_thread(line.ask, "ready")
        await asyncio.Event().wait()


def _told(line: Line, handler: Handler) -> Handler:
    """Let the world know who is at work: its time stands still for them."""

    async def handle(work: WorkContext) -> None:
        await asyncio.to_thread(line.ask, "begins", work.id)
        try:
            await handler(work)
        finally:
            await asyncio.to_thread(line.ask, "ends", work.id)

    return handle
