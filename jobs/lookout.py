"""One queue's watch thread: it looks in its rhythm, and at once when somebody calls.

Without the call each piece of work waits for the next look, half of the rhythm on average, also in the process that
has just enqueued it. Work of other processes is still found in the rhythm alone.
"""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: between the end of a watch that nobody stopped and the next one
_AGAIN_SECONDS = 1.0


class Lookout:
    """Stands where the engine's queue code expects an event that means "stop": waiting ends early, without stopping."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._called = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, name: str, watch: Callable[["Lookout"], None]) -> None:
        """Run the watch in a thread until it is stopped; one that ends by itself is begun again."""

        def run() -> None:
            while not self._stopped.is_set():
                try:
                    watch(self)
                except Exception:
                    logger.exception("queue_watch_failed", extra={"queue": name})
                self._stopped.wait(_AGAIN_SECONDS)

        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()

    def call(self) -> None:
        """Let the thread look now; a call while it looks makes it look once more."""
        self._called.set()

    def stop(self) -> None:
        """End the watch and wait for its thread; may be called when it was never started."""
        self._stopped.set()
        self._called.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def is_set(self) -> bool:
        """Say whether it is stopped."""
        return self._stopped.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until called, at most for the time; say whether it is stopped."""
        self._called.wait(timeout)
        if not self._stopped.is_set():
            self._called.clear()
        return self._stopped.is_set()
