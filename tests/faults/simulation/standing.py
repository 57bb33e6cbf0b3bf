"""Two processes over one database: one stands still in the middle of its work, is taken for dead, and goes on later.

What it was at is given back and done by the other one, with a memory of its own. When the first one wakes it finishes
what it was at as if nothing had happened, or is killed. Whatever it writes then must not count.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.build import Jobs
from jobs.engine import Handler
from jobs.work import Work
from storage.sessions import Database
from tests.faults.simulation.clock import VirtualClock
from tests.faults.simulation.engine import OnError, SmallEngine
from tests.faults.simulation.quick import straighten
from tests.faults.simulation.world import Simulated


class Halting(SmallEngine):
    """An engine whose worker may stand still between two steps, and in the middle of a read."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        super().__init__(database, clock)
        #: it stands still at that many more places from now; None: it goes on
        self.stands_in: int | None = None
        #: what stands still
        self.still: asyncio.Task[None] | None = None
        self._go = asyncio.Event()
        self._stands = asyncio.Event()

    async def pause(self) -> None:
        """Stand still here when it is time to."""
        if self.stands_in is None or self.still is not None:
            return
        self.stands_in -= 1
        if self.stands_in < 0:
            self.stands_in = None
            self._go.clear()
            self._stands.set()
            await self._go.wait()

    async def run(self, work: Work, handlers: Mapping[str, Handler], on_error: OnError) -> None:
        """Run it to its end, or until it stands still: then it is given back, and `still` is what stands."""
        task = asyncio.ensure_future(super().run(work, handlers, on_error))
        stands = asyncio.ensure_future(self._stands.wait())
        await asyncio.wait({task, stands}, return_when=asyncio.FIRST_COMPLETED)
        stands.cancel()
        if task.done():
            task.result()
            return
        self._stands.clear()
        self.still = task
        self.epoch += 1
        self.give_back()

    async def wake(self, *, dies: bool) -> None:
        """Let what stands still go on to its end, or die where it is."""
        task, self.still = self.still, None
        if task is None:
            return
        if dies:
            task.cancel()
        self._go.set()
        await asyncio.wait({task})
        if not task.cancelled():
            # It may have died of itself.
            task.exception()


@dataclass
class Still:
    """A process that stands still."""

    jobs: Jobs
    until: datetime


@dataclass
class Standing(Simulated):
    """A world of which one process may stand still."""

    #: how often one stood still
    stills: int = 0
    _still: Still | None = None
    _until: datetime | None = None
    _dies: bool = False

    @classmethod
    def around(cls, database: Database) -> tuple[VirtualClock, Callable[[Database, VirtualClock], Halting]]:
        """Return an engine whose workers may stand still."""
        clock, _ = super().around(database)
        return clock, Halting

    def stand_still(self, places: int, until: datetime, *, dies: bool) -> None:
        """Let the process stand still after so many places, until then; it may die where it stands."""
        if self._still is None:
            self.engine.stands_in, self._until, self._dies = places, until, dies

    async def bind(self) -> None:
        """Connect the process that begins to the engine: it may act for as long as it is not taken for dead."""
        straighten(self.jobs.desk, self.database)
        epoch = self.engine.epoch
        self.jobs.engine.bind(self.engine.enqueue, self.engine.status, lambda: self.engine.epoch == epoch)
        for account in self.providers.accounts.values():
            account.reading = self.engine.pause

    async def end(self) -> None:
        """End both processes."""
        await self.engine.wake(dies=True)
        if self._still is not None:
            await self._still.jobs.close()
            self._still = None
        await super().end()

    async def _step(self, until: datetime) -> None:
        if self._still is not None and self.clock.now() >= self._still.until:
            await self.engine.wake(dies=self._dies)
            woken, self._still = self._still, None
            await woken.jobs.close()
            return
        await super()._step(until)
        if self.engine.still is not None and self._still is None:
            assert self._until is not None
            self.stills += 1
            self._still = Still(self.jobs, self._until)
            self._last.clear()
            await self.begin()
