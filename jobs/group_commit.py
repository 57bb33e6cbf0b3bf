"""Group commit: requests that wait at the same moment share one transaction, and so one wait for the disk.

SQLite lets one writer in at a time. Four threads that fight for the lock sleep more than they work, and each commit
waits for the disk alone. Here one thread takes whatever waits, runs each request behind a savepoint of its own, commits
once, and only then says to each that it is done.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from jobs.errors import UnavailableError, unavailable
from storage.sessions import Database, DatabaseBusyError, Session, translated

_MOST_TOGETHER = 32


@dataclass
class _Request:
    work: Callable[[Session], Any]
    done: Future[Any] = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)


class GroupCommit:
    """The one writing thread of a process's listeners."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._waiting: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="desk-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Session], Any]) -> Future[Any]:
        """Ask for a write; the future ends after the commit. UnavailableError: nothing was written."""
        request = _Request(work)
        self._waiting.put(request)
        return request.done

    def close(self) -> None:
        """Finish what waits and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < _MOST_TOGETHER:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._waiting.put(None)
                    break
                batch.append(following)
            self._write_together([request for request in batch if self._in_time(request)])

    def _in_time(self, request: _Request) -> bool:
        if not request.done.set_running_or_notify_cancel():
            # Whoever asked has gone; what nobody waits for is not begun.
            return False
        # A commit that ends late is still told as done; one that would begin late is not begun.
        if time.monotonic() - request.asked <= self._seconds:
            return True
        request.done.set_exception(UnavailableError("the database was busy for too long"))
        return False

    def _write_together(self, batch: list[_Request]) -> None:
        ended: list[tuple[_Request, Any, BaseException | None]] = []
        if not batch:
            return
        try:
            with translated(), self._database.write() as session:
                ended.extend((request, *_behind_a_savepoint(session, request.work)) for request in batch)
        except DatabaseBusyError as error:
            for request in batch:
                request.done.set_exception(unavailable(error))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: each waiting request is told
            for request in batch:
                request.done.set_exception(error)
        else:
            for request, result, failure in ended:
                if failure is None:
                    request.done.set_result(result)
                else:
                    request.done.set_exception(failure)


def _behind_a_savepoint(session: Session, work: Callable[[Session], Any]) -> tuple[Any, BaseException | None]:
    try:
        with translated(), session.begin_nested():
            return work(session), None
    except DatabaseBusyError:
        # The whole transaction is in doubt, not this request alone.
        raise
    except Exception as error:  # noqa: BLE001 - told to the one who asked; the others go on
        return None, error
    finally:
        session.expunge_all()
