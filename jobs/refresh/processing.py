"""The processing stage: raw records become the ready tables, for changed keys only."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog

from connectors.base import ready_of
from connectors.errors import ConnectorError
from jobs.ground import Ground
from jobs.refresh.collecting import must_hold, not_claimed, organization_lease
from jobs.refresh.configuration import version_of
from jobs.refresh.outcome import LOST, FencedError, Outcome, failed, holding, warehouse_failed
from jobs.threads import in_thread
from storage.facts.runs import Run, RunState, Stage
from storage.facts.sources import Provider, Source
from storage.facts.streams import StreamCounts
from storage.records import last_runs, runs, sources
from storage.sessions import Session
from storage.warehouse import WarehouseError

log = structlog.get_logger()


def unfit_words(unfit: Mapping[str, Mapping[str, int]], provider: Provider) -> list[str]:
    """Say which columns are empty in which tables because an amount does not fit; people must not sum over that."""
    return [
        f"{table.removeprefix(f'{provider}_').replace('_', ' ')}: {column} is empty in {count} "
        f"{'row' if count == 1 else 'rows'}, because the amount has more digits than fit. Sums over it lack them."
        for table, columns in unfit.items()
        for column, count in columns.items()
    ]


class Processing:
    """Processes for one run at a time; repeating it changes nothing."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def process(self, run_id: str, attempt: int) -> dict[str, Any]:
        """Claim the run again and build what is ready to import."""
        ground = self._ground
        generation, run, source = await ground.database.writing(lambda session: self._claim(session, run_id, attempt))
        if generation is None:
            return not_claimed(run, attempt).to_json()
        with holding(generation):
            return (await self._processed(run, source, generation)).to_json()

    async def _processed(self, run: Run, source: Source, generation: int) -> Outcome:
        ground = self._ground
        started = ground.clock.now()
        try:
            configuration, unfit = await self._build(run, source, generation)
        except FencedError:
            return Outcome(generation, LOST)
        except ConnectorError as error:
            return failed(generation, error, Stage.PROCESSING, run.id)
        except WarehouseError as error:
            log.exception("processing_failed", run=run.id, source=source.id)
            return warehouse_failed(generation, error, Stage.PROCESSING, run.id)
        await ground.database.writing(
            lambda session: self._note(session, run.id, generation, started, configuration, unfit)
        )
        return Outcome(generation, RunState.READY)

    def _claim(self, session: Session, run_id: str, attempt: int) -> tuple[int | None, Run, Source]:
        generation = runs.claim(session, run_id, attempt, self._ground.clock.now())
        if generation is not None:
            runs.advance(session, run_id, generation, stage=Stage.PROCESSING)
        session.expire_all()
        run = runs.run(session, run_id)
        return generation, run, sources.source(session, run.source_id)

    async def _build(self, run: Run, source: Source, generation: int) -> tuple[str, list[str]]:
        """Build the ready tables; return the version of the configuration that says how, and what did not fit."""
        ground = self._ground
        warehouse = ground.warehouses.of(source.organization_id)
        connector = ground.connector(source)
        ready = await ready_of(connector, ground.access(source))
        async with organization_lease(ground, source.organization_id) as lease:

            def fence() -> None:
                def still_mine(session: Session) -> bool:
                    must_hold(session, lease)
                    return runs.holds(session, run.id, generation)

                if not ground.database.in_write(still_mine):
                    raise FencedError(run.id)

            built = await in_thread(
                lambda: warehouse.process(run.id, source.id, ready, fence=fence, checkpoint=ground.checkpoint)
            )
        return version_of(source, connector.streams, ready), unfit_words(built.unfit, source.provider)

    def _note(
        self, session: Session, run_id: str, generation: int, started: datetime, configuration: str, unfit: list[str]
    ) -> None:
        outcome = runs.outcome(session, run_id)
        seconds = (self._ground.clock.now() - started).total_seconds()
        stages = {**outcome.get("stage_seconds", {}), "processing": seconds}
        counts = {name: asdict(count) for name, count in self._made_ready(session, run_id).items()}
        made = {"stage_seconds": stages, "counts": counts, "configuration": configuration, "unfit": unfit}
        runs.advance(session, run_id, generation, outcome={**outcome, **made})

    def _made_ready(self, session: Session, run_id: str) -> dict[str, StreamCounts]:
        """Return the rows that are ready because of this run: its own, and those that earlier runs loaded and left."""
        run = runs.run(session, run_id)
        ready = last_runs.ready_of(session, [run.source_id]).get(run.source_id)
        counts = dict(run.counts)
        for left in last_runs.left_behind(session, run.source_id, ready.finished_at if ready else None):
            for name, count in left.counts.items():
                counts[name] = counts.get(name, StreamCounts(total=count.total)).plus(count)
        return counts
