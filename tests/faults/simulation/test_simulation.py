"""Days of many organizations pass, and an oracle that knows the provider's truth listens to everything that is said.

SOAK=1 plays 10,000 source-days in 20 stories, the quick run one of them. Every seed is printed; SIMULATION_SEED plays one again.
"""

import os
import shutil
from pathlib import Path

import pytest

from storage.sessions import Database, open_database
from tests.faults.simulation.playing import Story, played
from tests.faults.simulation.twins import TWINS

SOAK = bool(os.environ.get("SOAK"))


def seeds() -> list[int]:
    """Return the seeds of this run, each of a story of 500 source-days: 20 in full, one otherwise."""
    given = os.environ.get("SIMULATION_SEED")
    if given:
        return [int(given)]
    return list(range(1, 21)) if SOAK else [1]


@pytest.mark.timeout(3600 if SOAK else 1800)
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
