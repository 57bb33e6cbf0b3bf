"""The next attempt of a run: when, and sooner when support says so."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobs.asks import Enqueue
from jobs.errors import TooLateError
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.runs import RunState
from storage.records import refreshes, runs
from storage.sessions import Session


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


RetryNow = Callable[[Session, str], None]


def retry_now(clock: Clock, enqueue: Enqueue) -> RetryNow:
    """Return what starts the waiting attempts of a refresh now."""

    def retry(session: Session, refresh_id: str) -> None:
        waiting = [run for _, run, _ in refreshes.runs_of(session, refresh_id) if run.state is RunState.QUEUED]
        if not waiting:
            raise TooLateError("It is being worked on right now; there is nothing to retry.")
        for run in waiting:
            # The delayed attempt stays in the engine; when its time comes it finds the run claimed, or over.
            attempt = runs.skip_wait(session, run.id, clock.now())
            if attempt is not None:
                enqueue(session, attempt_work(run.id, run.organization_id, attempt))

    return retry
