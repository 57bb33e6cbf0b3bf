"""Somebody joins in the very moment in which a run ends: told with the others, or with a refresh of their own."""

import asyncio
import time
from pathlib import Path
from typing import Any

from jobs.access_policy import AccessPolicy
from jobs.notify.kinds import REFRESH_FINISHED
from jobs.refresh.ask import Place, Scope, Started, TriggerKey
from jobs.refresh.ending import Verdict, end_run
from jobs.refresh.service import RefreshService
from sandbox.misbehave import Kind, Rule
from storage.facts.access import RefreshAccess
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.facts.status import SourceStatus
from storage.records import deliveries, refreshes, runs
from storage.sessions import Database, Session
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


class Hasty(RefreshService):
    """Twin: joins whatever it has just seen running."""

    def _keep(self, session: Session, connected: list[SourceStatus]) -> None:
        return


async def test_who_joins_while_a_run_ends_is_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        refresh_id, people = await _joined_at_the_end(stage, stage.jobs.services.refresh)
        await stage.finished(refresh_id)
        assert stage.member("U0DANIEL").id in people
        assert people == _told(stage, refresh_id)


async def test_a_twin_that_does_not_hold_the_run_forgets_the_joiner(
    postgres_database: Database, tmp_path: Path
) -> None:
    async with staged(postgres_database, tmp_path) as stage:
        jobs = stage.jobs
        notifier = jobs.services.refresh._notifier
        access = AccessPolicy(RefreshAccess.OPEN)
        hasty = Hasty(jobs.desk, stage.clock, jobs.engine.enqueue, notifier, read_budget=500_000, access=access)
        refresh_id, people = await _joined_at_the_end(stage, hasty)
        assert stage.member("U0DANIEL").id in people
        assert stage.member("U0DANIEL").id not in _told(stage, refresh_id)


async def _joined_at_the_end(stage: Stage, service: RefreshService) -> tuple[str, set[str | None]]:
    """Let Daniel ask while the end of Maya's run is under way; return his refresh and who belongs to it."""
    stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=3, times=None))
    first = await stage.request(Provider.SHOPIFY)
    run = await eventually(lambda: _running(stage))
    notifier = stage.jobs.services.refresh._notifier
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        with stage.database.write() as session:
            held = runs.run(session, run)
            verdict = Verdict(RunState.CANCELLED)
            assert end_run(session, run, held.generation, verdict, stage.clock.now(), notifier)
            loop.call_soon_threadsafe(ending.set)
            # The end is not committed yet: the joiner comes now.
            time.sleep(0.5)

    actor = await stage.actor("U0DANIEL")
    scope = Scope(everything=False, source_ids=(stage.source(Provider.SHOPIFY).id,))
    task = asyncio.create_task(asyncio.to_thread(end))
    await ending.wait()
    second: Any = await service.request(
        actor, scope, TriggerKey("T0TEMERITY", "joins"), Place("T0TEMERITY", "D0DANIEL")
    )
    await task
    stage.shopify.script.clear()
    assert _told(stage, first.refresh_id) == {stage.member().id}
    theirs = second.refresh_id if isinstance(second, Started) else second.refresh.id
    return theirs, {person.id for person in stage.database.in_read(lambda s: refreshes.people_of(s, theirs))}


def _running(stage: Stage) -> str | None:
    def read(session: Session) -> str | None:
        return next((one.id for one in runs.active_runs(session) if one.state is RunState.RUNNING), None)

    return stage.database.in_read(read)


def _told(stage: Stage, refresh_id: str) -> set[str | None]:
    found = stage.database.in_read(lambda session: deliveries.of_subject(session, refresh_id))
    return {one.member_id for one in found if one.kind == REFRESH_FINISHED}
