"""The audit of stranded work: every active run and every unsettled delivery has living work behind it, or gets it.

The engine recovers what a dead process left. This looks from the other side, from our own rows: work that ended in an
error nobody foresaw, or was lost with an engine's table, must not leave a person waiting for ever.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.notify.kinds import ESCALATIONS
from jobs.refresh.retry import attempt_work
from jobs.work import Work, WorkState, WorkStatus
from storage.facts.clock import Clock
from storage.facts.runs import Run
from storage.records import deliveries, runs
from storage.sessions import Database, Session

_ALIVE = frozenset({WorkState.DELAYED, WorkState.QUEUED, WorkState.RUNNING})
#: Younger rows are left alone: their work may be between two states.
_YOUNGEST = timedelta(seconds=60)

log = structlog.get_logger()


class WorkAudit:
    """Finds rows without living work and gives them a new piece."""

    def __init__(
        self, database: Database, clock: Clock, enqueue: Enqueue, status: Callable[[str], WorkStatus | None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._enqueue = enqueue
        self._status = status

    async def sweep(self) -> None:
        """Look at everything that is unfinished."""
        active = await self._database.reading(runs.active_runs)
        for run in active:
            if await self._is_stranded(attempt_work(run.id, run.organization_id, run.attempt).id, run):
                await self._database.writing(partial(self._revive_run, run=run))
        for delivery_id, attempt in await self._database.reading(deliveries.work_attempts):
            if not await self._lives(Work("delivery", delivery_id, attempt=attempt, queue="notify").id):
                await self._database.writing(partial(self._revive_delivery, delivery_id=delivery_id, attempt=attempt))

    async def _is_stranded(self, work_id: str, run: Run) -> bool:
        seen = run.progress_at or run.clocks.requested_at
        waits_until = run.next_attempt_at or seen
        if self._clock.now() < max(seen, waits_until) + _YOUNGEST:
            return False
        return not await self._lives(work_id)

    async def _lives(self, work_id: str) -> bool:
        status = await self._database.reading(lambda _: self._status(work_id))
        return status is not None and status.state in _ALIVE

    def _revive_run(self, session: Session, run: Run) -> None:
        attempt = runs.revive(session, run.id, run.attempt, self._clock.now())
        if attempt is not None:
            log.error("run_was_stranded", run=run.id, state=run.state, attempt=run.attempt)
            self._enqueue(session, attempt_work(run.id, run.organization_id, attempt))

    def _revive_delivery(self, session: Session, delivery_id: str, attempt: int) -> None:
        if deliveries.take_over(session, delivery_id, attempt + 1):
            log.error("delivery_was_stranded", delivery=delivery_id)
            urgent = deliveries.delivery(session, delivery_id).kind in ESCALATIONS
            self._enqueue(session, Work("delivery", delivery_id, attempt + 1, queue="notify", urgent=urgent))
