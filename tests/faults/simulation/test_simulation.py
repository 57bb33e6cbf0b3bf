"""Days of many organizations pass, and an oracle that knows the provider's truth listens to everything that is said.

SOAK=1 plays 10,000 source-days, the quick run a dozen. Every seed is printed; SIMULATION_SEED plays one again.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.sessions import Database
from tests.faults.simulation.acts import Acts
from tests.faults.simulation.oracle import Oracle, small_lake
from tests.faults.simulation.twins import TWINS
from tests.faults.simulation.world import Build, simulated

SOAK = bool(os.environ.get("SOAK"))


@dataclass(frozen=True, slots=True)
class Story:
    """How much is played."""

    seed: int
    companies: int
    each: int
    days: float
    only: tuple[str, ...] = ()


async def played(database: Database, folder: Path, story: Story, build: Build | None = None) -> Oracle:
    with capture_logs():
        async with simulated(
            database, folder, story.seed, organizations_=story.companies, each=story.each, build=build
        ) as world:
            oracle = Oracle(world, small_lake(world))
            began = time.process_time()
            await Acts(world, oracle).play(story.days, story.only)
            spent, days = time.process_time() - began, story.companies * story.each * story.days
            print(  # noqa: T201 - the seed must be seen
                f"SIMULATION_SEED={story.seed}: {days:g} source-days, {world.engine.handled} pieces of work,"
                f" {world.deaths} deaths, {len(oracle.requests)} refreshes, {oracle.verified} claims,"
                f" {days / spent:.2f} source-days per CPU second"
            )
            return oracle


def seeds() -> list[int]:
    """Return the seeds of this run: 20 stories of 500 source-days in full, one short one otherwise."""
    given = os.environ.get("SIMULATION_SEED")
    if given:
        return [int(given)]
    return list(range(1, 21)) if SOAK else [1]


@pytest.mark.timeout(3600 if SOAK else 300)
@pytest.mark.parametrize("seed", seeds())
async def test_nobody_is_told_what_is_not_so(sqlite_database: Database, tmp_path: Path, seed: int) -> None:
    story = Story(seed, companies=24, each=2, days=500 / 48) if SOAK else Story(seed, companies=3, each=2, days=2)
    oracle = await played(sqlite_database, tmp_path, story)
    assert oracle.complaints == []
    assert oracle.verified > 20
    assert oracle.requests


@pytest.mark.parametrize("name", sorted(TWINS))
async def test_a_broken_twin_is_caught(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    twin = TWINS[name]
    story = Story(twin.seed, companies=1, each=2, days=twin.days, only=twin.acts)
    oracle = await played(sqlite_database, tmp_path, story, twin.build)
    assert [words for words in oracle.complaints if twin.says in words], oracle.complaints
