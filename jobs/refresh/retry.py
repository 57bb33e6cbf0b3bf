"""The next attempt of a run: when, and sooner when support says so."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from jobs.asks import Enqueue
from jobs.errors import TooLateError
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.runs import Run, RunState
from storage.records import runs
from storage.sessions import Session
from templates import times

#: A running run whose rows and stage stood still for that long hangs: longer than any call, its retries and a commit.
HANGS_AFTER = timedelta(minutes=10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How often and how late a run is tried again, in seconds."""

    first: float = 15.0
    cap: float = 900.0
    attempts: int = 8

    def delay(self, run_id: str, attempt: int, after: float | None) -> timedelta:
        """Return the wait before the attempt that follows `attempt`; never sooner than the provider asks (`after`)."""
        backoff = min(self.cap, self.first * 2 ** (attempt - 1))
        # The jitter differs per run and attempt, but not per process, so that every process plans the same.
        digest = hashlib.sha256(f"{run_id}:{attempt}".encode()).digest()
        jitter = 0.75 + 0.5 * digest[0] / 255
        return timedelta(seconds=max(backoff * jitter, after or 0.0))


def attempt_work(run_id: str, organization_id: str, attempt: int, delay: timedelta | None = None) -> Work:
    """Return the engine's work for one attempt of a run."""
    return Work("run", run_id, attempt=attempt, queue="refresh", partition=organization_id, delay=delay)


RetryNow = Callable[[Session, Sequence[Run]], None]


def retry_now(clock: Clock, enqueue: Enqueue) -> RetryNow:
    """Return what starts the waiting and the hanging ones among some runs again, now."""

    def retry(session: Session, found: Sequence[Run]) -> None:
        now = clock.now()
        started = [run for run in found if _start_again(session, run, now, enqueue)]
        if not started:
            raise TooLateError(_why_not(found, now))

    return retry


def _start_again(session: Session, run: Run, now: datetime, enqueue: Enqueue) -> bool:
    # The delayed attempt stays in the engine; when its time comes it finds the run claimed, or over. A hanging one is
    # fenced off: whatever it still does, nothing of it can be written.
    attempt = None
    if run.state is RunState.QUEUED:
        attempt = runs.skip_wait(session, run.id, now)
    elif run.state is RunState.RUNNING:
        attempt = runs.restart(session, run.id, run.generation, now - HANGS_AFTER, now)
    if attempt is None:
        return False
    log.info("run_started_again", run=run.id, source=run.source_id, attempt=attempt, was=run.state)
    enqueue(session, attempt_work(run.id, run.organization_id, attempt))
    return True


def _why_not(found: Sequence[Run], now: datetime) -> str:
    moved = [run.moved_at for run in found if run.state is RunState.RUNNING and run.moved_at is not None]
    if moved:
        ago = times.span((now - max(moved)).total_seconds())
        return f"it is being worked on, rows or stage moved {ago} ago; what stands still for 10 min can be retried"
    if any(run.state is RunState.CANCELLING for run in found):
        return "it is being stopped"
    return "it ended already"
