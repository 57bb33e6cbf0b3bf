"""Killed at every named point; after the next start nothing is lost, doubled or left undone."""

import os
import re
import signal
from pathlib import Path

import pytest

from storage.sessions import Database
from tests.faults.lives import ROOT, ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import World, world_on

SOAK = bool(os.environ.get("SOAK"))
STEPS = ("play", "collect", "process", "end", "deliver", "again")
#: In the order in which one refresh passes them, so that one refresh meets as many as possible.
POINTS = (
    "step.play.before",
    "step.play.ran",
    "step.play.recorded",
    "click.accepted",
    "click.played",
    "work.claimed",
    "step.collect.before",
    "run.collected",
    "warehouse.staged",
    "warehouse.before_commit",
    "warehouse.after_commit",
    "run.loaded",
    "step.collect.ran",
    "step.collect.recorded",
    "step.process.before",
    "warehouse.process.before_commit",
    "warehouse.process.after_commit",
    "step.process.ran",
    "step.process.recorded",
    "step.end.before",
    "run.before_end",
    "run.after_end",
    "step.end.ran",
    "step.end.recorded",
    "step.deliver.before",
    "delivery.intent",
    "delivery.called",
    "delivery.settled",
    "step.deliver.ran",
    "step.deliver.recorded",
    "step.again.before",
    "step.again.ran",
    "step.again.recorded",
    "work.finishing",
)
#: Died at in tests/jobs/connecting and tests/jobs/installs, each of which knows all of its own.
ELSEWHERE = ("flow.", "disconnect.", "erase.", "redact.", "install.", "tokens.", "webhook.")
#: Died at in the file that is named here, which must name the point, too.
KILLED_IN = {
    "desktop.handed": "tests/jobs/exchange/desktop/test_visits.py",
    "desktop.taken": "tests/jobs/exchange/desktop/test_visits.py",
    "outgoing.claimed": "tests/jobs/outgoing/test_sending.py",
    "outgoing.posted": "tests/jobs/outgoing/test_sending.py",
    "metrics.claimed": "tests/jobs/metrics/test_calculating.py",
    "metrics.kept": "tests/jobs/metrics/test_calculating.py",
    "orders.kept": "tests/jobs/exchange/orders/test_taking.py",
    "orders.claimed": "tests/jobs/exchange/orders/test_taking.py",
    "orders.sent": "tests/jobs/exchange/orders/test_taking.py",
    "orders.settled": "tests/jobs/exchange/orders/test_taking.py",
    "orders.again": "tests/jobs/exchange/orders/test_replays.py",
    "orders.answered": "tests/jobs/exchange/orders/test_taking.py",
    "exchange.begun": "tests/jobs/exchange/test_runs.py",
    "exchange.built": "tests/jobs/exchange/test_runs.py",
    "exchange.decided": "tests/jobs/exchange/test_runs.py",
    "exchange.published": "tests/jobs/exchange/test_runs.py",
    "exchange.settled": "tests/jobs/exchange/test_runs.py",
    "exchange.uploaded": "tests/connectors/pocketadvantage/transfer/test_publishing.py",
    "exchange.verified": "tests/connectors/pocketadvantage/transfer/test_publishing.py",
    "exchange.archived": "tests/connectors/pocketadvantage/transfer/test_publishing.py",
    "exchange.replaced": "tests/connectors/pocketadvantage/transfer/test_publishing.py",
}


def die_at(world: World, point: str, *, twin: str = "") -> None:
    """Live, and let people ask, until the life dies at that point."""
    life = world.begin(crash_at=point, twin=twin)
    for number in range(3):
        if life.alive and not world.undone():
            world.business(seed=hash((point, number)))
            world.ask()
        world.look(lambda: not world.undone(), 60)
        if not life.alive:
            break
    assert life.died(60) == -signal.SIGKILL, life.tail()


@pytest.mark.timeout(900)
def test_killed_at_every_point(database: Database, tmp_path: Path, server: ForkServer) -> None:
    """In the long run each death is judged alone, too.

    In the quick one a refresh goes through many deaths, a quarter of them on each database.
    """
    points = POINTS if SOAK else POINTS[0 if database.is_sqlite else 2 :: 4]
    with world_on(database, tmp_path, server) as world:
        for point in points:
            if point.startswith("step.again"):
                world.outside.call(_lie(world))
            die_at(world, point)
            if SOAK:
                _judge(world, point)
        _judge(world, "the end")


def _judge(world: World, when: str) -> None:
    """Let a whole life finish what is left, and one more refresh read what happened since."""
    life = world.begin()
    world.settled(120)
    world.asked()
    world.settled(120)
    life.stop()
    assert complaints(world) == [], when


async def _lie(world: World) -> None:
    world.sandbox.slack.lie("chat.postMessage", "accept_reset")


def test_every_point_of_the_code_is_in_the_list() -> None:
    """A new crash point in the code must be died at here, too."""
    found = set()
    for folder in ("jobs", "storage", "bot", "connectors"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text()
            found |= set(re.findall(r'(?:checkpoint|crash)\(f?"([a-z_.{}]+)"\)', text))
            found |= {f"step.{name}" for name in re.findall(r'work\.step\("([a-z]+)"', text)}
    named = {point for point in found if "{" not in point and not re.fullmatch(r"step\.[a-z]+", point)}
    named = {point for point in named if not point.startswith(ELSEWHERE)}
    # Those of renewals are died at in test_token_storm.py; those of webhooks in test_webhook_kills.py.
    found -= {"step.sever", "step.act"}
    assert named == {point for point in POINTS if not point.startswith("step.")} | set(KILLED_IN)
    assert [point for point, file in KILLED_IN.items() if f'"{point}"' not in (ROOT / file).read_text()] == []
    assert {f"step.{name}" for name in STEPS} == {point for point in found if re.fullmatch(r"step\.[a-z]+", point)}
    phases = {point.rpartition(".")[2] for point in found if point.startswith("step.{name}")}
    assert {f"step.{name}.{phase}" for name in STEPS for phase in phases} == {
        point for point in POINTS if point.startswith("step.")
    }
