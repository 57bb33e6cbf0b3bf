"""Readers who wait for the same thing share one look.

Nobody gets an answer from before they asked: who comes while a look is under way shares the next one, not that one.
Fifty people who ask at once cost two looks instead of fifty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: seconds that a look waits for more who would share it, as long as somebody came in the last moment; the first look
#: begins at once
_GATHERING = 0.008
_MOMENT = 0.001


@dataclass
class _Line(Generic[T]):
    """The look that is under way, and the one that begins when it ends."""

    running: asyncio.Task[T]
    following: asyncio.Task[T] | None = None
    #: how many share the one that begins
    sharing: int = 0


class Together(Generic[T]):
    """Shared looks, by what is looked at."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line[T]] = {}

    async def look(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what a look that begins from now on gives; its error goes to everybody who shares it."""
        line = self._lines.get(what)
        if line is None:
            line = self._lines[what] = _Line(asyncio.create_task(self._run(what, work, None)))
            return await asyncio.shield(line.running)
        line.sharing += 1
        if line.following is None:
            line.following = asyncio.create_task(self._run(what, work, line.running))
        return await asyncio.shield(line.following)

    async def _run(self, what: Hashable, work: Callable[[], Awaitable[T]], before: asyncio.Task[T] | None) -> T:
        line = self._lines[what] if before is None else await self._gathered(what, before)
        try:
            return await work()
        finally:
            if line.following is None:
                del self._lines[what]

    async def _gathered(self, what: Hashable, before: asyncio.Task[T]) -> _Line[T]:
        """Wait for the look before, and a little for whoever is being answered by it: they may ask again at once."""
        await asyncio.wait([before])
        line, seen = self._lines[what], 0
        latest = asyncio.get_running_loop().time() + _GATHERING
        while line.sharing > seen and asyncio.get_running_loop().time() < latest:
            seen = line.sharing
            await asyncio.sleep(_MOMENT)
        if line.following is not None:
            line.running, line.following, line.sharing = line.following, None, 0
        return line
