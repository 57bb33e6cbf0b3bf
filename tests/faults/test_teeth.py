"""The oracle has teeth: each broken twin of the product is caught by it, where the product itself is not."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.sessions import Database
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import NotSettledError, World, world_on


def _late(world: World) -> None:
    """The first posts are accepted, but long after the call has given up."""
    world.do(lambda: world.sandbox.slack.lie("chat.postMessage", "late_accept", seconds=2.3, times=3))


def _nothing(_world: World) -> None:
    return


@dataclass(frozen=True)
class Case:
    """A twin, where it dies, and what the oracle must say about it."""

    twin: str
    point: str | None
    says: str
    outside: Callable[[World], None] = _nothing
    #: how often the story is told; a race is not lost every time
    rounds: int = 1
    #: seconds after which something is left undone; a twin that leaves nothing undone needs not be waited for
    patience: float = 30


CASES = (
    Case("send-then-mark", "delivery.called", "posted 2 times"),
    Case("mark-then-send", "delivery.marked", "said to be sent and never posted: refresh_finished"),
    Case("sends-again", "delivery.called", "posted 2 times"),
    Case("no-quiet", None, "times: refresh_", _late, rounds=4),
    Case("loads-again", "warehouse.after_commit", "the runs tell of 0 rows"),
    Case("no-reaper", "step.process.before", "left undone", patience=8),
    Case("acks-first", "click.accepted", "left undone", patience=8),
    Case("forgets-first", "click.forgotten", "left undone", patience=8),
    Case("never-looks", "click.accepted", "left undone", patience=8),
)

SOAK = bool(os.environ.get("SOAK"))


@pytest.mark.parametrize("case", CASES if SOAK else CASES[::3], ids=lambda case: case.twin)
def test_a_twin_is_caught(sqlite_database: Database, tmp_path: Path, server: ForkServer, case: Case) -> None:
    found = _judged(sqlite_database, tmp_path, server, case, case.twin)
    assert any(case.says in complaint for complaint in found), found


def test_the_product_is_not(sqlite_database: Database, tmp_path: Path, server: ForkServer) -> None:
    """Late posts, with the product as it is; the other stories are told by the kills at named points."""
    late = next(case for case in CASES if case.outside is _late)
    assert _judged(sqlite_database, tmp_path, server, late, "") == []


def _judged(database: Database, folder: Path, server: ForkServer, case: Case, twin: str) -> list[str]:
    with world_on(database, folder, server) as world:
        life = world.begin(crash_at=case.point, twin=twin)
        for _ in range(case.rounds if twin else 1):
            case.outside(world)
            world.asked()
            if case.point is not None:
                assert life.died(60) == -signal.SIGKILL
                world.begin(twin=twin)
            try:
                world.settled(case.patience)
            except NotSettledError as error:
                return [str(error)]
            world.honest()
            if found := complaints(world):
                return found
        return []
