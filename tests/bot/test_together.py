"""Shared looks: fewer of them, and never one from before the question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.together import Together
from tests.virtual import in_virtual_time


class Source:
    """Something that changes, and is slow to look at."""

    def __init__(self) -> None:
        self.value = 0
        self.looks = 0

    async def look(self) -> int:
        self.looks += 1
        seen = self.value
        await asyncio.sleep(0.005)
        return seen


class Stale(Together[int]):
    """The twin: shares the look that is under way."""

    async def look(self, what: Any, work: Callable[[], Awaitable[int]]) -> int:
        line = self._lines.get(what)
        return await (asyncio.shield(line.running.task) if line else super().look(what, work))


async def oldest_answers(together: Together[int]) -> int:
    """Change the source all the time and ask all the time; give how many answers were older than their question."""
    source, old = Source(), 0

    async def ask() -> None:
        nonlocal old
        known = source.value
        old += await together.look("x", source.look) < known

    asked = []
    for _ in range(200):
        source.value += 1
        asked.append(asyncio.create_task(ask()))
        await asyncio.sleep(0.0005)
    await asyncio.gather(*asked)
    assert source.looks < 100
    return old


@in_virtual_time
async def test_no_answer_is_older_than_its_question() -> None:
    assert await oldest_answers(Together()) == 0


@in_virtual_time
async def test_the_twin_that_shares_a_running_look_is_caught() -> None:
    assert await oldest_answers(Stale()) > 0


@in_virtual_time
async def test_fifty_at_once_need_one_look_and_leave_nothing_behind() -> None:
    together: Together[int] = Together()
    source = Source()
    await asyncio.gather(*(together.look("x", source.look) for _ in range(50)))
    assert source.looks == 1
    assert not together._lines


@in_virtual_time
async def test_who_comes_within_the_same_turns_of_the_loop_shares_the_first_look() -> None:
    together: Together[int] = Together()
    source = Source()

    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await together.look("x", source.look)

    await asyncio.gather(*(after(turns) for turns in range(20)))
    assert source.looks == 1


async def test_gathering_ends_though_more_come_all_the_time() -> None:
    together: Together[int] = Together()
    source = Source()
    loop = asyncio.get_running_loop()
    first = asyncio.create_task(together.look("x", source.look))
    others, latest = [], loop.time() + 60
    while not source.looks and loop.time() < latest:
        others.append(asyncio.create_task(together.look("x", source.look)))
        await asyncio.sleep(0)
    assert source.looks == 1
    assert await first == 0
    await asyncio.gather(*others)


@in_virtual_time
async def test_different_things_are_not_shared() -> None:
    together: Together[int] = Together()
    first, second = Source(), Source()
    second.value = 7
    both = await asyncio.gather(together.look("a", first.look), together.look("b", second.look))
    assert list(both) == [0, 7]


@in_virtual_time
async def test_an_error_reaches_everybody_and_does_not_stay() -> None:
    together: Together[int] = Together()

    async def broken() -> int:
        await asyncio.sleep(0.001)
        raise OSError("down")

    outcomes = await asyncio.gather(*(together.look("x", broken) for _ in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {OSError}
    assert await together.look("x", Source().look) == 0


@in_virtual_time
async def test_one_who_gives_up_does_not_spoil_it() -> None:
    together: Together[int] = Together()
    source = Source()
    first = asyncio.create_task(together.look("x", source.look))
    second = asyncio.create_task(together.look("x", source.look))
    third = asyncio.create_task(together.look("x", source.look))
    await asyncio.sleep(0.001)
    first.cancel()
    second.cancel()
    assert await third == 0
    with pytest.raises(asyncio.CancelledError):
        await first
