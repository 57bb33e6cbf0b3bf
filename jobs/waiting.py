"""Somebody on an event loop who waits for a thread; those who waited together are told together.

Each call into a loop from another thread wakes it and lets go of the interpreter: one call for a whole group costs a
tenth of one for each.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from storage.sessions import Session


class Waiting:
    """One piece of work that was asked for on the running loop."""

    __slots__ = ("asked", "done", "loop", "plain", "work")

    def __init__(self, work: Callable[[Session], Any], *, plain: bool = False) -> None:
        self.work = work
        self.plain = plain
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self.loop.create_future()
        self.asked = time.monotonic()


#: who waited, what came of it, or why nothing did
Ended = tuple[Waiting, Any, BaseException | None]


def tell(ended: Iterable[Ended]) -> None:
    """Say to each what came of it; from any thread. Whoever does not wait any more is not told."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Ended]] = defaultdict(list)
    for one in ended:
        by_loop[one[0].loop].append(one)
    for loop, some in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_set, some)


def _set(ended: Iterable[Ended]) -> None:
    for waiting, result, failure in ended:
        if waiting.done.done():
            continue
        if failure is None:
            waiting.done.set_result(result)
        else:
            waiting.done.set_exception(failure)
