"""Somebody joins in the very moment in which a run ends: told with the others, or with a refresh of their own."""

import asyncio
from datetime import timedelta
from pathlib import Path

from jobs.notify import REFRESH_FINISHED
from jobs.refresh.ending import Verdict, end_run
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.records import deliveries, refreshes, runs
from storage.sessions import Database, Session
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


async def test_who_joins_while_a_run_ends_is_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=3, times=None))
        first = await stage.request(Provider.SHOPIFY)
        run = await eventually(lambda: _running(stage))
        notifier = stage.jobs.services.refresh._notifier
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            with database.write() as session:
                now = stage.clock.now() + timedelta(seconds=1)
                held = runs.run(session, run)
                assert end_run(session, run, held.generation, Verdict(RunState.CANCELLED), now, notifier)
                loop.call_soon_threadsafe(ending.set)
                # The end is not committed yet: the joiner comes now.
                asyncio.run(asyncio.sleep(0.5))

        task = asyncio.create_task(asyncio.to_thread(end))
        await ending.wait()
        second = await stage.request(Provider.SHOPIFY, user_id="U0DANIEL", channel="D0DANIEL")
        await task
        stage.shopify.script.clear()
        theirs = getattr(second, "refresh_id", None) or second.refresh.id
        await stage.finished(theirs)
        people = {person.id for person in database.in_read(lambda session: refreshes.people_of(session, theirs))}
        assert stage.member("U0DANIEL").id in people
        assert people == _told(stage, theirs)
        assert _told(stage, first.refresh_id) == {stage.member().id}


def _running(stage: Stage) -> str | None:
    def read(session: Session) -> str | None:
        return next((one.id for one in runs.active_runs(session) if one.state is RunState.RUNNING), None)

    return stage.database.in_read(read)


def _told(stage: Stage, refresh_id: str) -> set[str | None]:
    found = stage.database.in_read(lambda session: deliveries.of_subject(session, refresh_id))
    return {one.member_id for one in found if one.kind == REFRESH_FINISHED}
