"""The listeners' own small executor and connections: a click is never queued behind a worker's transaction."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jobs.errors import UnavailableError, unavailable
from jobs.group_commit import GroupCommit
from jobs.group_read import GroupRead
from storage.sessions import Database, DatabaseBusyError, Session, open_database

T = TypeVar("T")

LISTENER_SECONDS = 2.0
_THREADS = 4


class Desk:
    """Runs the one short transaction of a request; what cannot begin in time does not begin at all."""

    def __init__(self, url: str, *, seconds: float = LISTENER_SECONDS) -> None:
        self._database: Database = open_database(url, busy_seconds=seconds, pool_size=_THREADS)
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="desk")
        self._seconds = seconds
        self._readers = GroupRead(self._database, seconds, _THREADS)
        self._together = GroupCommit(self._database, seconds) if self._database.is_sqlite else None

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run the work in one write transaction; UnavailableError means that nothing was written."""
        if self._together is not None:
            return await self._together.write(work)
        return await self._run(lambda: self._database.in_write(work))

    async def accept(self, work: Callable[[Session], T]) -> T:
        """Run one statement that only the database itself can refuse; else as `write`, but cheaper."""
        if self._together is not None:
            return await self._together.write(work, plain=True)
        return await self._run(lambda: self._database.in_write(work))

    async def write_behind(self, work: Callable[[Session], T]) -> T:
        """Run the work in a write transaction, behind whatever else waits; UnavailableError: nothing was written."""
        if self._together is not None:
            return await self._together.write_behind(work)
        return await self._run(lambda: self._database.in_write(work), patient=True)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run the work on a read session, which never waits for a writer."""
        return await self._readers.read(work)

    async def _run(self, work: Callable[[], T], *, patient: bool = False) -> T:
        asked = time.monotonic()

        def in_time() -> T:
            # A commit that ends late is still told as done; one that would begin late is not begun.
            if not patient and time.monotonic() - asked > self._seconds:
                raise UnavailableError("no thread was free in time")
            return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, in_time)
        except DatabaseBusyError as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Finish what runs and close the connections."""
        if self._together is not None:
            self._together.close()
        self._readers.close()
        self._executor.shutdown(wait=True)
        self._database.close()
