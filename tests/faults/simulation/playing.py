"""One story of the simulation, played to its end by one kind of engine, with what it was worth printed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from structlog.testing import capture_logs

from storage.sessions import Database
from tests.faults.simulation.acts import Acts
from tests.faults.simulation.oracle import Oracle, small_lake
from tests.faults.simulation.standing import Standing
from tests.faults.simulation.world import INTERVALS, Build, Simulated, simulated


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


async def played(
    database: Database,
    folder: Path,
    story: Story,
    build: Build | None = None,
    *,
    kind: type[Simulated] = Standing,
    seed_name: str = "SIMULATION_SEED",
) -> Oracle:
    """Play a story; `seed_name` is the variable that plays its seed again, and is printed with it."""
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
                f"{seed_name}={story.seed}: {days:g} source-days, {world.engine.handled} pieces of work,"
                f" {world.deaths} deaths, {getattr(world, 'stills', 0)} stood still,"
                f" {getattr(world.engine, 'left_behind', 0)} left behind, {len(oracle.requests)} refreshes,"
                f" {oracle.verified} claims, {days / spent:.2f} source-days per CPU second"
            )
            return oracle
