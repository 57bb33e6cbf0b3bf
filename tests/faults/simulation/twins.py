"""The product put together wrongly in one place each; the oracle must catch every one of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from jobs.build import Jobs
from jobs.notify import Notifier
from jobs.refresh.collecting import Collecting
from jobs.refresh.handler import RunHandler
from storage.warehouse import LoadResult
from tests.faults.simulation.world import Build, Simulated


def notifier(world: Simulated, jobs: Jobs) -> Notifier:
    settings = world.settings
    return Notifier(jobs.engine.enqueue, support_channel=settings.support_channel, support_email=settings.support_email)


def _runs(change: Callable[[RunHandler, Jobs], None]) -> Build:
    """Return a product whose runs are handled by a handler with one part changed."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()
        handler = RunHandler(jobs.ground, notifier(world, jobs), jobs.engine.enqueue, world.tuning.retries)
        change(handler, jobs)
        return dataclasses.replace(jobs, handlers={**jobs.handlers, "run": handler.handle})

    return Build(jobs=build)


class DatesByTheEnd(Collecting):
    """Twin: takes the end of a read for the instant up to which everything is in it."""

    async def _note_loaded(self, run_id: str, generation: int, result: LoadResult, plan: dict[str, Any]) -> None:
        now = self._ground.clock.now()
        late = dataclasses.replace(result, extracted_at=now)
        await super()._note_loaded(run_id, generation, late, {**plan, "source_as_of": now.isoformat()})


def _dates_by_the_end(handler: RunHandler, jobs: Jobs) -> None:
    handler._collecting = DatesByTheEnd(jobs.ground)


TWINS = {"as of the end of the read": _runs(_dates_by_the_end)}
