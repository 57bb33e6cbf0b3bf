"""Pictures in the story of the App Home: a history with charts, and in words where Slack does not take them yet."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from bot.cli.stories.stage import Stage
from sandbox.slack import Message
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from templates import actions

MAYA, FINANCE = "U0MAYA", "C0FINANCE"
#: Minutes between the refreshes: data that always get equally old tell nothing.
_PAUSES = (40, 100, 25)
_PACE = 3.0
_CHART = "data_visualization"
_TITLE = "How old the data got"


async def pictures(stage: Stage) -> None:
    """Refresh Shopify at uneven times and look at its history, with charts and without."""
    for pause in _PAUSES:
        await stage.outside(partial(stage.sandbox.pass_time, timedelta(minutes=pause)))
        await _refreshed(stage)
        # A person's pace: Slack takes a message a second in a channel.
        await asyncio.sleep(_PACE)
    drawn = await _history(stage, lambda found: _CHART in _kinds(found))
    stage.expect(_TITLE in drawn.everything or _TITLE in str(drawn.blocks), "the chart has no title")
    stage.told(
        "/data history shopify draws how old the data got before each refresh; the values are in the table below"
    )
    await stage.outside(lambda: stage.slack.lie("response_url", "error", error="invalid_blocks"))
    await _history(stage, lambda found: _CHART not in _kinds(found) and "Before each of these" in found.everything)
    stage.told("where Slack does not take charts the same is said in words, with the same table")


async def _refreshed(stage: Stage) -> None:
    before = await _ready(stage)
    cards = len(_asking(stage))
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "refresh shopify"))
    asked = await stage.see("a card that asks", lambda: _asking(stage)[cards:] or None)
    await stage.act(lambda: stage.slack.click(MAYA, asked[-1], actions.REFRESH_CONFIRM))

    async def newer() -> bool:
        return await _ready(stage) not in {None, before}

    await stage.until("newer data of Shopify", newer)


async def _ready(stage: Stage) -> str | None:
    for one in await stage.statuses():
        if one.source.provider is Provider.SHOPIFY and one.last_ready and one.last_ready.state is RunState.READY:
            return one.last_ready.id
    return None


async def _history(stage: Stage, right: Callable[[Message], bool]) -> Message:
    known = len(_told(stage))
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "history shopify"))
    return await stage.see("the history", lambda: next((one for one in _told(stage)[known:] if right(one)), None))


def _told(stage: Stage) -> list[Message]:
    return [one for one in stage.messages(FINANCE, MAYA) if "History of Shopify" in one.everything]


def _asking(stage: Stage) -> list[Message]:
    return [one for one in stage.messages(FINANCE, MAYA) if actions.REFRESH_CONFIRM in str(one.blocks)]


def _kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.blocks]
