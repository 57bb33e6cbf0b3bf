"""Socket Mode through Slack's own client."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from .conftest import workspace


@pytest.fixture
async def socket(slack):
    heard = []
    client: Any = SocketModeClient(
        app_token="xapp-sandbox-tidings",
        web_client=AsyncWebClient(token="xapp-sandbox-tidings", base_url=slack.api_url),
    )
    client.answering = True

    async def listener(client, request):
        heard.append(request)
        if client.answering:
            payload = {"text": "by socket"} if request.type == "slash_commands" else None
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    client.socket_mode_request_listeners.append(listener)
    client.heard = heard
    await client.connect()
    await slack.wait_for(lambda: slack.sockets.connected)
    yield client
    await client.close()


async def test_a_connected_app_gets_everything_by_its_socket(slack, app, socket):
    answer = await slack.command("U0MAYA", "C0FINANCE", "/data", "status")
    assert (answer.ok, app.taken) == (True, [])
    assert socket.heard[0].payload["text"] == "status"
    assert [m.text for m in slack.messages("C0FINANCE", "U0MAYA")] == ["by socket"]
    await slack.mention("U0MAYA", "C0FINANCE", "hi")
    assert (socket.heard[1].type, socket.heard[1].payload["event"]["type"]) == ("events_api", "app_mention")
    assert {delivery.way for delivery in slack.deliveries} == {"socket"}


async def test_a_deaf_socket_times_out_and_gets_the_event_again():
    async with workspace(ack_seconds=0.2, retry_delays=(0.0,)) as (slack, _, _):
        web = AsyncWebClient(token="xapp-sandbox-tidings", base_url=slack.api_url)
        async with aiohttp.ClientSession() as http:
            url = (await web.apps_connections_open(app_token="xapp-sandbox-tidings"))["url"]
            async with http.ws_connect(url) as deaf:
                assert (await deaf.receive_json())["type"] == "hello"
                assert (await slack.mention("U0MAYA", "C0FINANCE", "hi")).error == "operation_timeout"
                first, second = await deaf.receive_json(), await deaf.receive_json()
                assert first["payload"]["event_id"] == second["payload"]["event_id"]
                assert second["retry_attempt"] == 1
                await slack.quiet()


async def test_a_bot_token_opens_no_socket_and_a_ticket_opens_one(slack, client):
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.app.bot_token("T0TEMERITY"))
    web = AsyncWebClient(token="xapp-sandbox-tidings", base_url=slack.api_url)
    url = (await web.apps_connections_open(app_token="xapp-sandbox-tidings"))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as first:
        assert (await first.receive_json())["type"] == "hello"
        async with http.ws_connect(url) as again:
            assert (await again.receive_json())["reason"] == "link_disabled"


async def test_a_client_comes_back_after_a_disconnect(slack, socket):
    await slack.sockets.disconnect()
    await slack.wait_for(lambda: slack.sockets.connected, timeout=60)
    for _ in range(600):
        if (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).ok:
            break
        await asyncio.sleep(0.1)
    assert socket.heard
