"""A part of the simulation through two workers on one Postgres database, of which one is killed now and then.

SOAK=1 plays 60 source-days; the quick run kills workers elsewhere (tests/jobs/engine, tests/faults).
"""

from pathlib import Path

import pytest

from storage.sessions import Database
from tests.faults.simulation.crew import Crew, Deserted
from tests.faults.simulation.playing import Story, played


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [11, 12])
async def test_two_workers_of_which_one_is_killed(postgres_database: Database, tmp_path: Path, seed: int) -> None:
    oracle = await played(postgres_database, tmp_path, Story(seed, companies=2, each=5, days=3, often=12), kind=Crew)
    assert oracle.complaints == []
    assert oracle.verified > 10
    assert oracle.world.deaths


@pytest.mark.timeout(600)
async def test_workers_that_leave_what_a_dead_one_was_at_are_caught(
    postgres_database: Database, tmp_path: Path
) -> None:
    story = Story(1, companies=1, each=2, days=0.25, only=("request", "crash"), often=24)
    oracle = await played(postgres_database, tmp_path, story, kind=Deserted)
    assert [words for words in oracle.complaints if "never ended" in words], oracle.complaints
