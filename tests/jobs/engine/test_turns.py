"""Organizations that have work waiting share the workers' places equally, however many sources one of them has."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from jobs.engine import REFRESH_QUEUE, Engine, Queue, Work, WorkContext
from jobs.turns import FairStore, Turns
from storage.sessions import Database
from tests.jobs.engine.stage import ended, enqueue, running

PLACES = 16


class Lots(Turns):
    """The twin that draws by lot."""

    def choose(self, waiting: Collection[str], held: Mapping[str, int], free: int) -> list[str]:
        return random.Random(len(held)).sample(sorted(waiting), min(free, len(waiting)))


def played(turns: Turns, organizations: int, rounds: int) -> Counter[str]:
    """Let one organization with many sources and others with few share the places; return who got how many."""
    chance = random.Random(4)
    got: Counter[str] = Counter()
    runs: list[tuple[int, str]] = []
    who = [f"org{number}" for number in range(organizations)]
    for now in range(rounds):
        runs = [(until, one) for until, one in runs if until > now]
        while len(runs) < PLACES:
            held = Counter(one for _, one in runs)
            # The first one always has four more waiting, all others one at a time.
            waiting = [one for one in who if held[one] < (4 if one == who[0] else 1)]
            chosen = turns.choose(waiting, held, PLACES - len(runs))
            if not chosen:
                break
            for one in chosen:
                turns.serve(one)
                got[one] += 1
                runs.append((now + chance.randrange(1, 6), one))
    return got


@pytest.mark.parametrize("turns, equal", [(Turns(), True), (Lots(), False)])
def test_fifty_organizations_share_within_a_tenth(turns: Turns, *, equal: bool) -> None:
    got = played(turns, 50, 4000 if os.environ.get("SOAK") else 400)
    mean = got.total() / 50
    assert (max(got.values()) <= 1.1 * mean and min(got[f"org{n}"] for n in range(50)) >= 0.9 * mean) is equal


class Stuck:
    """A queue in which the first four organizations have work that no process can claim."""

    def get_queue_partitions(self, name: str) -> list[str]:
        _ = name
        return [f"org{number}" for number in range(6)]

    def start_queued_workflows(
        self, queue: Queue, executor_id: str, version: str, who: str, running: int
    ) -> tuple[list[str], None]:
        _ = queue, executor_id, version, running
        return ([who] if who in {"org4", "org5"} else []), None


class _Served(Turns):
    def serve(self, who: str) -> None:
        if who in {"org4", "org5"}:
            super().serve(who)


class Patient(FairStore):
    """The twin: whoever got nothing stays first."""

    def __init__(self, *facts: Any) -> None:
        super().__init__(*facts)
        self._turns = _Served()


@pytest.mark.parametrize("kind, fair", [(FairStore, True), (Patient, False)])
def test_work_that_nobody_can_claim_keeps_no_place_from_others(kind: type[FairStore], *, fair: bool) -> None:
    shared = kind(Stuck(), "refresh", "me", 4, list, lambda: None)
    queue, got = Queue("refresh"), Counter[str]()
    for _ in range(4):
        for who in shared.waiting("refresh"):
            got.update(shared.claim(queue, "me", "1", who)[0])
    assert (set(got) == {"org4", "org5"}) is fair


class ByLot(Engine):
    """The twin that leaves it to the engine."""

    def _share(self, name: str, places: int | None) -> None:
        return


@pytest.mark.parametrize("kind, fair", [(Engine, True), (ByLot, False)])
async def test_nobody_waits_for_the_many_sources_of_another(
    sqlite_database: Database, kind: type[Engine], *, fair: bool
) -> None:
    order: list[str] = []

    async def handler(work: WorkContext) -> None:
        order.append(work.subject.partition(".")[0])
        await asyncio.sleep(0.02)

    many = [Work("one", f"greedy.{number}", partition="greedy") for number in range(8)]
    few = [Work("one", f"org{who}.{number}", partition=f"org{who}") for who in range(3) for number in range(2)]
    queue = Queue(REFRESH_QUEUE.name, poll_seconds=0.05, worker_concurrency=2, partition_concurrency=2)
    async with running(sqlite_database, {"one": handler}, kind=kind, queues=[queue]) as engine:
        await enqueue(engine, sqlite_database, *many, *few)
        await ended(engine, *many, *few)
    # The engine gives whoever it draws first both places.
    assert (order[0] != order[1]) is fair
    assert not fair or len(set(order[:6])) == 4
