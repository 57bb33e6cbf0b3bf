"""Waiting for the truth: look until it is there, or fail at a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], T | Awaitable[T | None] | None], *, seconds: float = 60, every: float = 0.02
) -> T:
    """Return the first truthy thing that `look` gives; TimeoutError with the last one after that many seconds.

    Looks cost processor time that what is waited for needs as well, so they become rarer, four times at most.
    """
    rarest = every * 4
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s; the last look gave {found!r}")
        await asyncio.sleep(every)
        every = min(every * 1.25, rarest)
