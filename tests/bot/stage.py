"""The bot's Slack side, running: real HTTP, the stand-in workspace, twin services."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bot.guard import Limits, Verifier
from bot.surface import Surface
from bot.tokens import FetchToken
from bot.web import SLACK_PATH, build_web
from sandbox.slack import Answer, SlackWorkspace, temerity_goods
from sandbox.slack.wire import serving
from storage.facts.clock import Clock, OffsetClock
from storage.facts.secret import Secret
from tests.bot.twins.services import TwinServices


@dataclass
class Stage:
    """What a test drives and looks at."""

    slack: SlackWorkspace
    services: TwinServices
    surface: Surface
    clock: OffsetClock
    url: str

    async def said(self, answer: Answer) -> dict[str, Any]:
        """Return what the ack of a command says."""
        body = json.loads(answer.body)
        assert isinstance(body, dict)
        return body

    def seen(self, user: str, channel: str) -> list[str]:
        """Return everything that one person sees in a channel."""
        return [message.everything for message in self.slack.messages(channel, viewer=user)]


def fetch_from(workspace: SlackWorkspace) -> FetchToken:
    async def fetch(team_id: str) -> Secret | None:
        try:
            return Secret(workspace.app.bot_token(team_id))
        except KeyError:
            return None

    return fetch


@contextlib.asynccontextmanager
async def staged(services: TwinServices | None = None, *, clock: Clock | None = None,
                 verifier: type[Verifier] = Verifier, limits: Limits | None = None,
                 learns: bool = False,
                 fetch: Callable[[SlackWorkspace], FetchToken] = fetch_from) -> AsyncIterator[Stage]:  # fmt: skip
    """Run everything while the block runs."""
    moved = OffsetClock() if clock is None else clock
    assert isinstance(moved, OffsetClock)
    twin = services or TwinServices(moved)
    # Slack itself waits three seconds; here a machine that is busy fails no test.
    workspace = SlackWorkspace(temerity_goods(), clock=moved, rates=False, ack_seconds=60, retry_delays=(0.05,))
    async with workspace.serve(port=0) as slack:
        surface = Surface(twin, fetch(slack), slack.api_url, moved, learns=learns)
        await surface.start()

        async def ready() -> bool:
            return True

        web = build_web(surface.take, verifier(slack.app.signing_secret, moved), ready, limits=limits)
        async with serving(web) as port:
            url = f"http://127.0.0.1:{port}"
            slack.request_url = url + SLACK_PATH
            try:
                yield Stage(slack, twin, surface, moved, url)
            finally:
                await surface.close()
