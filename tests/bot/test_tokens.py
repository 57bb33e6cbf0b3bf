"""Tokens are looked up once for everybody who waits, kept for a minute, and never longer."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.replay import Seen
from bot.tokens import FetchToken, Tokens
from connectors.errors import Broken
from sandbox.slack import SlackWorkspace
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.bot.stage import staged
from tests.waiting import eventually


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
    clock.advance(timedelta(seconds=30))
    await tokens.of("T1")
    assert store.asked == 1
    clock.advance(timedelta(seconds=31))
    await tokens.of("T1")
    assert store.asked == 2
    tokens.forget("T1")
    await tokens.of("T1")
    assert store.asked == 3
    assert await tokens.of("T2") is None


def nothing_opens(slack: SlackWorkspace) -> FetchToken:
    """Every workspace has a token that cannot be opened."""
    _ = slack

    async def fetch(_: str) -> Secret | None:
        raise Broken("the stored Slack token of this workspace cannot be opened", code="bot_token_unreadable")

    return fetch


def nowhere_installed(slack: SlackWorkspace) -> FetchToken:
    """The twin: a token that cannot be opened is taken for none."""
    _ = slack

    async def fetch(_: str) -> Secret | None:
        return None

    return fetch


@pytest.mark.parametrize("fetch, told", [(nothing_opens, True), (nowhere_installed, False)])
async def test_a_token_that_does_not_open_is_said_where_answers_still_arrive(
    fetch: Callable[[SlackWorkspace], FetchToken], *, told: bool
) -> None:
    """The command is answered all the same; a form that cannot be opened is not blamed on the person."""
    async with staged(fetch=fetch) as stage:

        def seen() -> bool:
            return any("cannot post in this Slack workspace now" in one for one in stage.seen("U0MAYA", "C0FINANCE"))

        answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status")
        assert "Temerity Goods" in json.dumps(await stage.said(answer))
        if told:
            await eventually(seen)
        answer = await stage.slack.command("U0DANIEL", "C0FINANCE", "/data", "members")
        await stage.surface.close()
        assert seen() is told
        assert "in time" not in str(stage.seen("U0DANIEL", "C0FINANCE")) or not told


async def test_a_token_that_opens_again_is_used_again() -> None:
    store, clock = Store(), OffsetClock()
    broken = [Broken("it cannot be opened", code="bot_token_unreadable")]

    async def fetch(team_id: str) -> Secret | None:
        if broken:
            raise broken[0]
        return await store.fetch(team_id)

    tokens = Tokens(fetch, clock)
    assert await tokens.of("T1") is None
    assert tokens.unreadable("T1")
    broken.clear()
    clock.advance(timedelta(seconds=6))
    assert await tokens.of("T1") == Secret("xoxb-1")
    assert not tokens.unreadable("T1")


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
