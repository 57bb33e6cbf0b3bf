"""The beat of a process's clock: each one says when the next is due, so that its absence is an event."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from jobs.heartbeat import steady
from storage.facts.clock import Clock
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.ids import new_id
from storage.records import expectations
from storage.sessions import Database, Session

#: How often the clock beats, and for how long nothing may be heard of it.
EVERY = 10.0
SILENCE = timedelta(seconds=60)


class ClockBeat:
    """Beats for this process while its clock does; `stopped` says that it ends in order."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.process = new_id("clk")
        self._beaten: float | None = None

    def sweep(self) -> Callable[[], Awaitable[None]]:
        """Return what the clock runs."""

        async def sweep() -> None:
            await self._database.writing(self._beat)
            self._beaten = steady()

        return sweep

    async def stopped(self) -> None:
        """Expect no further beat of this process."""
        await self._database.writing(self._stop)

    def silent_seconds(self) -> float | None:
        """Return for how long this process's clock has not beaten; None before its first beat, and without a clock."""
        return None if self._beaten is None else steady() - self._beaten

    def _beat(self, session: Session) -> None:
        now = self._clock.now()
        due_at = now + timedelta(seconds=EVERY)
        expectations.beat(
            session,
            Expected(ExpectationKind.HEARTBEAT, self.process, now.isoformat(), due_at, alarm_at=now + SILENCE),
        )

    def _stop(self, session: Session) -> None:
        now = self._clock.now()
        drop = partial(expectations.void, session, now=now)
        for found in expectations.unsettled(session, ExpectationKind.HEARTBEAT, [self.process]).values():
            for one in found:
                drop(one.id)
