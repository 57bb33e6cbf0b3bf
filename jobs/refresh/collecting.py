"""The collecting stage: read from the provider, load into the raw layer, in one transaction of the warehouse."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from connectors.base import Collected, Connector, open_session
from connectors.errors import ConnectorError, Retry
from jobs.ground import Ground
from jobs.leasing import Lease, leased
from jobs.places import DatabasePlaces
from jobs.refresh import drift
from jobs.refresh.depth import depth_of
from jobs.refresh.outcome import LOST, FencedError, Outcome, StoppedError, failed, holding, warehouse_failed
from jobs.refresh.partly import as_loaded, how_far
from jobs.refresh.past import older_after
from jobs.refresh.progress import Watch
from jobs.threads import in_thread
from storage.facts.rereads import Reread
from storage.facts.runs import Failure, FailureKind, Run, RunState, Stage
from storage.facts.sources import Provider, Source
from storage.facts.streams import Batch
from storage.records import home_views, last_runs, leases, organizations, outcomes, rereads, runs, sources
from storage.sessions import Session
from storage.warehouse import LoadResult, LoadRun, Shrunk, WarehouseError

if TYPE_CHECKING:
    from storage.warehouse import Loader, Warehouse

_LEASE_PATIENCE_SECONDS = 240.0

log = structlog.get_logger()


class Collecting:
    """Collects for one run at a time; safe to repeat after a crash at any instant."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def collect(self, run_id: str, attempt: int) -> dict[str, Any]:
        """Claim the run and collect; the result says whether to go on, and what happened."""
        ground = self._ground
        generation, run, source, collects, known = await ground.database.writing(
            lambda session: self._claim(session, run_id, attempt)
        )
        if generation is None:
            return not_claimed(run, attempt).to_json()
        with holding(generation):
            if not collects:
                await ground.database.writing(lambda session: _inherit(session, run, generation))
                return Outcome(generation).to_json()
            return (await self._collected(run, source, generation, known)).to_json()

    async def _collected(self, run: Run, source: Source, generation: int, known: dict[str, Any]) -> Outcome:
        try:
            await self._collected_once(run, source, generation, known)
        except StoppedError as stopped:
            return Outcome(generation, stopped.verdict)
        except Shrunk as error:
            return await self._held(run, generation, error)
        except WarehouseError as error:
            log.warning("collecting_failed", run=run.id, source=source.id, error=str(error))
            return warehouse_failed(generation, error, Stage.COLLECTING, run.id)
        except ConnectorError as error:
            log.warning("collecting_failed", run=run.id, source=source.id, code=error.code, error=str(error))
            return failed(generation, error, Stage.COLLECTING, run.id)
        return Outcome(generation)

    async def _held(self, run: Run, generation: int, shrunk: Shrunk) -> Outcome:
        """Keep what a person must know who decides about the read."""
        log.warning("read_held", run=run.id, source=run.source_id, stream=shrunk.stream)
        found = {"held": {"stream": shrunk.stream, "before": shrunk.before, "after": shrunk.after}}
        await self._ground.database.writing(
            lambda session: runs.advance(
                session, run.id, generation, outcome={**runs.outcome(session, run.id), **found}
            )
        )
        detail = f"{shrunk.stream}: {shrunk.after} records instead of {shrunk.before}"
        failure = Failure(kind=FailureKind.HELD, code="shrunk", detail=detail, stage=Stage.COLLECTING, reference=run.id)
        return Outcome(generation, RunState.FAILED, failure)

    def _claim(
        self, session: Session, run_id: str, attempt: int
    ) -> tuple[int | None, Run, Source, bool, dict[str, Any]]:
        now = self._ground.clock.now()
        generation = runs.claim(session, run_id, attempt, now)
        if generation is not None:
            runs.advance(session, run_id, generation, stage=Stage.COLLECTING)
            home_views.changed_by_run(session, run_id, now)
        session.expire_all()
        run = runs.run(session, run_id)
        source = sources.source(session, run.source_id)
        return generation, run, source, runs.collects(session, run_id), runs.outcome(session, run_id)

    async def _collected_once(self, run: Run, source: Source, generation: int, known: dict[str, Any]) -> None:
        warehouse = self._ground.warehouses.of(source.organization_id)
        if "plan" in known:
            # An earlier execution came as far as the commit: look before loading again.
            found = await in_thread(lambda: warehouse.find_run(run.id, "collect"))
            if found is not None:
                await self._note_loaded(run.id, generation, found, known["plan"])
                return
        await self._read_and_load(run, source, generation, warehouse, known)

    async def _read_and_load(
        self, run: Run, source: Source, generation: int, warehouse: "Warehouse", known: dict[str, Any]
    ) -> None:
        ground = self._ground
        connector = ground.connector(source)
        started = ground.clock.now()
        known = known | rereads.kept(await self._again(run, source, known))
        with ThreadPoolExecutor(1, thread_name_prefix="load") as writer:
            load = await in_thread(
                lambda: warehouse.begin(
                    LoadRun(run.id, source.id, source.provider, started),
                    connector.streams,
                    checkpoint=ground.checkpoint,
                ),
                writer,
            )
            committed = False
            try:
                collected = await self._read(run, source, generation, connector, load, writer, started, known)
                ground.checkpoint("run.collected")
                plan = await self._plan(run, connector, collected, started) | rereads.stored(known)
                result = await self._commit(run, source, generation, load, writer, collected, plan)
                committed = True
            finally:
                if not committed:
                    await in_thread(load.abort, writer)
        await self._note_loaded(run.id, generation, result, plan)

    async def _again(self, run: Run, source: Source, known: dict[str, Any]) -> Reread | None:
        """Return what is read again: what was asked for, and what the run before this one was to and could not.

        Else a run between that one and its retry would read those streams on from where they were, and all seem done.
        """
        asked = rereads.asked_of(known)
        left = await self._ground.database.reading(lambda session: _owed(session, run.source_id))
        if left is None:
            return asked
        # A stream that has no cursor was never read, and is read whole in any case.
        saved = await self._ground.held(source).cursors()
        there = tuple(name for name in left.streams if name in saved)
        return rereads.together(asked, replace(left, streams=there)) if there else asked

    async def _read(
        self,
        run: Run,
        source: Source,
        generation: int,
        connector: Connector,
        load: "Loader",
        writer: ThreadPoolExecutor,
        until: datetime,
        known: dict[str, Any],
    ) -> Collected:
        ground = self._ground
        held = ground.held(source)
        saved = await held.cursors()
        zone = await ground.database.reading(lambda session: organizations.zone(session, run.organization_id))
        depth = depth_of(run, rereads.asked_of(known), saved, zone, until)
        cursors = depth.cursors(saved, until)
        # Nobody else counts calls that are under way at once.
        counted = source.provider is Provider.QUICKBOOKS
        places = DatabasePlaces(ground.database, seconds=ground.lease_seconds) if counted else None
        watch = Watch(ground.database, ground.clock, run.id, generation, lambda: places is not None and places.waits)

        async def sink(batch: Batch) -> None:
            await in_thread(lambda: load.write(batch), writer)

        anew = depth.reread.asked_at if depth.reread else None
        access = replace(
            ground.access(source, held, only=run.only), sweeps=depth.sweeps, places=places, anew_since=anew
        )
        async with open_session(connector, access) as session:
            found = await watch.over(connector.collect(session, cursors, until, sink, watch.progress))
        return depth.noted(found, connector.streams)

    async def _commit(
        self,
        run: Run,
        source: Source,
        generation: int,
        load: "Loader",
        writer: ThreadPoolExecutor,
        collected: Collected,
        plan: dict[str, Any],
    ) -> LoadResult:
        ground = self._ground
        async with organization_lease(ground, source.organization_id) as lease:

            def fence() -> None:
                def still_mine(session: Session) -> bool:
                    must_hold(session, lease)
                    return runs.advance(session, run.id, generation, outcome={"plan": plan})

                if not ground.database.in_write(still_mine):
                    raise FencedError(run.id)

            return await in_thread(
                lambda: load.commit(
                    collected.cursors,
                    collected.full,
                    keep_cursors=collected.keep_cursors,
                    agreed=run.agreed,
                    aside=[name for one in collected.aside if one.whole for name in one.streams],
                    parts=[name for one in collected.aside if not one.whole for name in one.streams],
                    guarded=collected.guarded,
                    fence=fence,
                ),
                writer,
            )

    async def _plan(self, run: Run, connector: Connector, collected: Collected, started: datetime) -> dict[str, Any]:
        """Return what is noted with the load: it must be known before the commit."""
        before, told = await self._ground.database.reading(lambda session: _before(session, run.source_id))
        fresh = drift.news(collected.unknown, told)
        if fresh:
            log.warning("fields_unknown", run=run.id, source=run.source_id, fields=fresh)
        came = how_far(run, before, collected, connector.streams)
        for one in collected.aside:
            log.warning(
                "stream_put_aside", run=run.id, source=run.source_id, streams=one.streams, code=one.error.code,
                error=str(one.error),
            )  # fmt: skip
        return {
            "source_as_of": came.as_of.isoformat() if came.as_of else None,
            "partly": outcomes.partly_json(came.partly) if came.partly else None,
            # What is the least that everything is as of, should an earlier execution have put aside more.
            "before": before.clocks.source_as_of.isoformat() if before and before.clocks.source_as_of else None,
            "after": max([one.error.after or 0 for one in collected.aside if isinstance(one.error, Retry)], default=0),
            "reads": collected.reads,
            "notes": [*drift.sentences(fresh, connector.streams), *collected.notes],
            "unknown": drift.together(told, fresh),
            "older": outcomes.older_json(older_after(before, collected, connector.streams)),
            "seconds": (self._ground.clock.now() - started).total_seconds(),
        }

    async def _note_loaded(self, run_id: str, generation: int, result: LoadResult, plan: dict[str, Any]) -> None:
        as_of, partly = as_loaded(plan, result)
        outcome = {
            "plan": plan,
            "partly": partly,
            "unknown": plan.get("unknown"),
            "older": plan.get("older"),
            "counts": {name: asdict(counts) for name, counts in result.counts.items()},
            "snapshot_before": result.snapshot_before,
            "snapshot_after": result.snapshot_after,
            "fingerprint": result.fingerprint,
            "stage_seconds": {"collecting": plan["seconds"]},
        }
        self._ground.checkpoint("run.loaded")
        won = await self._ground.database.writing(
            lambda session: runs.advance(
                session,
                run_id,
                generation,
                outcome=outcome,
                source_as_of=as_of,
                loaded_at=self._ground.clock.now(),
                waits_turn=False,
                moved_at=self._ground.clock.now(),
                rows=sum(count.new + count.changed + count.unchanged for count in result.counts.values()),
            )
        )
        if not won:
            raise FencedError(run_id)


