"""Killed at random moments while Slack, the mail server and the providers lie; judged when all is quiet again.

SOAK=1 plays 200 refreshes on each backend; the quick run a few. The seed of each run is printed; FAULTS_SEED
repeats one (its choices, not its timing).
"""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.misbehave import Kind, Rule
from storage.sessions import Database
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import DANIEL, MAYA, NOOR, World, world_on

SOAK = bool(os.environ.get("SOAK"))
REFRESHES, KILLS = (200, 60) if SOAK else (2, 1)
WORDS = ("refresh shopify", "refresh all", "refresh shopify", "refresh quickbooks")
#: seconds that a post may be accepted after it was sent: within the call's time-out and the quiet period
LATE = 1.4


@pytest.mark.timeout(3000 if SOAK else 1800)
def test_random_kills_and_lies(database: Database, tmp_path: Path, server: ForkServer) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    _say(f"seed {seed} ({'sqlite' if database.is_sqlite else 'postgres'})")
    chance = random.Random(seed)
    with world_on(database, tmp_path, server, scheduled=True) as world:
        kills = _turmoil(world, chance)
        _calm(world)
        found = complaints(world)
        _say(f"{kills} kills, {len(world.accepted)} accepted requests, {world.lives} lives")
        assert found == [], f"seed {seed}"
        assert kills >= KILLS


def _say(words: str) -> None:
    print(words)  # noqa: T201 - the seed of a failed run is read in the captured output


def _turmoil(world: World, chance: random.Random) -> int:
    """Let people ask, parties lie and the product die until enough was accepted."""
    kills = 0
    world.begin()
    while len(world.accepted) < REFRESHES or kills < KILLS:
        _lie(world, chance)
        world.business(seed=chance.randrange(1 << 30))
        if chance.random() < 0.3:
            # Slots of the timer come due; never so much that an open refresh reaches its three hours.
            world.settle_within(30)
            world.pass_time(minutes=20)
        world.ask(chance.choice((MAYA, DANIEL, NOOR)), chance.choice(WORDS), seconds=3)
        if chance.random() < KILLS / REFRESHES * 1.5:
            time.sleep(chance.uniform(0, 2.0))
            assert world.life is not None
            world.life.kill()
            kills += 1
            world.begin()
        elif chance.random() < 0.5:
            world.settle_within(5)
    return kills


def _lie(world: World, chance: random.Random) -> None:
    slack, mail, shop, books = (
        world.sandbox.slack,
        world.sandbox.mail,
        world.sandbox.shopify.script,
        world.sandbox.quickbooks.script,
    )

    def rule(kind: Kind, **facts: Any) -> Rule:
        return Rule(kind, probability=0.2, times=2, seed=chance.randrange(1 << 30), **facts)

    lies: tuple[Callable[[], None], ...] = (
        lambda: slack.lie("chat.postMessage", "accept_reset"),
        lambda: slack.lie("chat.postMessage", "late_accept", seconds=chance.uniform(0.2, LATE)),
        lambda: slack.lie("chat.postMessage", "ratelimited", retry_after=1),
        lambda: slack.lie("chat.postMessage", "server_error", status=503),
        lambda: slack.lie("chat.postMessage", "accept_hang"),
        lambda: slack.lie("chat.update", "server_error", status=503),
        lambda: slack.lie("conversations.replies", "ratelimited", retry_after=1),
        lambda: slack.lie("conversations.history", "server_error", status=503),
        lambda: mail.lie("accept_drop"),
        lambda: mail.lie("tempfail"),
        lambda: mail.lie("drop_after_data"),
        lambda: shop.add(rule(Kind.RATE_LIMIT, operation="query", retry_after="1")),
        lambda: shop.add(rule(Kind.SERVER_ERROR, operation="query")),
        lambda: shop.add(rule(Kind.RESET)),
        lambda: shop.add(rule(Kind.LATENCY, seconds=0.3)),
        lambda: books.add(rule(Kind.RESET, operation="query")),
        lambda: books.add(rule(Kind.SERVER_ERROR, operation="query")),
    )
    for lie in chance.sample(lies, 2):
        world.do(lie)


def _calm(world: World) -> None:
    """Everybody behaves; what is left is finished, and both sources are read once more."""
    world.honest()
    if world.life is None or not world.life.alive:
        world.begin()
    world.settled(90)
    world.pass_time(minutes=61)
    world.collected(60)
    world.asked(MAYA, "refresh all")
    world.settled(60)
    assert world.life is not None
    world.life.stop()
