"""Tokens are looked up once for everybody who waits, kept for a minute, and never longer."""

import asyncio
from datetime import timedelta

import pytest

from bot.replay import Seen
from bot.tokens import Tokens
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret


class Store:
    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def fetch(self, team_id: str) -> Secret | None:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.fails:
            raise OSError("down")
        return Secret("xoxb-1") if team_id == "T1" else None


async def test_fifty_at_once_ask_once() -> None:
    store = Store()
    tokens = Tokens(store.fetch, OffsetClock())
    found = await asyncio.gather(*(tokens.of("T1") for _ in range(50)))
    assert store.asked == 1
    assert set(found) == {Secret("xoxb-1")}


async def test_a_minute_later_it_is_asked_again_and_a_forgotten_one_at_once() -> None:
    store, clock = Store(), OffsetClock()
    tokens = Tokens(store.fetch, clock)
    await tokens.of("T1")
    clock.advance(timedelta(seconds=59))
    await tokens.of("T1")
    assert store.asked == 1
    clock.advance(timedelta(seconds=2))
    await tokens.of("T1")
    assert store.asked == 2
    tokens.forget("T1")
    await tokens.of("T1")
    assert store.asked == 3
    assert await tokens.of("T2") is None


async def test_a_caller_who_gives_up_does_not_spoil_it_and_a_failure_is_not_kept() -> None:
    store = Store()
    tokens = Tokens(store.fetch, OffsetClock())
    first = asyncio.create_task(tokens.of("T1"))
    second = asyncio.create_task(tokens.of("T1"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Secret("xoxb-1")
    store.fails = True
    tokens.forget("T1")
    with pytest.raises(OSError, match="down"):
        await tokens.of("T1")
    store.fails = False
    assert await tokens.of("T1") == Secret("xoxb-1")


def test_what_was_seen_is_forgotten_in_time_and_bounded() -> None:
    clock = OffsetClock()
    seen = Seen(clock, keep=timedelta(minutes=10), most=100)
    assert seen.first("a")
    assert not seen.first("a")
    clock.advance(timedelta(minutes=11))
    assert seen.first("a")
    for number in range(1000):
        seen.first(f"k{number}")
    assert len(seen) <= 100
    seen.release("k999")
    assert seen.first("k999")
