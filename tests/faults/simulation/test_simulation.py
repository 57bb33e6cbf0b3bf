"""Days of many organizations pass, and an oracle that knows the provider's truth listens to everything that is said.

SOAK=1 plays 10,000 source-days; the quick run a twentieth. Every seed is printed; SIMULATION_SEED plays one again.
"""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.sessions import Database
from tests.faults.simulation.acts import Acts
from tests.faults.simulation.oracle import Oracle, small_lake
from tests.faults.simulation.twins import TWINS
from tests.faults.simulation.world import Build, simulated

SOAK = bool(os.environ.get("SOAK"))


async def played(
    database: Database, folder: Path, seed: int, *, companies: int, each: int, days: float, build: Build | None = None
) -> Oracle:
    with capture_logs():
        return await _played(database, folder, seed, companies, each, days, build or Build())


async def _played(
    database: Database, folder: Path, seed: int, companies: int, each: int, days: float, build: Build
) -> Oracle:
    async with simulated(database, folder, seed, organizations_=companies, each=each, build=build) as world:
        oracle = Oracle(world, small_lake(world))
        began = time.process_time()
        await Acts(world, oracle).play(days)
        spent = time.process_time() - began
        print(  # noqa: T201 - the seed must be seen
            f"seed {seed}: {companies * each * days:g} source-days, {world.engine.handled} pieces of work,"
            f" {oracle.verified} claims verified, {companies * each * days / spent:.1f} source-days per CPU second"
        )
        return oracle


async def test_nobody_is_told_a_time_that_the_warehouse_does_not_have(
    sqlite_database: Database, tmp_path: Path
) -> None:
    oracle = await played(sqlite_database, tmp_path, 1, companies=2, each=2, days=3)
    assert oracle.complaints == []
    assert oracle.verified > 10


@pytest.mark.parametrize("name", sorted(TWINS))
async def test_a_broken_twin_is_caught(sqlite_database: Database, tmp_path: Path, name: str) -> None:
    oracle = await played(sqlite_database, tmp_path, 1, companies=1, each=2, days=3, build=TWINS[name])
    assert oracle.complaints
