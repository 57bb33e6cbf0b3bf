"""A part of the simulation through the real engine: what holds with the small one holds with DBOS.

SOAK=1 plays 300 source-days, the quick run 15. Every seed is printed; DURABLE_SEED plays one again.
"""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.sessions import Database
from tests.faults.simulation.acts import Acts
from tests.faults.simulation.durable import Durable, Stranded
from tests.faults.simulation.oracle import Oracle, small_lake
from tests.faults.simulation.test_simulation import Story
from tests.faults.simulation.twins import TWINS
from tests.faults.simulation.world import Build, Simulated, simulated

SOAK = bool(os.environ.get("SOAK"))


async def played(
    database: Database, folder: Path, story: Story, kind: type[Simulated] = Durable, build: Build | None = None
) -> Oracle:
    with capture_logs():
        async with simulated(
            database,
            folder,
            story.seed,
            organizations_=story.companies,
            each=story.each,
            intervals=story.intervals,
            build=build,
            kind=kind,
        ) as world:
            oracle = Oracle(world, small_lake(world))
            began = time.process_time()
            await Acts(world, oracle).play(story.days, story.only, story.often)
            spent, days = time.process_time() - began, story.companies * story.each * story.days
            print(  # noqa: T201 - the seed must be seen
                f"DURABLE_SEED={story.seed}: {days:g} source-days, {world.engine.handled} pieces of work,"
                f" {world.deaths} deaths, {world.engine.left_behind} pieces left behind, {len(oracle.requests)} refreshes,"
                f" {oracle.verified} claims, {days / spent:.2f} source-days per CPU second"
            )
            return oracle


def seeds() -> list[int]:
    """Return the seeds of this run: ten stories of 30 source-days in full, one of 15 otherwise."""
    given = os.environ.get("DURABLE_SEED")
    if given:
        return [int(given)]
    return list(range(1, 11)) if SOAK else [1]


@pytest.mark.timeout(3600 if SOAK else 300)
@pytest.mark.parametrize("seed", seeds())
async def test_nobody_is_told_what_is_not_so(sqlite_database: Database, tmp_path: Path, seed: int) -> None:
    oracle = await played(
        sqlite_database, tmp_path, Story(seed, companies=2, each=5, days=3 if SOAK else 1.5, often=12)
    )
    assert oracle.complaints == []
    assert oracle.verified > 10
    assert oracle.requests
    assert oracle.world.deaths


async def test_an_engine_that_recovers_nothing_is_caught(sqlite_database: Database, tmp_path: Path) -> None:
    """Twin: what ran when the process died stays with it."""
    story = Story(1, companies=1, each=2, days=0.25, only=("request", "crash"), often=24)
    oracle = await played(sqlite_database, tmp_path, story, Stranded)
    assert [words for words in oracle.complaints if "never ended" in words], oracle.complaints


@pytest.mark.parametrize("name", sorted(TWINS) if SOAK else ["a delivery in doubt is sent twice"])
async def test_a_broken_twin_is_caught(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    twin = TWINS[name]
    days, often = (twin.days, twin.often) if SOAK else (0.25, 24)
    story = Story(twin.seed, companies=1, each=2, days=days, only=twin.acts, often=often, intervals=(twin.minutes,))
    oracle = await played(sqlite_database, tmp_path, story, build=twin.build)
    assert [words for words in oracle.complaints if twin.says in words], oracle.complaints
