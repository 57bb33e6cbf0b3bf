"""Stories press again where they are told to, as people do: in Slack and in the browser."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.cli.stories.browser import StoryBrowser
from bot.cli.stories.stage import Stage, StoryError, Witness
from sandbox.providers.serve import serve
from sandbox.slack import Answer
from sandbox.world import SandboxThread
from templates.notices import try_again

_WAIT = 60.0


@dataclass
class Slack:
    """Says what a busy machine says to the first presses, and then what was asked for."""

    busy: int
    entries: list[SimpleNamespace] = field(default_factory=list)
    presses: int = 0

    async def press(self) -> Answer:
        self.presses += 1
        told = try_again().summary if self.presses <= self.busy else "here it is"
        self.entries.append(SimpleNamespace(text=told))
        return Answer(ok=True, error=None, seconds=0.0)

    async def wait_for(self, look: Callable[[], Any], timeout: float) -> Any:  # noqa: ASYNC109 - as the workspace has it
        del timeout
        if not (found := look()):
            raise TimeoutError(self.entries[-1].text)
        return found

    def told(self) -> str | None:
        return next((one.text for one in self.entries if one.text == "here it is"), None)


class Outside:
    """Runs everything at once."""

    def __init__(self, slack: Slack) -> None:
        self.sandbox = SimpleNamespace(slack=slack)

    async def run(self, work: Awaitable[Any]) -> Any:
        return await work


class Stubborn(Stage):
    """A stage on which nobody presses again."""

    def _is_asked_again(self) -> bool:
        return False


def staged(slack: Slack, kind: type[Stage] = Stage, patience: float = _WAIT) -> Stage:
    return kind(cast("SandboxThread", Outside(slack)), cast("Witness", None), patience)


@pytest.mark.parametrize("busy", [0, 1, 3])
async def test_who_is_told_to_press_again_does(busy: int) -> None:
    slack = Slack(busy)
    stage = staged(slack)
    await stage.act(slack.press)
    assert await stage.see("it", slack.told) == "here it is"
    assert (slack.presses, stage.late_answers) == (busy + 1, busy)

    slack = Slack(busy)
    stage = staged(slack)
    await stage.act(slack.press)

    async def there() -> bool:
        return slack.told() is not None

    await stage.until("it", there)
    assert slack.presses == busy + 1


async def test_who_does_not_press_again_waits_in_vain() -> None:
    slack = Slack(1)
    stage = staged(slack, Stubborn)
    await stage.act(slack.press)
    with pytest.raises(StoryError, match="it was not seen"):
        await stage.see("it", slack.told)


async def test_patience_ends_where_all_that_is_said_is_to_press_again() -> None:
    slack = Slack(10_000)
    stage = staged(slack, patience=0.05)
    await stage.act(slack.press)
    with pytest.raises(StoryError, match="to press again"):
        await stage.see("it", slack.told)


async def test_what_was_said_before_a_press_asks_for_nothing() -> None:
    slack = Slack(0)
    slack.entries.append(SimpleNamespace(text=try_again().summary))
    stage = staged(slack)
    await stage.act(slack.press)
    await stage.see("it", slack.told)
    assert slack.presses == 1


_FORM = '<form method="post" action="/code"><input type="hidden" name="csrf" value="x"></form>'
_BUSY = "<h1>That took too long</h1>"


@pytest.mark.parametrize("busy, status", [(0, 200), (2, 200), (10_000, 503)])
async def test_a_form_is_sent_again_where_that_took_too_long(busy: int, status: int) -> None:
    came: list[float] = []

    async def shown(_: Request) -> Response:
        return HTMLResponse(_FORM)

    async def sent(_: Request) -> Response:
        came.append(time.monotonic())
        return HTMLResponse(_BUSY, 503) if len(came) <= busy else HTMLResponse("done")

    async with serve(Starlette(routes=[Route("/", shown), Route("/code", sent, methods=["POST"])])) as served:
        browser = StoryBrowser()
        try:
            page = await browser.send(await browser.open(f"{served.url}/"), "/code")
        finally:
            await browser.close()
    assert page.status == status
    assert len(came) == min(busy + 1, 11)
