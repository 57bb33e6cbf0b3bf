"""The heartbeat of an engine process: a thread of its own, but silent when the event loop hangs."""

import logging
import threading
import time
from collections.abc import Callable

from jobs.work import Timings
from storage.records import workers
from storage.sessions import Database

logger = logging.getLogger(__name__)

# Goes on while the machine sleeps, where the system has such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return seconds that only ever grow, also while the process or the machine is stopped."""
    return time.clock_gettime(_STEADY)


class Heartbeat:
    """Writes the worker's row; knows for how long others may have held this process for dead."""

    def __init__(
        self, database: Database, executor_id: str, role: str, timings: Timings, on_revived: Callable[[], None]
    ) -> None:
        self._database = database
        self._executor_id = executor_id
        self._role = role
        self._timings = timings
        self._on_revived = on_revived
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidings-heartbeat", daemon=True)
        self._beaten = 0.0
        self._turned = steady()

    def start(self) -> None:
        """Write the first heartbeat, then go on in the background."""
        began = steady()
        with self._database.write() as session:
            workers.register(session, self._executor_id, self._role)
        self._beaten = began
        self._turned = steady()
        self._thread.start()

    def stop(self) -> None:
        """Stop beating; the row stays until it is forgotten."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._database.busy_seconds + 5)

    def loop_turned(self) -> None:
        """Note that the event loop is alive; the loop calls it at least every second."""
        self._turned = steady()

    def fresh(self) -> bool:
        """Whether the last heartbeat is young enough to start something outside."""
        return steady() - self._beaten < self._timings.mute

    def _run(self) -> None:
        while not self._stop.wait(self._timings.beat):
            try:
                self._beat()
            except Exception:  # the edge of a thread: a database that is down for a while must not end the heartbeat
                logger.exception("heartbeat_failed", extra={"executor": self._executor_id})

    def _beat(self) -> None:
        if steady() - self._turned > self._timings.hang:
            logger.error("loop_hangs", extra={"executor": self._executor_id})
            return
        # The time before the write counts: a write that took long is an old heartbeat.
        began = steady()
        with self._database.write() as session:
            renewed = workers.beat(session, self._executor_id, self._timings.dead)
            if not renewed:
                workers.register(session, self._executor_id, self._role)
        if not renewed:
            logger.warning("worker_was_held_for_dead", extra={"executor": self._executor_id})
            self._on_revived()
        self._beaten = began
