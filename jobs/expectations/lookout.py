"""A thread that sweeps the ledger beside the clock: a clock that stands still must not be the only one to notice."""

import logging
import threading

from jobs.expectations.ledger import Ledger

logger = logging.getLogger(__name__)

#: Seconds between two looks; the clock looks more often while it runs.
EVERY = 20.0


class LedgerThread:
    """Looks regularly, whatever the event loop and its clock do."""

    def __init__(self, ledger: Ledger, every: float = EVERY) -> None:
        self._ledger = ledger
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidings-ledger", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a look that runs may end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._ledger.tick()
            except Exception:  # the edge of a thread: the next look finds what this one did not
                logger.exception("ledger_failed")