def organization_lease(
    ground: Ground, organization_id: str, patience: float = _LEASE_PATIENCE_SECONDS
) -> AbstractAsyncContextManager[Lease]:
    """Hold the right to write to the organization's warehouse; Retry when others hold it longer than `patience`."""
    return leased(
        ground.database,
        f"warehouse:{organization_id}",
        seconds=ground.lease_seconds,
        patience=patience,
        busy=lambda: Retry(30, "another source of this organization is being loaded", code="warehouse_busy"),
    )


def must_hold(session: Session, lease: Lease) -> None:
    """Refuse a write (Retry) when the lease ran out: this run is still ours, so it must be tried again."""
    if not leases.holds(session, lease.name, lease.holder, lease.generation):
        raise Retry(1, "the right to write to the warehouse ran out", code="lease_lost")


def not_claimed(run: Run, attempt: int) -> Outcome:
    """Say how an execution ends that may not work on the run: only the present attempt ends a run that is cancelled."""
    if run.state is RunState.CANCELLING and run.attempt == attempt:
        return Outcome(run.generation, RunState.CANCELLED)
    return Outcome(run.generation, LOST)


def _before(session: Session, source_id: str) -> tuple[Run | None, dict[str, list[str]]]:
    """Return the run that was loaded last, and the unknown fields that were told of by then."""
    found = last_runs.newest_loaded(session, source_id)
    return found, drift.told_of(runs.outcome(session, found.id)) if found else {}


def _owed(session: Session, source_id: str) -> Reread | None:
    found = last_runs.newest_loaded(session, source_id)
    if found is None or found.partly is None:
        return None
    return rereads.owed(runs.outcome(session, found.id), {name for one in found.partly.missing for name in one.streams})


def _inherit(session: Session, run: Run, generation: int) -> None:
    """Give a run that only processes the times of the raw data that it makes ready."""
    loaded = last_runs.newest_loaded(session, run.source_id)
    if loaded is not None:
        runs.advance(
            session,
            run.id,
            generation,
            outcome={
                "stage_seconds": {},
                "older": outcomes.older_json(loaded.older),
                "unknown": drift.told_of(runs.outcome(session, loaded.id)),
                **({"partly": outcomes.partly_json(loaded.partly)} if loaded.partly else {}),
                **rereads.stored(runs.outcome(session, loaded.id)),
            },
            source_as_of=loaded.clocks.source_as_of,
            loaded_at=loaded.clocks.loaded_at,
        )
