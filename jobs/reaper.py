"""Finds work that nobody runs any more and gives it back to the queue; removes finished work after its term.

It looks at the state, not at events: each tick asks which running work belongs to no living process, so a missed
tick, an error in between or a second reaper changes nothing.
"""

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from jobs.heartbeat import steady
from jobs.work import Timings
from storage.records import workers
from storage.sessions import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A piece of work that a process holds as running."""

    id: str
    executor_id: str


class Ward(Protocol):
    """What the reaper needs of the engine."""

    def held(self) -> list[Held]:
        """Return all work that is marked as running, by anybody."""
        ...

    def requeue(self, held: Held) -> bool:
        """Give the work back to its queue if that process still holds it; whether it did."""
        ...

    def running_here(self) -> Collection[str]:
        """Return the ids of the work that really runs in this process."""
        ...

    def hasten(self) -> list[str]:
        """Let work go that waits by a clock that was set back since; return its ids."""
        ...

    def remove_finished(self) -> int:
        """Remove one batch of old finished work; return how many there were."""
        ...


class Reaper:
    """A thread that keeps no work waiting for the dead."""

    def __init__(self, database: Database, executor_id: str, ward: Ward, timings: Timings, *, alone: bool) -> None:
        self._database = database
        self._executor_id = executor_id
        self._ward = ward
        self._timings = timings
        #: whether a lock guarantees that no other process runs work, so that nobody has to be waited for
        self._alone = alone
        self._missing_since: dict[str, float] = {}
        self._retention_due = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidings-reaper", daemon=True)

    def start(self) -> None:
        """Look now and then regularly."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._database.busy_seconds + 5)

    def tick(self) -> list[str]:
        """Give back everything that nobody runs; return its ids."""
        # The order matters: a process writes its heartbeat before it claims work, so every claim seen here is covered.
        held = self._ward.held()
        living = self._living()
        abandoned = [item for item in held if item.executor_id not in living]
        abandoned += self._lost_here(held)
        returned = [item.id for item in abandoned if self._ward.requeue(item)]
        if returned:
            logger.warning("work_recovered", extra={"works": returned})
        if hastened := self._ward.hasten():
            logger.warning("work_hastened", extra={"works": hastened})
        self._forget_the_dead(living, {item.executor_id for item in held})
        return returned

    def _run(self) -> None:
        while True:
            try:
                self.tick()
                self._retain()
            except Exception:  # the edge of a thread: the next tick looks again
                logger.exception("reaper_failed", extra={"executor": self._executor_id})
            if self._stop.wait(self._timings.reap):
                return

    def _living(self) -> set[str]:
        if self._alone:
            return {self._executor_id}
        with self._database.read() as session:
            return workers.alive(session, self._timings.dead) | {self._executor_id}

    def _lost_here(self, held: list[Held]) -> list[Held]:
        """Find work that this process claimed and never ran, or left without an end, a while ago."""
        now = steady()
        running = self._ward.running_here()
        missing = [item for item in held if item.executor_id == self._executor_id and item.id not in running]
        self._missing_since = {item.id: self._missing_since.get(item.id, now) for item in missing}
        return [item for item in missing if now - self._missing_since[item.id] >= self._timings.dead]

    def _forget_the_dead(self, living: set[str], holders: set[str]) -> None:
        with self._database.read() as session:
            gone = workers.known(session) - living - holders
        if not gone:
            return
        with self._database.write() as session:
            for executor_id in gone:
                workers.forget(session, executor_id, None if self._alone else self._timings.dead)

    def _retain(self) -> None:
        if steady() < self._retention_due:
            return
        while not self._stop.is_set() and self._ward.remove_finished():
            # Others want to write between two batches.
            self._stop.wait(0.05)
        self._retention_due = steady() + self._timings.retention
