"""Socket Mode: the same intake as over HTTP, through a web socket of ours. What comes in is parsed as strictly."""

import asyncio
import contextlib
import json
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.app import Intake
from bot.payloads import MalformedError, parse_json, text_of
from bot.slack import Slack
from storage.facts.clock import Clock
from storage.facts.secret import Secret

log = structlog.get_logger("bot.socket_mode")

_QUIET = timedelta(seconds=60)
#: A socket that carried nothing for that long, not even an answer to the library's pings, counts as deaf.
_DEAF = timedelta(seconds=180)
_TAKEN = frozenset({"slash_commands", "interactive", "events_api"})


class SocketMode:
    """One connection to Slack; build it inside the running loop."""

    def __init__(self, intake: Intake, slack: Slack, app_token: Secret, clock: Clock) -> None:
        self._intake = intake
        self._clock = clock
        # A client of its own: the bot's would open the socket with the bot's token.
        self._web = slack.client(app_token)
        self._handler = AsyncSocketModeHandler(
            intake.bolt, app_token.reveal(), logger=intake.bolt.logger, web_client=self._web
        )
        self._client: SocketModeClient = self._handler.client
        self._client.socket_mode_request_listeners.clear()
        self._client.message_listeners.append(self._heard)
        self._vouched_at: datetime = clock.now()
        self._pong: float | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect, and keep watch."""
        await self._handler.connect_async()  # type: ignore[no-untyped-call]  # the library declares nothing here
        self._watch = asyncio.create_task(self._keep_watch())

    async def close(self) -> None:
        """Hang up."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._handler.close_async()  # type: ignore[no-untyped-call]  # the library declares nothing here
        self._client.message_processor.cancel()

    async def alive(self) -> bool:
        """Whether Slack can reach us: connected, and something came through the socket lately."""
        self._look()
        return await self._client.is_connected() and self._clock.now() - self._vouched_at <= _DEAF

    async def _heard(self, _client: Any, _message: dict[str, Any], raw: str | None) -> None:
        """Take one frame. Malformed ones are acked too: they would only come again."""
        self._vouched_at = self._clock.now()
        try:
            envelope = parse_json(raw) if raw and raw.startswith("{") else {}
        except MalformedError as error:
            log.warning("socket_frame_refused", reason=str(error))
            return
        envelope_id = text_of(envelope, "envelope_id")
        if not envelope_id or envelope.get("type") not in _TAKEN:
            return
        payload = envelope.get("payload")
        ack = await self._intake.take(payload) if isinstance(payload, dict) else None
        said = json.loads(ack.body) if ack is not None and ack.status == 200 and ack.body else None
        await self._client.send_socket_mode_response(SocketModeResponse(envelope_id=envelope_id, payload=said))

    async def _keep_watch(self) -> None:
        while True:
            await self._clock.sleep(_QUIET.total_seconds() / 4)
            self._look()
            if self._clock.now() - self._vouched_at >= _QUIET:
                log.warning("socket_not_vouched_for", since=self._vouched_at.isoformat())

    def _look(self) -> None:
        """Take an answer to a ping for a sign of life: it came through the socket itself.

        No call of the API proves as much, and `auth.test` is not for tokens of this kind.
        """
        pong = self._client.last_ping_pong_time
        # The library also writes its first ping there.
        if pong is not None and self._pong is not None and pong > self._pong:
            self._vouched_at = self._clock.now()
        self._pong = pong
