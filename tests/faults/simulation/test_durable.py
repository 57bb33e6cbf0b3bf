"""A part of the simulation through the real engine: what holds with the small one holds with DBOS.

SOAK=1 plays 300 source-days, the quick run 15. Every seed is printed; DURABLE_SEED plays one again.
"""

import os
from functools import partial
from pathlib import Path

import pytest

from storage.sessions import Database
from tests.faults.simulation.durable import Durable, Stranded
from tests.faults.simulation.playing import Story, played
from tests.faults.simulation.twins import TWINS

SOAK = bool(os.environ.get("SOAK"))


durably = partial(played, kind=Durable, seed_name="DURABLE_SEED")


def seeds() -> list[int]:
    """Return the seeds of this run: ten stories of 30 source-days in full, one of 15 otherwise."""
    given = os.environ.get("DURABLE_SEED")
    if given:
        return [int(given)]
    return list(range(1, 11)) if SOAK else [1]


@pytest.mark.timeout(3600 if SOAK else 1800)
@pytest.mark.parametrize("seed", seeds())
async def test_nobody_is_told_what_is_not_so(sqlite_database: Database, tmp_path: Path, seed: int) -> None:
    oracle = await durably(
        sqlite_database, tmp_path, Story(seed, companies=2, each=5, days=3 if SOAK else 1.5, often=12)
    )
    assert oracle.complaints == []
    assert oracle.verified > 10
    assert oracle.requests
    assert oracle.world.deaths


async def test_an_engine_that_recovers_nothing_is_caught(sqlite_database: Database, tmp_path: Path) -> None:
    """Twin: what ran when the process died stays with it."""
    story = Story(1, companies=1, each=2, days=0.25, only=("request", "crash"), often=24)
    oracle = await durably(sqlite_database, tmp_path, story, kind=Stranded)
    assert [words for words in oracle.complaints if "never ended" in words], oracle.complaints


@pytest.mark.parametrize("name", sorted(TWINS) if SOAK else ["a delivery in doubt is sent twice"])
async def test_a_broken_twin_is_caught(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    twin = TWINS[name]
    days, often = (twin.days, twin.often) if SOAK else (0.25, 24)
    story = Story(twin.seed, companies=1, each=2, days=days, only=twin.acts, often=often, intervals=(twin.minutes,))
    oracle = await durably(sqlite_database, tmp_path, story, build=twin.build)
    assert [words for words in oracle.complaints if twin.says in words], oracle.complaints
