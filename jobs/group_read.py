"""Group reads: questions that wait at the same moment are asked in one session.

A session, its connection and its transaction cost more than what a click asks, and each question alone wakes a thread.
A few threads take whatever waits; what they read began after every question of the group was asked.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from jobs.errors import UnavailableError
from jobs.waiting import Ended, Waiting, tell
from storage.sessions import Database, DatabaseBusyError, Session, translated

T = TypeVar("T")

_MOST_TOGETHER = 16


class GroupRead:
    """The reading threads of a process's listeners."""

    def __init__(self, database: Database, seconds: float, threads: int) -> None:
        self._database = database
        self._seconds = seconds
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"desk-reader-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Return what the work returns, or raise what it raised (UnavailableError: too late)."""
        question = Waiting(work)
        self._waiting.put(question)
        found: T = await question.done
        return found

    def close(self) -> None:
        """Answer what waits and end the threads."""
        self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while len(group) < _MOST_TOGETHER:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._waiting.put(None)
                    break
                group.append(following)
            self._read_together(group)
        # The next thread ends too.
        self._waiting.put(None)

    def _read_together(self, group: list[Waiting]) -> None:
        ended: list[Ended] = []
        try:
            with self._database.read() as session:
                ended.extend(self._answer(session, question) for question in group)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever has no answer yet is told
            failure = f"{type(error).__name__} at the end of a read"
            ended.extend((question, None, UnavailableError(failure)) for question in group[len(ended) :])
        tell(ended)

    def _answer(self, session: Session, question: Waiting) -> Ended:
        if question.done.cancelled() or time.monotonic() - question.asked > self._seconds:
            return question, None, UnavailableError("its turn did not come in time")
        try:
            with translated():
                found = question.work(session)
        except DatabaseBusyError as error:
            failure: Exception = UnavailableError(str(error))
            failure.__cause__ = error
        except Exception as error:  # noqa: BLE001 - the edge of a thread: told to the one who asked
            failure = error
        else:
            # What one question loaded is nothing to the next, which may have been asked by another organization.
            session.expunge_all()
            return question, found, None
        # A failed statement may have ended the transaction; the next question begins one of its own.
        session.rollback()
        session.expunge_all()
        return question, None, failure
