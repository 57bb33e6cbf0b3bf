"""What a story does to the product itself, however many processes it runs as: lose a schedule, stop a clock, kill."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from bot.main import App


class Within(Protocol):
    """The inside of a running product."""

    @property
    def kills(self) -> bool:
        """Whether one of its processes is to be killed while it works."""
        ...

    async def loses_slots_of(self, source_ids: Collection[str]) -> None:
        """Lose the slots of these sources, and of no others, on their way from any clock, without a word."""
        ...

    async def has_looked(self, since: datetime) -> bool:
        """Whether since then every clock has beaten and submitted what is due, and every ledger has looked."""
        ...

    async def clocks_beat(self, *, beating: bool) -> None:
        """Let every clock stand still, or run again, soon; processes, and the threads of their ledgers, live on."""
        ...

    async def clocks_are(self, *, beating: bool) -> bool:
        """Whether every clock does by now what was wished."""
        ...

    async def kill_whoever_works_on(self, subject: str) -> str | None:
        """End the process that works on it as by a power cut; return its name, or None while none does."""
        ...


class OneProcess:
    """The product as this very process."""

    kills = False

    def __init__(self, app: App, forgotten: set[str]) -> None:
        self._app = app
        self._forgotten = forgotten
        self._beating = True

    async def loses_slots_of(self, source_ids: Collection[str]) -> None:
        """Lose them from now on."""
        self._forgotten.clear()
        self._forgotten.update(source_ids)

    async def has_looked(self, since: datetime) -> bool:
        """Let the ledger look once the clock has submitted what is due."""
        due = self._app.clockwork.next_due
        if due is not None and due <= max(since, self._app.clock.now()):
            return False
        await self._app.jobs.beat.sweep()()
        await asyncio.to_thread(self._app.jobs.ledger.tick)
        return True

    async def clocks_beat(self, *, beating: bool) -> None:
        """Stop or start the one clock."""
        await (self._app.clockwork.start() if beating else self._app.clockwork.stop())
        self._beating = beating

    async def clocks_are(self, *, beating: bool) -> bool:
        """Whether the one clock does."""
        return self._beating is beating

    async def kill_whoever_works_on(self, _subject: str) -> str | None:
        """Nobody is killed who plays alone."""
        return None
