"""Replies reach the asker although Slack misbehaves: other ways, plainer blocks, and never twice by ourselves."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from sandbox.slack.views import View
from storage.facts.sources import ConnectionState
from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.twins.world import QBO, SHOP


async def test_a_response_url_that_is_too_old_falls_back_to_an_ephemeral_post() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        stage.slack.lie("response_url", "error", error="expired_url", times=None)
        await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)
        told = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "accepted" in m.text], timeout=60
        )
        assert told[0].ephemeral_to == "U0MAYA"
        assert told[0].via != "response_url"


async def test_a_channel_without_the_bot_is_answered_in_a_direct_message() -> None:
    async with staged() as stage:
        stage.slack.lie("chat.postEphemeral", "error", error="not_in_channel")
        await stage.slack.mention("U0MAYA", "C0FINANCE", "status")
        await stage.slack.wait_for(lambda: stage.slack.messages("D0MAYA", viewer="U0MAYA"), timeout=60)


async def test_blocks_that_slack_does_not_know_are_said_plainer() -> None:
    async with staged() as stage:
        stage.slack.lie("chat.postMessage", "error", error="invalid_blocks")
        await stage.slack.dm("U0MAYA", "status")
        told = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("D0MAYA", viewer="U0MAYA") if m.user == "U0TIDINGS"], timeout=60
        )
        assert not [block for block in told[0].blocks if block["type"] == "table"]


async def test_a_rate_limit_is_waited_for() -> None:
    async with staged() as stage:
        stage.slack.lie("chat.postMessage", "ratelimited", retry_after=1)
        await stage.slack.dm("U0MAYA", "help")
        await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("D0MAYA", viewer="U0MAYA") if m.user == "U0TIDINGS"], timeout=60
        )


@pytest.mark.parametrize("kind", ["accept_reset", "server_error", "reset"])
async def test_an_ambiguous_answer_is_never_posted_again_by_us(kind: Any) -> None:
    async with staged() as stage:
        stage.slack.lie("chat.postMessage", kind)
        assert (await stage.slack.dm("U0MAYA", "help")).ok
        await stage.slack.wait_for(lambda: [c for c in stage.slack.calls if c.method == "chat.postMessage"], timeout=60)
        await stage.surface.close()
        posts = [m for m in stage.slack.messages("D0MAYA", viewer="U0MAYA") if m.user == "U0TIDINGS"]
        assert len(posts) == (1 if kind == "accept_reset" else 0)
        assert len([c for c in stage.slack.calls if c.method == "chat.postMessage"]) == 1


async def test_the_home_tab_shows_the_status() -> None:
    async with staged() as stage:
        await stage.slack.open_home("U0MAYA")
        home = await stage.slack.wait_for(lambda: stage.slack.home("U0MAYA"), timeout=60)
        assert home is not None
        assert "Shopify" in str(home.blocks)
        await stage.slack.open_home("U0GUEST")
        other = await stage.slack.wait_for(lambda: stage.slack.home("U0GUEST"), timeout=60)
        assert other is not None
        assert "Shopify" not in str(other.blocks)
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_the_home_tab_lets_admins_connect_reconnect_and_disconnect() -> None:
    """An entry of a menu is a button like any other: who may not press it has none, and is refused if they do."""
    async with staged() as stage:
        lost = replace(QBO, connection=ConnectionState.DISCONNECTED)
        stage.services.status.everything = [lost, SHOP]
        for user, manages in (("U0DANIEL", True), ("U0MAYA", False)):
            await stage.slack.open_home(user)
            home = await stage.slack.wait_for(partial(stage.slack.home, user), timeout=60)
            assert home is not None
            blocks = str(home.blocks)
            assert ("New connection" in blocks, "Disconnect …" in blocks, "Administration" in blocks) == (manages,) * 3
        home = stage.slack.home("U0DANIEL")
        assert home is not None
        for name, said in (("reconnect", "your link to reconnect"), ("disconnect", "Disconnect")):
            await stage.slack.click("U0DANIEL", home, "menu", f"{name} {QBO.id}")
            await stage.slack.wait_for(partial(_modal, stage, "U0DANIEL", said), timeout=60)
        assert stage.services.connect.links == [(QBO.provider, QBO.id)]
        await stage.slack.click("U0DANIEL", home, actions.CONNECT_ASK)
        await stage.slack.wait_for(lambda: _modal(stage, "U0DANIEL", "New connection"), timeout=60)
        await stage.slack.click("U0MAYA", home, "menu", f"disconnect {QBO.id}")
        await stage.slack.wait_for(lambda: _modal(stage, "U0MAYA", "admin"), timeout=60)
        assert stage.slack.red == []
        assert stage.slack.refused == []


def _modal(stage: Stage, user: str, words: str) -> View | None:
    found = stage.slack.modal(user)
    return found if found is not None and words.lower() in str(found.blocks).lower() else None


async def test_many_answers_share_one_pool_and_an_answer_is_given_before_the_process_ends() -> None:
    async with staged() as stage:
        stage.slack.lie("chat.postMessage", "latency", seconds=0.3, times=None)
        for number in range(5):
            stage.clock.advance(timedelta(seconds=1))
            await stage.slack.dm("U0MAYA", f"help {number}" if number else "help")
        await stage.surface.close()
        answers = [m for m in stage.slack.messages("D0MAYA", viewer="U0MAYA") if m.user == "U0TIDINGS"]
        assert len(answers) == 5


async def test_profile_changes_feed_the_cache() -> None:
    async with staged() as stage:
        assert (await stage.slack.change_user("U0PRIYA", deleted=True)).ok
        (changed,) = stage.services.people.changed
        assert changed["user"]["deleted"] is True
