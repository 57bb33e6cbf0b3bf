"""A workspace, a Slack client of its bot, and an app that notes what it is sent."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.mail import MailSink
from sandbox.slack import SlackWorkspace, temerity_goods
from sandbox.slack.wire import serving
from storage.facts.clock import OffsetClock

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR", Path(__file__).parents[4] / "shared" / "contracts")) / "slack"


@dataclass
class Taken:
    """One request as the app got it."""

    body: bytes
    headers: dict[str, str]
    fields: dict[str, str]
    payload: dict[str, Any]


@dataclass
class App:
    """An app that answers as the test says."""

    taken: list[Taken] = field(default_factory=list)
    answer: Callable[[Taken], Response] = field(default=lambda _: Response(status_code=200))
    seconds: float = 0.0

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        fields, payload = {}, {}
        if request.headers["content-type"] == "application/json":
            payload = json.loads(body)
        else:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            payload = json.loads(fields["payload"]) if "payload" in fields else {}
        self.taken.append(Taken(body, dict(request.headers), fields, payload))
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return self.answer(self.taken[-1])


def says(text: str) -> Callable[[Taken], Response]:
    return lambda _: PlainTextResponse(text)


@contextlib.asynccontextmanager
async def workspace(**how: Any) -> AsyncIterator[tuple[SlackWorkspace, App, MailSink]]:
    app = App()
    routes = Starlette(routes=[Route("/slack/events", app.handle, methods=["POST"])])
    async with serving(routes) as port, MailSink().serve() as mail:
        url = f"http://127.0.0.1:{port}/slack/events"
        settings: dict[str, Any] = {
            "rates": False, "ack_seconds": 60, "retry_delays": (0.0, 0.05, 0.1), "clock": OffsetClock(), **how,
        }  # fmt: skip
        slack = SlackWorkspace(temerity_goods(), mail=mail, request_url=url, **settings)
        async with slack.serve():
            yield slack, app, mail


@pytest.fixture
async def stage() -> AsyncIterator[tuple[SlackWorkspace, App, MailSink]]:
    async with workspace() as found:
        yield found


@pytest.fixture
def slack(stage: tuple[SlackWorkspace, App, MailSink]) -> SlackWorkspace:
    return stage[0]


@pytest.fixture
def app(stage: tuple[SlackWorkspace, App, MailSink]) -> App:
    return stage[1]


@pytest.fixture
def mail(stage: tuple[SlackWorkspace, App, MailSink]) -> MailSink:
    return stage[2]


@pytest.fixture
def client(slack: SlackWorkspace) -> AsyncWebClient:
    return AsyncWebClient(token=slack.app.bot_token("T0TEMERITY"), base_url=slack.api_url)


@pytest.fixture
def contracts() -> Path:
    if not CONTRACTS.is_dir():
        pytest.skip("the collected contracts are not here (set CONTRACTS_DIR or put them beside the project)")
    return CONTRACTS


def section(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str = "press", value: str = "v", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "value": value, "text": plain("Press"), **more}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": plain("Title"),
        "submit": plain("Go"),
        "close": plain("No"),
        "blocks": list(blocks),
        **more,
    }


def text_input(block_id: str = "b", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "a", **more}
    return {"type": "input", "block_id": block_id, "label": plain("Label"), "element": element}


def option(value: str = "o", text: str = "Option") -> dict[str, Any]:
    return {"text": plain(text), "value": value}
