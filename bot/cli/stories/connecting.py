"""How a story connects something: as Daniel, the admin, in Slack and in his browser, who proves that it is him."""

import re
from collections.abc import Mapping

from bot.cli.stories.browser import Shown, StoryBrowser
from bot.cli.stories.stage import Stage
from sandbox.slack import Message
from storage.facts.sources import Provider
from templates import actions

DANIEL, FINANCE, DIRECT = "U0DANIEL", "C0FINANCE", "D0DANIEL"
_CODE = re.compile(r"\b(\d{4}) (\d{4})\b")


async def connect(stage: Stage, browser: StoryBrowser, provider: Provider, company: str, hint: str = "") -> None:
    """Choose a provider from the catalogue, consent there, and say yes to the company that was chosen."""
    ready = await chosen(stage, browser, provider)
    await agree(stage, browser, await browser.send(ready, "/go", {"hint": hint}), company)


async def connect_by_form(
    stage: Stage, browser: StoryBrowser, provider: Provider, company: str, typed: Mapping[str, str]
) -> None:
    """The same for a provider whose form is ours."""
    ready = await chosen(stage, browser, provider)
    await agree(stage, browser, await browser.send(ready, "/form", typed), company)


async def chosen(stage: Stage, browser: StoryBrowser, provider: Provider) -> Shown:
    """Choose a provider from the catalogue, and return the page that leads on to it."""
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "connect"))
    offered = await stage.see("the catalogue", lambda: newest(stage, "New connection"))
    button = next(name for name, one in offered.actions.items() if one.get("value") == provider.value)
    await stage.act(lambda: stage.slack.click(DANIEL, offered, button))
    return await proven(stage, browser, "connect")


async def agree(stage: Stage, browser: StoryBrowser, asked: Shown, company: str) -> None:
    """Say yes on the page that asks before anything is connected."""
    stage.expect(f"You are connecting {company}" in asked.text, f"no question before connecting: {asked.text}")
    done = await browser.send(asked, "/connect/confirm")
    stage.expect(done.status == 200 and "is connected" in done.text, f"not connected: {done.text}")


async def proven(stage: Stage, browser: StoryBrowser, verb: str) -> Shown:
    """Open the newest link, prove that it is Daniel's browser by the code in Slack, and return the next page."""

    def link() -> str | None:
        told = newest(stage, f"Your link to {verb}", action=actions.OPEN_LINK)
        url = str(told.actions[actions.OPEN_LINK]["url"]) if told else None
        return url if url not in browser.opened else None

    page = await browser.open(await stage.see("the link", link))
    codes = len(await stage.outside(lambda: _codes(stage)))
    page = await browser.send(page, "/code")
    code = await stage.see("the code", lambda: found[-1] if len(found := _codes(stage)) > codes else None)
    return await browser.send(page, "/prove", {"code": code})


def newest(
    stage: Stage, *words: str, channel: str = FINANCE, viewer: str = DANIEL, action: str | None = None
) -> Message | None:
    """Return the newest message with all these words, and with that action where one is named."""
    for message in reversed(stage.messages(channel, viewer)):
        if all(word in message.everything for word in words) and (action is None or _has(message, action)):
            return message
    return None


def _codes(stage: Stage) -> list[str]:
    said = "\n".join(message.text for message in stage.messages(DIRECT, DANIEL))
    return ["".join(found) for found in _CODE.findall(said)]


def _has(message: Message, action: str) -> bool:
    return any(name.split(":")[0] == action for name in message.actions)
