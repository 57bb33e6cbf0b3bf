"""The work of one run, for the engine: collect, process, end. The body stays tiny; what it calls is versioned code."""

from dataclasses import replace
from typing import Any

import structlog

from jobs.asks import Enqueue
from jobs.engine import ReplayedError, WorkContext
from jobs.figures import RUN_START_LAG, RUNS_ENDED
from jobs.ground import Ground
from jobs.limits import stretch
from jobs.notify.notifier import Notifier
from jobs.refresh.collecting import Collecting
from jobs.refresh.ending import Verdict, end_run, failure_columns
from jobs.refresh.outcome import LOST, Outcome, held_generation, holding, unforeseen
from jobs.refresh.past import go_on
from jobs.refresh.probing import second_look
from jobs.refresh.processing import Processing
from jobs.refresh.retry import RetryPlan, attempt_work
from jobs.upkeep import gather_files
from storage.facts.runs import FailureKind, Run, RunState, Stage
from storage.records import connections, organizations, runs, sources
from storage.sessions import Session

#: The grant was refused, but a newer one is there.
GRANT_REPLACED = "grant_replaced"

log = structlog.get_logger()


class RunHandler:
    """Runs the attempts of runs."""

    def __init__(self, ground: Ground, notifier: Notifier, enqueue: Enqueue, plan: RetryPlan) -> None:
        self._ground = ground
        self._notifier = notifier
        self._enqueue = enqueue
        self._plan = plan
        self._collecting = Collecting(ground)
        self._processing = Processing(ground)

    async def handle(self, work: WorkContext) -> None:
        """Run one attempt; each step is repeated safely when the process dies in it."""
        # Every log line of this work carries the ids: the run's is the reference that support posts show.
        ids = await self._ground.database.reading(lambda session: runs.ids_of(session, work.subject))
        with structlog.contextvars.bound_contextvars(run=work.subject, **ids):
            result = await work.step("collect", self._collecting.collect, work.subject, work.attempt)
            if result["verdict"] is None:
                result = await work.step("process", self._processing.process, work.subject, work.attempt)
            if result["verdict"] != LOST:
                await work.step("end", self._end, work.subject, result)
            if result["verdict"] == RunState.READY:
                # Not a step: what a crash interrupts here is done after the next run.
                await self._gather(work.subject)

    async def _gather(self, run_id: str) -> None:
        database = self._ground.database
        organization_id = await database.reading(lambda session: runs.organization_of(session, run_id))
        await gather_files(self._ground, organization_id)

    async def failed_unexpectedly(self, run_id: str, attempt: int, reference: str, error: Exception) -> None:
        """Say so on the run when a step raised what nobody foresaw; never lose the run silently.

        Only the execution that still holds the run may: one that was taken over long ago must not stop its heir.
        """

        def write(session: Session) -> None:
            organizations.lock(session, runs.organization_of(session, run_id))
            run = runs.run(session, run_id)
            generation = _generation(run, error)
            if not run.state.active or run.attempt != attempt or generation is None:
                return
            failure = unforeseen(error, run.stage or Stage.COLLECTING, reference)
            self._settle(session, run_id, Outcome(generation, RunState.FAILED, failure))

        await self._ground.database.writing(write)

    async def _end(self, run_id: str, result: dict[str, Any]) -> None:
        outcome = await self._looked_again(run_id, Outcome.from_json(result))
        self._ground.checkpoint("run.before_end")
        with holding(outcome.generation):
            await self._ground.database.writing(lambda session: self._settle(session, run_id, outcome))
        self._ground.checkpoint("run.after_end")

    async def _looked_again(self, run_id: str, outcome: Outcome) -> Outcome:
        """Ask the provider once more, and cheaply, before a refused call counts as a lost connection."""
        if outcome.failure is None:
            return outcome
        return replace(outcome, failure=await second_look(self._ground, run_id, outcome.failure))

    def _settle(self, session: Session, run_id: str, outcome: Outcome) -> None:
        now = self._ground.clock.now()
        organizations.lock(session, runs.organization_of(session, run_id))
        run = runs.run(session, run_id)
        failure = outcome.failure
        if run.state is RunState.CANCELLING and outcome.verdict == RunState.FAILED:
            failure, outcome = None, Outcome(outcome.generation, RunState.CANCELLED)
        if failure is not None and failure.kind is FailureKind.RECONNECT and self._grant_replaced(session, run):
            failure = replace(failure, kind=FailureKind.RETRY, code=GRANT_REPLACED)
        if failure is not None and failure.kind is FailureKind.RETRY and run.attempt < self._plan.attempts:
            delay = self._plan.delay(run_id, run.attempt, outcome.retry_after)
            attempt = runs.put_back(session, run_id, outcome.generation, now + delay, **failure_columns(failure))
            if attempt is not None:
                self._enqueue(session, attempt_work(run_id, run.organization_id, attempt, delay))
                self._notifier.wake_for_run(session, run_id, now)
            return
        state = RunState(outcome.verdict or RunState.FAILED)
        ended = end_run(session, run_id, outcome.generation, Verdict(state, failure), now, self._notifier)
        log.info("run_ended", run=run_id, source=run.source_id, state=state, won=ended)
        if ended:
            self._counted(session, run_id)
        if ended and state is RunState.READY:
            go_on(session, runs.run(session, run_id), now, self._enqueue)
        self._stretch(session, run.source_id)

    def _counted(self, session: Session, run_id: str) -> None:
        run = runs.run(session, run_id)
        provider = sources.source(session, run.source_id).provider.value
        self._ground.figures.count(RUNS_ENDED, provider, run.state.value, run.result.value if run.result else "")
        if run.started_at is not None:
            self._ground.figures.observe(RUN_START_LAG, (run.started_at - run.clocks.requested_at).total_seconds())

    def _grant_replaced(self, session: Session, run: Run) -> bool:
        """Whether a person reconnected while the run worked: what was refused may be the grant from before.

        The next attempt tells, once; what is refused then is the new grant.
        """
        if run.started_at is None or (run.failure is not None and run.failure.code == GRANT_REPLACED):
            return False
        return connections.connected_since(session, run.source_id, run.started_at)

    def _stretch(self, session: Session, source_id: str) -> None:
        source = sources.source(session, source_id)
        if source.rule is not None:
            # Once a day at most is as seldom as a stretch may be.
            return
        minutes = sources.schedule_minutes(session, source_id)
        stretch(session, source_id, source.provider, minutes, self._ground.read_budget, self._ground.clock.now())


def _generation(run: Run, error: Exception) -> int | None:
    """Return the generation for which an unforeseen error speaks; None when it may not end anything.

    An error that is replayed was recorded by an execution of this very work, which nobody has claimed since. One that
    came before the claim speaks only for a run that nobody works on; any other is found by the audit of stranded work.
    """
    if isinstance(error, ReplayedError) or run.state is RunState.QUEUED:
        return run.generation
    return held_generation(error)
