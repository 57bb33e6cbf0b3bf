"""A worker freezes past its death, another one finishes, and the first wakes up: nothing happens twice, nothing old wins."""

import os
from pathlib import Path

import pytest
from sqlmodel import select

from storage.sessions import Database, Session
from storage.tables import RunRow
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import World, world_on

#: A process that froze in the middle of a transaction keeps its locks until Postgres ends its session after 60 s.
HEIR_SECONDS = 90
POINTS = ("delivery.called", "warehouse.before_commit", "delivery.intent", "run.collected", "run.before_end")
pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]


def test_a_frozen_delivery_and_a_frozen_load(postgres_database: Database, tmp_path: Path, server: ForkServer) -> None:
    with world_on(postgres_database, tmp_path, server, shared_lake=True) as world:
        for point in POINTS if os.environ.get("SOAK") else POINTS[:2]:
            world.business(seed=hash(point))
            zombie = world.begin(freeze_at=point)
            world.asked()
            zombie.frozen()
            heir = world.begin()
            world.settled(HEIR_SECONDS)
            zombie.thaw()
            _wakes(world)
            zombie.stop()
            world.settled(120)
            heir.stop()
        assert complaints(world) == []


@pytest.mark.parametrize("twin", ["", "unfenced"])
def test_an_old_load_never_wins(postgres_database: Database, tmp_path: Path, server: ForkServer, twin: str) -> None:
    """The zombie holds an older reading; meanwhile its run is over and a newer one is loaded."""
    with world_on(postgres_database, tmp_path, server, shared_lake=True) as world:
        world.begin()
        world.asked()
        world.settled(120)
        assert world.life is not None
        world.life.stop()
        world.business(seed=1, new=0, changed=3)
        zombie = world.begin(freeze_at="run.collected", twin=twin)
        world.asked()
        zombie.frozen()
        _over(world)
        world.business(seed=1, new=0, changed=3)
        heir = world.begin()
        world.settled(HEIR_SECONDS)
        world.asked()
        world.settled(120)
        zombie.thaw()
        _wakes(world)
        zombie.stop()
        heir.stop()
        found = [one for one in complaints(world) if "not confirmed" not in one]
    if twin:
        assert any("old version" in one or "the runs tell" in one for one in found), found
    else:
        assert found == []


def _over(world: World) -> None:
    """A person cancels the refresh whose worker is frozen."""

    def cancel(session: Session) -> None:
        for row in session.exec(select(RunRow).where(RunRow.state == "running")):
            row.state = "cancelling"
            session.add(row)

    world.database.in_write(cancel)


def _wakes(world: World) -> None:
    """Give the woken one time to do whatever it wants to."""
    seen = len(world.sandbox.slack.journal.entries)
    world.look(lambda: len(world.sandbox.slack.journal.entries) > seen + 100, 2.0)
