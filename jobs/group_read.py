"""Group reads: questions that wait at the same moment are asked in one session.

A session, its connection and its transaction cost more than what a click asks, and each question alone wakes a thread.
A few threads take whatever waits; what they read began after every question of the group was asked.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from jobs.errors import UnavailableError
from storage.sessions import Database, DatabaseBusyError, Session, translated

_MOST_TOGETHER = 16


@dataclass
class _Question:
    work: Callable[[Session], Any]
    done: Future[Any] = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)


class GroupRead:
    """The reading threads of a process's listeners."""

    def __init__(self, database: Database, seconds: float, threads: int) -> None:
        self._database = database
        self._seconds = seconds
        self._waiting: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"desk-reader-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[Session], Any]) -> Future[Any]:
        """Ask; the future gives what the work returns, or raises what it raised (UnavailableError: too late)."""
        question = _Question(work)
        self._waiting.put(question)
        return question.done

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

    def _in_time(self, question: _Question) -> bool:
        if not question.done.set_running_or_notify_cancel():
            return False
        if time.monotonic() - question.asked <= self._seconds:
            return True
        question.done.set_exception(UnavailableError("its turn did not come in time"))
        return False

    def _read_together(self, group: list[_Question]) -> None:
        try:
            with self._database.read() as session:
                for question in group:
                    if self._in_time(question):
                        _answer(session, question)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: whoever has no answer yet is told
            for question in group:
                if not question.done.done():
                    question.done.set_exception(UnavailableError(f"{type(error).__name__} at the end of a read"))


def _answer(session: Session, question: _Question) -> None:
    try:
        with translated():
            found = question.work(session)
    except DatabaseBusyError as error:
        failure: Exception = UnavailableError(str(error))
        failure.__cause__ = error
    except Exception as error:  # noqa: BLE001 - the edge of a thread: told to the one who asked
        failure = error
    else:
        question.done.set_result(found)
        # What one question loaded is nothing to the next, which may have been asked by another organization.
        session.expunge_all()
        return
    # A failed statement may have ended the transaction; the next question begins one of its own.
    session.rollback()
    session.expunge_all()
    question.done.set_exception(failure)
