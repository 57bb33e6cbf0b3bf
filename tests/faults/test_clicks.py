"""The process that acked a click dies before it plays it, and another one, which took no request, finds and plays it."""

import signal
from pathlib import Path

import pytest

from storage.sessions import Database
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import NotSettledError, World, world_on

pytestmark = pytest.mark.postgres


def test_a_worker_plays_what_a_dead_web_process_accepted(
    postgres_database: Database, tmp_path: Path, server: ForkServer
) -> None:
    with world_on(postgres_database, tmp_path, server, shared_lake=True) as world:
        worker = world.beside(ROLE="worker").is_ready()
        for point in ("click.accepted", "click.played"):
            _accepts_and_dies(world, point)
            world.settled(120)
        worker.stop()
        assert complaints(world) == []


def test_a_worker_that_never_looks_leaves_it(postgres_database: Database, tmp_path: Path, server: ForkServer) -> None:
    with world_on(postgres_database, tmp_path, server, shared_lake=True) as world:
        worker = world.beside(ROLE="worker", twin="never-looks").is_ready()
        _accepts_and_dies(world, "click.accepted")
        with pytest.raises(NotSettledError, match="click"):
            world.settled(8)
        worker.stop()


def _accepts_and_dies(world: World, point: str) -> None:
    web = world.begin(crash_at=point, ROLE="web")
    # Nobody is known to a new process: the first click may take the long way, which the worker goes and plays to its end.
    for _ in range(3):
        if web.alive:
            world.ask()
            world.look(lambda: None, 2)
    assert web.died(60) == -signal.SIGKILL, web.tail()
