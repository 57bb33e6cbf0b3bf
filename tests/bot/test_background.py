"""What follows an ack waits while others are at theirs, though not for ever, and nothing of it is lost at the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from bot.show import Background


class _Hasty(Background):
    """A twin that begins at once."""

    async def _behind_acks(self, work: Coroutine[Any, Any, None]) -> None:
        await work


async def _order(background: Background) -> list[str]:
    """Let one request end and leave work behind while another is still at its ack."""
    happened: list[str] = []

    async def follow() -> None:
        happened.append("follow")

    with background.acking():
        with background.acking():
            background.start(follow())
        for _ in range(5):
            await asyncio.sleep(0)
        happened.append("ack")
    await background.drain(5.0)
    return happened


async def test_acks_come_first() -> None:
    assert await _order(Background(patience=60)) == ["ack", "follow"]


async def test_work_that_does_not_wait_would_be_seen() -> None:
    assert await _order(_Hasty()) == ["follow", "ack"]


async def test_acks_without_a_pause_hold_nothing_back_for_ever() -> None:
    background, done = Background(patience=0.01), asyncio.Event()

    async def follow() -> None:
        done.set()

    with background.acking():
        background.start(follow())
        await asyncio.wait_for(done.wait(), 60)


async def test_work_that_never_had_its_turn_ends_quietly() -> None:
    background = Background(patience=60)

    async def follow() -> None:
        raise AssertionError("its turn never came")

    with background.acking():
        background.start(follow())
        await background.drain(0.0)
        await asyncio.sleep(0)
    background.start(asyncio.sleep(0))
    await background.drain(5.0)
