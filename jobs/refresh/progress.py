"""Progress while a connector reads: written at most every two seconds, and the moment to notice a cancel."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from jobs.refresh.outcome import CancelledByPersonError, FencedError
from storage.facts.clock import Clock
from storage.facts.runs import RunState
from storage.records import runs
from storage.sessions import Database, Session

T = TypeVar("T")

_WRITE_EVERY_SECONDS = 2.0


class Watch:
    """Watches one collection."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        run_id: str,
        generation: int,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._run_id = run_id
        self._generation = generation
        #: whether it waits for other readings of the same account
        self._waits = waits
        self._rows: dict[str, int] = {}
        self._expected: dict[str, int | None] = {}
        self._told = 0

    def progress(self, stream: str, rows: int, expected: int | None) -> None:
        """Note how far a stream is; cheap, called often."""
        # What a provider has written down comes once more, when we read it.
        self._rows[stream] = max(rows, self._rows.get(stream, 0))
        self._expected[stream] = expected

    async def over(self, reading: Coroutine[Any, Any, T]) -> T:
        """Run the reading to its end; stop it when a person cancels or another execution takes over."""
        task = asyncio.ensure_future(reading)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=_WRITE_EVERY_SECONDS)
                if done:
                    return task.result()
                await self._report()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _report(self) -> None:
        rows = sum(self._rows.values())
        known = any(self._expected.values())
        # Of streams that nobody counts what came is all that is known: the whole is "about" so many.
        all_told = sum(max(self._expected[name] or 0, came) for name, came in self._rows.items())
        expected = all_told if known else None

        def write(session: Session) -> bool:
            now = self._clock.now()
            values: dict[str, object] = {
                "rows": rows, "rows_expected": expected, "progress_at": now, "waits_turn": self._waits(),
            }  # fmt: skip
            if rows != self._told:
                # Being alive is not progress: a reading that hangs goes on reporting the same rows.
                values["moved_at"] = now
            return runs.advance(session, self._run_id, self._generation, **values)

        if not await self._database.writing(write):
            raise FencedError(self._run_id)
        self._told = rows
        run = await self._database.reading(lambda session: runs.run(session, self._run_id))
        if run.state is RunState.CANCELLING:
            raise CancelledByPersonError(self._run_id)
