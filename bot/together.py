"""Readers who wait for the same thing share one look.

Nobody gets an answer from before they asked: who comes while a look is under way shares the next one, not that one.
Fifty people who ask at once cost one or two looks instead of fifty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: seconds that a look waits for more who would share it, as long as somebody came in the last moment
_GATHERING = 0.008
#: A moment, for a look that nobody was before: what has arrived already is read, checked and here after that many turns
#: of the loop. One who asks alone waits for no clock.
_TURNS = 3
#: A moment, after a look: seconds. Whoever was answered by it may ask again at once.
_MOMENT = 0.001


class _Look(Generic[T]):
    """One look: before it begins, more may come to share it."""

    task: asyncio.Task[T]

    def __init__(self) -> None:
        self.begun = False
        self.sharing = 0


@dataclass
class _Line(Generic[T]):
    """The look that is under way or about to begin, and the one after it."""

    running: _Look[T]
    following: _Look[T] | None = None

    def open(self) -> _Look[T] | None:
        """Return the look that one who comes now may share."""
        return self.following if self.running.begun else self.running


class Together(Generic[T]):
    """Shared looks, by what is looked at."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line[T]] = {}

    async def look(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what a look that begins from now on gives; its error goes to everybody who shares it."""
        line = self._lines.get(what)
        look = line.open() if line is not None else None
        if look is None:
            look = _Look()
            if line is None:
                self._lines[what] = _Line(look)
                look.task = asyncio.create_task(self._first(what, work))
            else:
                line.following = look
                look.task = asyncio.create_task(self._next(what, work, line.running.task))
        look.sharing += 1
        return await asyncio.shield(look.task)

    async def _first(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        line = self._lines[what]
        seen, quiet = 0, 0
        latest = asyncio.get_running_loop().time() + _GATHERING
        while quiet < _TURNS and asyncio.get_running_loop().time() < latest:
            quiet = 0 if line.running.sharing > seen else quiet + 1
            seen = line.running.sharing
            await asyncio.sleep(0)
        return await self._done(what, work, line)

    async def _next(self, what: Hashable, work: Callable[[], Awaitable[T]], before: asyncio.Task[T]) -> T:
        await asyncio.wait([before])
        line = self._lines[what]
        assert line.following is not None
        line.running, line.following = line.following, None
        seen = 0
        latest = asyncio.get_running_loop().time() + _GATHERING
        while line.running.sharing > seen and asyncio.get_running_loop().time() < latest:
            seen = line.running.sharing
            await asyncio.sleep(_MOMENT)
        return await self._done(what, work, line)

    async def _done(self, what: Hashable, work: Callable[[], Awaitable[T]], line: _Line[T]) -> T:
        line.running.begun = True
        try:
            return await work()
        finally:
            if line.following is None:
                del self._lines[what]
