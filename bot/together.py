"""Readers who wait for the same thing share one look.

Nobody gets an answer from before they asked: who comes while a look is under way shares the next one, not that one.
Fifty people who ask at once cost two looks instead of fifty.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: seconds between two looks at the same thing; the first one begins at once
_GATHERING = 0.008


@dataclass
class _Line(Generic[T]):
    """The look that is under way, and the one that begins when it ends."""

    running: asyncio.Task[T]
    following: asyncio.Task[T] | None = None


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
        if line.following is None:
            line.following = asyncio.create_task(self._run(what, work, line.running))
        return await asyncio.shield(line.following)

    async def _run(self, what: Hashable, work: Callable[[], Awaitable[T]], before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
            # Whoever is being answered now may ask again at once: some more share the look that way.
            await asyncio.sleep(_GATHERING)
        line = self._lines[what]
        if before is not None and line.following is not None:
            line.running, line.following = line.following, None
        try:
            return await work()
        finally:
            if line.following is None:
                del self._lines[what]
