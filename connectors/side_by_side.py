"""Several reads at once: in order with a window, or all together with one decisive error."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from connectors.errors import ConnectorError, worst

T = TypeVar("T")


async def in_order(calls: Iterable[Callable[[], Awaitable[T]]], width: int) -> AsyncIterator[T]:
    """Yield the results in the order of the calls, with at most ``width`` begun and not yet taken."""
    waiting: deque[asyncio.Task[T]] = deque()
    source = iter(calls)

    def begin() -> None:
        for call in source:
            waiting.append(asyncio.ensure_future(_run(call)))
            if len(waiting) >= width:
                return

    try:
        begin()
        while waiting:
            result = await waiting[0]
            waiting.popleft()
            begin()
            yield result
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _run(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """Run all; when some fail, stop the others and raise the error that decides."""
    tasks: list[asyncio.Task[T]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_await(call)) for call in calls]
    except* ConnectorError as failed:
        raise worst(_leaves(failed)) from None
    return [task.result() for task in tasks]


async def _await(call: Awaitable[T]) -> T:
    return await call


def _leaves(group: BaseExceptionGroup[ConnectorError]) -> list[ConnectorError]:
    found: list[ConnectorError] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
