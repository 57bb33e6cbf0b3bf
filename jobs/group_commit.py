"""Group commit: requests that wait at the same moment share one transaction, and so one wait for the disk.

SQLite lets one writer in at a time. Four threads that fight for the lock sleep more than they work, and each commit
waits for the disk alone. Here one thread takes whatever waits, runs each request behind a savepoint of its own, commits
once, and only then says to each that it is done.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from jobs.errors import UnavailableError, unavailable
from jobs.waiting import Ended, Waiting, tell
from storage.sessions import Database, DatabaseBusyError, Session, translated

T = TypeVar("T")

_MOST_TOGETHER = 32
#: What was accepted before is written a few at a time, so that who waits for an ack waits for few of them.
_MOST_BEHIND = 16


class GroupCommit:
    """The one writing thread of a process's listeners."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        #: None ends the thread
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._behind: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="desk-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Session], T], *, plain: bool = False) -> T:
        """Write and return after the commit. UnavailableError: nothing was written.

        `plain` work is one statement that nothing but the database itself can refuse, and needs no savepoint.
        """
        waiting = Waiting(work, plain=plain)
        self._waiting.put(waiting)
        written: T = await waiting.done
        return written

    async def write_behind(self, work: Callable[[Session], T]) -> T:
        """Write when nobody else waits, however long that takes."""
        waiting = Waiting(work)
        self._behind.put(waiting)
        self._waiting.put(_NUDGE)
        written: T = await waiting.done
        return written

    def close(self) -> None:
        """Finish what waits and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not (self._ending and self._behind.empty()):
            batch = [one for one in self._batch() if self._in_time(one)]
            if batch:
                self._write_together(batch)
            elif not self._behind.empty():
                self._write_behind()

    def _batch(self) -> list[Waiting]:
        """Return what waits; wait for it when nothing else is to be done."""
        batch: list[Waiting] = []
        patient = self._behind.empty() and not self._ending
        while len(batch) < _MOST_TOGETHER:
            try:
                one = self._waiting.get(block=patient and not batch)
            except queue.Empty:
                break
            if one is None:
                self._ending = True
                break
            if one is _NUDGE:
                patient = False
                continue
            batch.append(one)
        return batch

    def _in_time(self, one: Waiting) -> bool:
        # Whoever asked may have gone; what nobody waits for is not begun.
        if one.done.cancelled():
            return False
        # A commit that ends late is still told as done; one that would begin late is not begun.
        if time.monotonic() - one.asked <= self._seconds:
            return True
        tell([(one, None, UnavailableError("the database was busy for too long"))])
        return False

    def _write_together(self, batch: list[Waiting]) -> None:
        def work(session: Session, ended: list[Ended]) -> None:
            ended.extend(_outcome(session, one) for one in batch)

        self._write(work, batch)

    def _write_behind(self) -> None:
        taken = [self._behind.get()]

        def work(session: Session, ended: list[Ended]) -> None:
            ended.append(_outcome(session, taken[0]))
            while len(taken) < _MOST_BEHIND and self._waiting.empty() and not self._behind.empty():
                taken.append(self._behind.get())
                ended.append(_outcome(session, taken[-1]))

        self._write(work, taken)

    def _write(self, work: Callable[[Session, list[Ended]], None], asked: list[Waiting]) -> None:
        ended: list[Ended] = []
        try:
            with translated(), self._database.write() as session:
                work(session, ended)
        except DatabaseBusyError as error:
            tell((one, None, unavailable(error)) for one in asked)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: each waiting request is told
            tell((one, None, error) for one in asked)
        else:
            tell(ended)


#: Wakes the thread for what waits behind.
_NUDGE: Any = object()


def _outcome(session: Session, one: Waiting) -> Ended:
    if one.plain:
        return one, one.work(session), None
    try:
        with translated(), session.begin_nested():
            return one, one.work(session), None
    except DatabaseBusyError:
        # The whole transaction is in doubt, not this request alone.
        raise
    except Exception as error:  # noqa: BLE001 - told to the one who asked; the others go on
        return one, None, error
    finally:
        session.expunge_all()
