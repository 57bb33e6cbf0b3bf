"""A worker that hands files over in a process of its own, with the engine and the sweep, so that it can be killed."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import dbos  # noqa: F401 - with the next ones: once for all that are forked

import storage.warehouse.warehouse  # noqa: F401
from connectors.pocketadvantage.transfer import ftp, sftp  # noqa: F401
from connectors.pocketadvantage.transfer.opening import Operator
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.pocketadvantage.transfer.port import Remote
from connectors.pocketadvantage.transfer.publishing import Published, publish
from connectors.pocketadvantage.transfer.reaching import Reach
from jobs.crashpoints import crash_point
from jobs.engine import Engine, WorkContext
from jobs.engine_port import EnginePort
from jobs.exchange.building import Built
from jobs.exchange.due import exchange_sweep
from jobs.exchange.ports import FarSide
from jobs.exchange.running import ExchangeHandler
from jobs.ground import Ground, Warehouses
from jobs.work import EXCHANGE, EXCHANGE_QUEUE, Timings
from storage.facts.clock import SystemClock
from storage.facts.exchange import ExchangeRun
from storage.facts.secret import Secret
from storage.facts.sources import Source
from storage.seal import Seal, new_key
from storage.sessions import open_database
from tests.connectors.pocketadvantage.transfer.twins import straight
from tests.jobs.exchange.nights import CUST_ID, Still, Told
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_runs import LedgerFirst

#: a machine that is busy is not taken for dead too soon, and one that died is not waited for long
TIMINGS = Timings(beat=0.3, dead=4.0, mute=2.5, hang=30.0, reap=0.3)


@dataclass
class Shared(Still):
    """A clock that stands still for every process with the same file."""

    path: Path = field(default_factory=Path)

    def now(self) -> datetime:
        return datetime.fromisoformat(self.path.read_text())

    def move(self, at: datetime) -> None:
        """Let it be that time, for every process."""
        self.at = at
        new = self.path.with_suffix(".new")
        new.write_text(at.isoformat())
        new.replace(self.path)


@dataclass
class Served:
    """A file server of the sandbox, as a worker is told of it."""

    said: dict[str, Any]

    @property
    def place(self) -> Place:
        said = self.said
        return Place(
            Transfer(said["protocol"]), CUST_ID, host="127.0.0.1", port=said["port"], account=said["account"],
            password=Secret(said["password"]), host_key=said["host_key"],
            authority=said.get("authority", ""), plain_ok=said["gap"],
        )  # fmt: skip

    @property
    def operator(self) -> Operator:
        return Operator(reach=Reach(here=True))

    async def of(self, _source: Source) -> FarSide:
        return FarSide(self.place, self.operator, accept_gap=self.said["gap"])


class Straight(ExchangeHandler):
    """A twin that writes into the file that people read."""

    async def _published(self, side: FarSide, built: Built, _run: ExchangeRun) -> Published:
        with built.path.open("rb") as body:
            async with side.open() as remote:
                await remote.make_folder(side.place.latest)
                if any(one.name == built.path.name for one in await remote.look(side.place.latest)):
                    await remote.remove(f"{side.place.latest}/{built.path.name}")
                return await straight(remote, side.place.latest, built.path.name, body)


class Leaves(ExchangeHandler):
    """A twin that takes nothing of a dead attempt away."""

    async def _published(self, side: FarSide, built: Built, _run: ExchangeRun) -> Published:
        with built.path.open("rb") as body:
            async with side.open() as remote:
                return await publish(
                    Blind(remote), side.place.latest, built.path.name, body,  # type: ignore[arg-type]  # as far as it matters
                    archive_folder=side.place.archive, now=self._ground.clock.now(), checkpoint=self._checked,
                )  # fmt: skip


class Blind:
    """A place that names no file that is on its way."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.can_replace = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._remote, name)

    async def look(self, folder: str) -> Any:
        return [one for one in await self._remote.look(folder) if not one.name.endswith(".tmp")]


KINDS: dict[str, type[ExchangeHandler]] = {
    "": ExchangeHandler,
    "straight": Straight,
    "ledger first": LedgerFirst,
    "leaves": Leaves,
}


async def serve(said: dict[str, Any], ready: Path) -> None:
    """Work until it is killed; `ready` is there once it can."""
    database, clock, port = open_database(said["url"]), Shared(path=Path(said["clock"])), EnginePort()
    ground = Ground(
        database, clock, Seal([Secret(new_key())]), Warehouses(said["lake"]), {}, lambda _: None, 1, crash_point,  # type: ignore[arg-type,return-value]  # nothing is read
    )  # fmt: skip
    handler = KINDS[said["kind"]](ground, Told(), port.enqueue, Served(said), plain, may_act=port.may_act)  # type: ignore[arg-type]  # nobody is told

    async def on_error(_kind: str, subject: str, attempt: int, reference: str, error: Exception) -> None:
        await handler.failed_unexpectedly(subject, attempt, reference, error)

    async def handle(work: WorkContext) -> None:
        await handler.handle(work)

    role = "all" if database.is_sqlite else "worker"
    engine = Engine(
        database,
        SystemClock(),
        role=role,
        handlers={EXCHANGE: handle},
        queues=(replace(EXCHANGE_QUEUE, poll_seconds=0.2),),
        timings=TIMINGS,
        on_error=on_error,
    )
    port.bind(engine.enqueue, engine.status, engine.may_act)
    await engine.launch()
    sweep = exchange_sweep(database, clock, port.enqueue)
    await asyncio.to_thread(ready.touch)
    while True:
        await sweep()
        await asyncio.sleep(0.1)
