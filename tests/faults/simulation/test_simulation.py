"""Days of many organizations pass, and an oracle that knows the provider's truth listens to everything that is said.

SOAK=1 plays 10,000 source-days in 20 stories, the quick run one of them. Every seed is printed; SIMULATION_SEED plays one again.
"""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.sessions import Database, open_database
from tests.faults.simulation.acts import Acts
from tests.faults.simulation.oracle import Oracle, small_lake
from tests.faults.simulation.standing import Standing
from tests.faults.simulation.twins import TWINS
from tests.faults.simulation.world import INTERVALS, Build, simulated

SOAK = bool(os.environ.get("SOAK"))


@dataclass(frozen=True, slots=True)
class Story:
    """How much is played."""

    seed: int
    companies: int
    each: int
    days: float
    only: tuple[str, ...] = ()
    often: float = 4
    intervals: Sequence[int] = INTERVALS


async def played(database: Database, folder: Path, story: Story, build: Build | None = None) -> Oracle:
    with capture_logs():
        async with simulated(
            database,
            folder,
            story.seed,
            organizations_=story.companies,
            each=story.each,
            intervals=story.intervals,
            build=build,
            kind=Standing,
        ) as world:
            oracle = Oracle(world, small_lake(world))
            began = time.process_time()
            await Acts(world, oracle).play(story.days, story.only, story.often)
            spent, days = time.process_time() - began, story.companies * story.each * story.days
            print(  # noqa: T201 - the seed must be seen
                f"SIMULATION_SEED={story.seed}: {days:g} source-days, {world.engine.handled} pieces of work,"
                f" {world.deaths} deaths, {getattr(world, 'stills', 0)} stood still, {len(oracle.requests)} refreshes, {oracle.verified} claims,"
                f" {days / spent:.2f} source-days per CPU second"
            )
            return oracle


def seeds() -> list[int]:
    """Return the seeds of this run, each of a story of 500 source-days: 20 in full, one otherwise."""
    given = os.environ.get("SIMULATION_SEED")
    if given:
        return [int(given)]
    return list(range(1, 21)) if SOAK else [1]


@pytest.mark.timeout(3600 if SOAK else 300)
@pytest.mark.parametrize("seed", seeds())
async def test_nobody_is_told_what_is_not_so(sqlite_database: Database, tmp_path: Path, seed: int) -> None:
    oracle = await played(sqlite_database, tmp_path, Story(seed, companies=8, each=8, days=500 / 64))
    assert oracle.complaints == []
    assert oracle.verified > 20
    assert oracle.requests


async def test_a_seed_plays_the_same_story_again(sqlite_template: Path, tmp_path: Path) -> None:
    """Whatever was said, to whom and when, is the same: a seed that failed can be looked into."""
    told = []
    for number in range(2):
        path = tmp_path / f"{number}.db"
        shutil.copyfile(sqlite_template, path)
        database = open_database(f"sqlite:///{path}")
        told.append((await played(database, tmp_path, Story(3, companies=1, each=4, days=1, often=16))).transcript())
        database.close()
    assert told[0] == told[1]


@pytest.mark.parametrize("name", sorted(TWINS))
async def test_a_broken_twin_is_caught(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    twin = TWINS[name]
    story = Story(
        twin.seed, companies=1, each=2, days=twin.days, only=twin.acts, often=twin.often, intervals=(twin.minutes,)
    )
    oracle = await played(sqlite_database, tmp_path, story, twin.build)
    for says in (twin.says, twin.also):
        assert [words for words in oracle.complaints if says in words], oracle.complaints
