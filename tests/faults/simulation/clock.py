"""The clock of a simulation: it moves when it is told to, and whoever sleeps moves it."""

import asyncio
from datetime import UTC, datetime, timedelta

#: A Friday; the months after it hold a change of the clock in America and Europe, a leap day is left out.
BEGINNING = datetime(2026, 9, 25, 6, 0, tzinfo=UTC)


class VirtualClock:
    """Time as the simulation lets it pass."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Let that time pass at once: work is done one piece after the other, so nobody else waits meanwhile."""
        self._now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def advance_to(self, at: datetime) -> None:
        """Let time pass; never back."""
        self._now = max(self._now, at)
