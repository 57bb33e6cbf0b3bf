"""Blocking work off the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], executor: Executor | None = None) -> T:
    """Run the work in a thread of the executor, or of the loop's own one."""
    return await asyncio.get_running_loop().run_in_executor(executor, work)
