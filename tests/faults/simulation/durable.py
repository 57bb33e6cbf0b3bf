"""The simulation through the real engine: DBOS' own queues, steps and recovery, behind what the small engine offers.

Here work runs at once where it may, in threads and on the loop, as in a process of the product. Time stands still as
long as the engine has anything to do: it moves when everybody who works waits for it, or when nothing is left to be
done. A process that dies takes everything with it that ran: the next one has an engine of its own, which finds what
was left. Which work comes first is the engine's, so a seed tells much the same story again, but not word for word.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import text

from jobs.build import Jobs
from jobs.engine import Engine, Handler, OnError, Timings, WorkContext
from jobs.reaper import Held
from jobs.work import Work
from storage.facts.clock import SystemClock
from storage.sessions import Database
from tests.faults.simulation.clock import VirtualClock
from tests.faults.simulation.engine import DiedError
from tests.faults.simulation.world import Simulated

#: Finished work stays as long as the product keeps it by its own clock; here months pass.
TIMINGS = Timings(keep=timedelta(days=3650))
#: In the middle of what the clock starts first.
FIRST_DEATH = 40
#: How long work may take, in real seconds, until something hangs.
_PATIENCE = 60.0
_LOOK_SECONDS = 0.02
#: Somebody may wait for one who sleeps: time then moves after so long, in real seconds.
_STILL_SECONDS = 0.5
_ANY = Work("any", "any")
_STANDING = (
    "SELECT status, executor_id, count(*) AS pieces, min(delay_until_epoch_ms) AS until FROM {table}"
    " WHERE status IN ('DELAYED', 'ENQUEUED', 'PENDING') GROUP BY status, executor_id"
)


class PatientClock(VirtualClock):
    """Time that passes for sleepers when everybody who is at work sleeps."""

    def __init__(self) -> None:
        super().__init__()
        #: returns how many are at work, sleepers included
        self.at_work: Callable[[], int] = lambda: 0
        self._wakes: list[datetime] = []

    async def sleep(self, seconds: float) -> None:
        wake, still = self.now() + timedelta(seconds=seconds), time.monotonic() + _STILL_SECONDS
        self._wakes.append(wake)
        try:
            while self.now() < wake:
                if len(self._wakes) >= self.at_work() or time.monotonic() > still:
                    self.advance_to(min(self._wakes))
                await asyncio.sleep(0 if self.now() >= wake else _LOOK_SECONDS)
        finally:
            self._wakes.remove(wake)


class Forgetful(Engine):
    """Twin: gives nothing back of what a dead process was at."""

    def requeue(self, _held: Held) -> bool:
        return False


class RealEngine:
    """Outlives the processes as the database does; each of them has an engine."""

    def __init__(self, database: Database, clock: PatientClock, kind: type[Engine] = Engine) -> None:
        self._database, self._clock, self._kind = database, clock, kind
        table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
        self._look = text(_STANDING.format(table=table))
        self._engine: Engine | None = None
        #: somebody else than the engine does something
        self._others = 1
        self._died = threading.Event()
        #: called where a process may die
        self.point: Callable[[str], None] = lambda _name: None
        self.handled = 0
        #: pieces of work that processes left behind when they died
        self.left_behind = 0

    async def begin(self, jobs: Jobs) -> None:
        """Let a process have its engine, and the engine look for what was left behind."""
        self._died.clear()
        engine = self._kind(
            self._database,
            SystemClock(),
            handlers={kind: self._counted(handler) for kind, handler in jobs.handlers.items()},
            crash=self.point,
            timings=TIMINGS,
            on_error=jobs.on_error,
        )
        jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
        self.left_behind += len(engine.held())
        await engine.launch()
        self._engine = engine
        self._clock.at_work = lambda: len(engine.running_here()) + self._others
        # Its own thread looks as well; which of the two finds something is no matter.
        await asyncio.to_thread(engine._reaper.tick)

    async def end(self) -> None:
        """Take the engine away, with all that it runs."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.close(drain_seconds=0.0)

    def dies(self) -> None:
        """Note that the process is at its end, whoever of those that work came to it."""
        self._died.set()

    def due(self) -> tuple[datetime, Work] | None:
        """Return when there is something to be done; which work it is, the engine decides."""
        queued, running, until = self._standing()
        if queued or running or self._died.is_set():
            return self._clock.now(), _ANY
        return None if until is None else (until, _ANY)

    async def run(self, _work: Work, _handlers: Mapping[str, Handler], _on_error: OnError) -> None:
        """Let the engine work until nothing is left to be done now; DiedError when the process dies meanwhile."""
        patience = time.monotonic() + _PATIENCE
        self._others = 0
        try:
            while True:
                if self._died.is_set():
                    raise DiedError
                queued, running, until = await asyncio.to_thread(self._standing)
                due = until is not None and until <= self._clock.now()
                if not (queued or running or due):
                    return
                assert time.monotonic() < patience, f"the engine does not come to an end: {self._standing_still()}"
                if queued or due:
                    await asyncio.to_thread(self._wake, due=due)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._others = 1

    def _standing(self) -> tuple[int, int, datetime | None]:
        """Return how much waits, how much runs, and when the next delay is over."""
        assert self._engine is not None, "no process lives"
        queued, running, until = 0, 0, None
        with self._database.read() as session:
            for row in session.connection().execute(self._look):
                if row.status == "DELAYED":
                    # To the engine the present instant is whole milliseconds, cut off.
                    until = datetime.fromtimestamp(row.until / 1000, UTC) + timedelta(milliseconds=1)
                elif row.status == "ENQUEUED":
                    queued += row.pieces
                elif self._counts(row.executor_id):
                    running += row.pieces
        return queued, running, until

    def _counts(self, executor_id: str) -> bool:
        """Whether what that process holds will come to an end."""
        return self._engine is not None and executor_id == self._engine.executor_id

    def _standing_still(self) -> list[str]:
        assert self._engine is not None
        rows = self._engine._client.list_workflows(status=["ENQUEUED", "PENDING", "DELAYED"], load_input=False)
        return [f"{row.workflow_id} {row.status} {row.executor_id} {row.queue_name}" for row in rows]

    def _wake(self, *, due: bool) -> None:
        """Do at once what the engine does once a second and four times a second: end delays, look into the queues."""
        assert self._engine is not None
        if due:
            self._engine._client._sys_db.transition_delayed_workflows()
        for lookout in self._engine._lookouts.values():
            lookout.call()

    def _counted(self, handler: Handler) -> Handler:
        async def handle(work: WorkContext) -> None:
            self.handled += 1
            await handler(work)

        return handle


class Durable(Simulated):
    """The simulation with the real engine, and with what goes with it: threads, the desk's own, and the disk."""

    kind: ClassVar[type[Engine]] = Engine
    #: the first process dies at that point, whatever is drawn; None: when it is drawn
    first_death: ClassVar[int | None] = FIRST_DEATH

    @classmethod
    def around(cls, _database: Database) -> tuple[VirtualClock, Callable[[Database, VirtualClock], Any]]:
        clock = PatientClock()
        return clock, lambda database, _clock: RealEngine(database, clock, cls.kind)

    async def bind(self) -> None:
        await self.engine.begin(self.jobs)
        if not self.deaths:
            self.dies_in = self.first_death

    async def end(self) -> None:
        await self.engine.end()
        await self.jobs.close()

    def point(self, name: str) -> None:
        try:
            super().point(name)
        except DiedError:
            self.engine.dies()
            raise


class Stranded(Durable):
    """Twin: nobody goes on with what a dead process was at."""

    kind = Forgetful
    first_death = None
