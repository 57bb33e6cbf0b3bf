"""An execution that lost its run to another one, and then fails in a way that nobody foresaw."""

from pathlib import Path

import pytest

from jobs.engine import ReplayedError
from jobs.notify.notifier import Notifier
from jobs.refresh.handler import RunHandler
from jobs.refresh.outcome import Outcome, holding
from jobs.refresh.retry import RetryPlan
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import Failure, FailureKind, Run, RunState
from storage.facts.runs import Stage as RunStage
from storage.facts.sources import Provider
from storage.records import runs
from storage.sessions import Database, Session
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


class Careless(RunHandler):
    """Twin: whoever fails speaks for whoever holds the run now."""

    async def failed_unexpectedly(self, run_id: str, attempt: int, reference: str, error: Exception) -> None:
        """Put the run back, whoever holds it."""

        def write(session: Session) -> None:
            run = runs.run(session, run_id)
            if run.state.active and run.attempt == attempt:
                failure = Failure(FailureKind.RETRY, "unexpected", str(error), RunStage.COLLECTING, reference)
                self._settle(session, run_id, Outcome(run.generation, RunState.FAILED, failure))

        await self._ground.database.writing(write)


def _raised(generation: int) -> Exception:
    with pytest.raises(ZeroDivisionError) as caught, holding(generation):
        raise ZeroDivisionError
    return caught.value


async def _held(stage: Stage) -> Run:
    """Return a run that is being worked on, and goes on to be."""
    stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
    await stage.request(Provider.SHOPIFY)
    source = stage.source(Provider.SHOPIFY)

    def look() -> Run | None:
        with stage.database.read() as session:
            run = runs.active_of(session, [source.id]).get(source.id)
        return run if run and run.state is RunState.RUNNING else None

    return await eventually(look)


@pytest.mark.parametrize("handler", [RunHandler, Careless])
async def test_the_late_error_of_a_zombie_does_not_stop_its_heir(
    database: Database, tmp_path: Path, handler: type[RunHandler]
) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        run = await _held(stage)
        with stage.database.write() as session:
            heir = runs.claim(session, run.id, run.attempt, stage.clock.now())
        assert heir == run.generation + 1
        enqueue = stage.jobs.engine.enqueue
        notifier = Notifier(enqueue, support_channel="", support_email="")

        await handler(stage.jobs.ground, notifier, enqueue, RetryPlan()).failed_unexpectedly(
            run.id, run.attempt, "ref_1", _raised(run.generation)
        )

        with stage.database.read() as session:
            assert runs.holds(session, run.id, heir)
            after = runs.run(session, run.id)
        assert (after.state is RunState.RUNNING) is (handler is RunHandler)


@pytest.mark.parametrize("replayed", [False, True])
async def test_the_error_of_whoever_holds_the_run_puts_it_back(
    sqlite_database: Database, tmp_path: Path, *, replayed: bool
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        run = await _held(stage)
        error = ReplayedError("ZeroDivisionError", "") if replayed else _raised(run.generation)

        await stage.jobs.on_error("run", run.id, run.attempt, "ref_1", error)

        with stage.database.read() as session:
            after = runs.run(session, run.id)
        assert after.attempt == run.attempt + 1
        assert after.failure is not None
        assert after.failure.reference == "ref_1"


async def test_an_error_before_the_claim_leaves_a_working_run_alone(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        run = await _held(stage)

        await stage.jobs.on_error("run", run.id, run.attempt, "ref_1", ZeroDivisionError())

        with stage.database.read() as session:
            assert runs.run(session, run.id).attempt == run.attempt
