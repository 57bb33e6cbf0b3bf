"""Three hours pass while the product dies around them: support is called once."""

import signal
from pathlib import Path

import pytest

from sandbox.misbehave import Kind, Rule
from storage.sessions import Database
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import World, world_on

SUPPORT = "C0DATASUP"


@pytest.mark.parametrize("twin", ["", "no-deadlines"])
def test_support_is_called_once(sqlite_database: Database, tmp_path: Path, server: ForkServer, twin: str) -> None:
    with world_on(sqlite_database, tmp_path, server) as world:
        _story(world, twin)
        found = complaints(world)
        calls = world.sandbox.slack.journal.posts(channel=SUPPORT)
    if twin:
        assert any("support was not called" in one for one in found), found
    else:
        assert found == []
        assert len(calls) == 1


def _story(world: World, twin: str) -> None:
    world.trouble(Rule(Kind.SERVER_ERROR, operation="query", status=503, times=None))
    world.attempts = 10_000
    life = world.begin(twin=twin)
    world.asked()
    world.look(lambda: not any("delivery" in one for one in world.undone()), 60)
    life.kill()
    world.pass_time(hours=3, minutes=2)
    for point in ("delivery.intent", "delivery.called", "step.deliver.ran"):
        dying = world.begin(crash_at=point, twin=twin)
        # Ends at once when the life does.
        world.look(lambda: None, 1 if twin else 8)
        assert twin or dying.status == -signal.SIGKILL
        dying.kill()
    world.begin(twin=twin)
    world.honest()
    world.settled(120)
