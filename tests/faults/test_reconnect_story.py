"""The demo's story of connections, on separate processes: killed while they catch up, and nobody is told less.

`tidings demo --check reconnect` plays it in one process on SQLite; here the same code plays it on Postgres with a web
process and two workers, and on SQLite with a process that comes back.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.cli.stories import STORIES
from bot.cli.stories.stage import Stage, StoryError, Witness, nothing_was_wrong
from jobs.ground import Warehouses
from sandbox.misbehave import Kind, Rule
from sandbox.providers.catalogue import REALM
from storage.sessions import Database
from tests.faults.lives import ForkServer, Life
from tests.faults.world import World, world_on

#: After these words of the story the reconnecting and its catch-up begin.
CATCHES_UP = "another company was refused"
#: Seconds that each step of the story may take on a machine that many use.
PATIENCE = 150.0
SOAK = bool(os.environ.get("SOAK"))
SLOW = Rule(Kind.LATENCY, seconds=0.4, times=None, operation="query")


class Struck(Stage):
    """A stage on which whoever catches up is killed, once."""

    def __init__(self, world: World, strike: Callable[[int], None], patience: float = PATIENCE) -> None:
        warehouses = Warehouses(world.settings["WAREHOUSE_URL"])
        super().__init__(world.outside, Witness(world.database, warehouses, world.clock, 400_000), PATIENCE)
        self._world = world
        self._strike = strike
        #: seconds for each step once somebody lies in wait
        self._afterwards = patience
        self.struck: asyncio.Task[None] | None = None

    def told(self, what: str) -> None:
        """Begin to lie in wait when the time has come."""
        super().told(what)
        if CATCHES_UP in what:
            self._world.trouble(SLOW, provider="quickbooks")
            self._patience = self._afterwards
            self.struck = asyncio.create_task(self._lies_in_wait(len(self._world.witness.entries())))

    async def _lies_in_wait(self, seen: int) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not (pids := self._collecting(seen)):
            assert asyncio.get_running_loop().time() < deadline, "nobody caught up"
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self._strike, pids[0])
        self._world.honest()

    def _collecting(self, seen: int) -> list[int]:
        begun = self._world.witness.entries()[seen:]
        return [entry["pid"] for entry in begun if entry["kind"] == "begin" and entry["account"] == REALM]


def one_address() -> dict[str, str]:
    """Return settings of an address that nobody has: providers send browsers back there, also after a restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return {"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}"}


async def play(stage: Struck, lives: Sequence[Life]) -> None:
    try:
        await STORIES["reconnect"](stage)
    except StoryError as error:
        error.add_note("\n".join(f"--- life {life.number}\n{life.tail(8)}" for life in lives))
        raise
    assert stage.struck is not None
    await stage.struck
    await nothing_was_wrong(stage)


@pytest.fixture(params=["one worker", *(["both workers", "the one process"] if SOAK else [])])
def death(request: pytest.FixtureRequest) -> tuple[str, Database]:
    """Who dies, and the database to go with it."""
    alone = request.param == "the one process"
    return request.param, request.getfixturevalue("sqlite_database" if alone else "postgres_database")


@pytest.mark.postgres
@pytest.mark.timeout(600)
async def test_it_is_told_though_somebody_dies(death: tuple[str, Database], tmp_path: Path, server: ForkServer) -> None:
    """With both workers dead nobody is left to catch up: the twin, which the story must notice."""
    dies, database = death
    alone = dies == "the one process"
    with world_on(database, tmp_path, server, scheduled=True, shared_lake=not alone) as world:
        world.settings |= one_address()
        web = world.begin(ROLE="all" if alone else "web")
        workers = [] if alone else [world.beside(ROLE="worker", PORT="0") for _ in range(2)]
        for worker in workers:
            assert worker.is_ready().alive, worker.tail()

        def strike(pid: int) -> None:
            assert pid in [life.pid for life in ([web] if alone else workers)]
            for life in (web, *workers):
                if life.pid == pid or (dies == "both workers" and life is not web):
                    life.kill()
            if alone:
                world.begin()

        if dies == "both workers":
            stage = Struck(world, strike, patience=60)
            with pytest.raises(StoryError, match=r"was not seen within|did not come true within") as told:
                await play(stage, [web, *workers])
            if stage.struck is None or not stage.struck.done():
                # Something else ended it.
                raise told.value
            await stage.struck
        else:
            await play(Struck(world, strike), [web, *workers])
            assert [life.alive for life in (web, *workers)].count(False) == 1
        for life in workers:
            life.stop()
