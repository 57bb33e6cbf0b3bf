"""Readers who wait for the same thing share one look.

Nobody gets an answer from before they asked: who comes while a look is under way shares the next one, not that one.
Fifty people who ask at once cost one or two looks instead of fifty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: seconds that a look waits for more who would share it, as long as somebody came in the last moment: fifty who ask at
#: once are read and checked one after the other, and whoever was answered by the look before may ask again at once
_GATHERING = 0.016
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
            before = None if line is None else line.running.task
            if line is None:
                self._lines[what] = _Line(look)
            else:
                line.following = look
            look.task = asyncio.create_task(self._run(what, work, before))
        look.sharing += 1
        return await asyncio.shield(look.task)

    async def _run(self, what: Hashable, work: Callable[[], Awaitable[T]], before: asyncio.Task[T] | None) -> T:
        line = self._lines[what]
        if before is not None:
            await asyncio.wait([before])
            assert line.following is not None
            line.running, line.following = line.following, None
        await _gathered(line.running)
        line.running.begun = True
        try:
            return await work()
        finally:
            if line.following is None:
                del self._lines[what]


async def _gathered(look: _Look[T]) -> None:
    """Return when nobody more came for a moment, or after all the time that is given."""
    seen = 0
    latest = asyncio.get_running_loop().time() + _GATHERING
    while look.sharing > seen and asyncio.get_running_loop().time() < latest:
        seen = look.sharing
        await asyncio.sleep(_MOMENT)
