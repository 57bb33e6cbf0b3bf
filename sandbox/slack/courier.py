"""Hands things to the app: signed over HTTP, or through a socket while one is connected."""

import asyncio
import hashlib
import hmac
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import httpx

from sandbox.slack.core import Core
from sandbox.slack.errors import Json
from sandbox.slack.journal import Delivery
from sandbox.slack.payloads import as_form, as_json, event

_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
#: Slack follows two redirects of a request URL; the stand-in follows none, a bot has no reason for one.
_REASONS = {"operation_timeout": "http_timeout", "connection_failed": "connection_failed"}


@dataclass(frozen=True, slots=True)
class Answer:
    """How the app answered; `error` is what the person is shown instead."""

    ok: bool
    error: str | None = None
    status: int | None = None
    body: bytes = b""
    seconds: float = 0.0
    trigger_id: str | None = None
    response_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Sockets(Protocol):
    """The Socket Mode side, as the courier needs it."""

    @property
    def connected(self) -> bool:
        """Whether an app listens."""
        ...

    async def send(self, kind: str, payload: Json, seconds: float, retry: Json) -> Answer:
        """Send one envelope and wait for its ack."""
        ...


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return Slack's v0 signature of a raw body."""
    return "v0=" + hmac.new(secret.encode(), b"v0:%d:" % timestamp + body, hashlib.sha256).hexdigest()


@cache
def _trusting_nobody() -> ssl.SSLContext:
    """Return what takes no certificate: the app is on this machine, and to read all authorities takes 30 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Courier:
    """Delivers commands, interactions and events, and repeats events that were not taken."""

    def __init__(self, core: Core, sockets: Sockets, *, request_url: str | None, ack_seconds: float,
                 retry_delays: Sequence[float]) -> None:  # fmt: skip
        self.request_url = request_url
        self.ack_seconds = ack_seconds
        self.retry_delays = tuple(retry_delays)
        self._core = core
        self._sockets = sockets
        # A connection that the app may be about to end is not used again.
        limits = httpx.Limits(keepalive_expiry=1.0)
        self._http = httpx.AsyncClient(
            timeout=None,  # noqa: S113 - the cut-off is asyncio's
            limits=limits,
            verify=_trusting_nobody(),
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def sign(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers that prove that Slack sent this body (now, when no time is given)."""
        at = int(self._core.clock.now().timestamp()) if timestamp is None else timestamp
        return {
            "X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": signature(self._core.world.app.signing_secret.reveal(), body, at),
            "User-Agent": _AGENT,
            "Accept": "application/json,*/*",
        }

    async def command(self, fields: dict[str, str]) -> Answer:
        """Deliver a slash command."""
        return await self._deliver("command", "slash_commands", dict(fields), as_form(fields), "form")

    async def interaction(self, payload: Json) -> Answer:
        """Deliver a click, a submitted or a closed view."""
        form = as_form({"payload": as_json(payload).decode()})
        return await self._deliver(payload["type"], "interactive", payload, form, "form")

    async def event(self, team: str, inner: Json) -> Answer:
        """Deliver an event; what is not taken in time comes again in the background, under the same event_id."""
        event_id = self._core.stamps.name("Ev")
        payload = event(self._core, team, inner, event_id)
        first = await self._attempt(payload, 0, None)
        if not first.ok and not _no_retry(first) and first.error != "no_receiver":
            self._core.background.start(self._redeliver(payload, first))
        return first

    async def post(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send raw bytes to the request URL, with exactly these headers."""
        if self.request_url is None:
            return Answer(ok=False, error="no_receiver")
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.ack_seconds):
                response = await self._http.post(self.request_url, content=body, headers=headers)
        except TimeoutError:
            return Answer(ok=False, error="operation_timeout", seconds=time.monotonic() - started)
        except httpx.HTTPError:
            return Answer(ok=False, error="connection_failed", seconds=time.monotonic() - started)
        error = None if response.is_success else f"http_{response.status_code}"
        return Answer(ok=error is None, error=error, status=response.status_code, body=response.content,
                      seconds=time.monotonic() - started, headers=tuple(response.headers.items()))  # fmt: skip

    async def _redeliver(self, payload: Json, failed: Answer) -> None:
        for number, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            failed = await self._attempt(payload, number, _REASONS.get(failed.error or "", "http_error"))
            if failed.ok or _no_retry(failed):
                return

    async def _attempt(self, payload: Json, number: int, reason: str | None) -> Answer:
        return await self._deliver(payload["event"]["type"], "events_api", payload, as_json(payload), "json",
                                   retry=(number, reason) if reason else None)  # fmt: skip

    async def _deliver(self, kind: str, envelope: str, payload: Json, body: bytes, form: str,
                       retry: tuple[int, str] | None = None) -> Answer:  # fmt: skip
        """Take the socket when there is one, else sign and post; write the attempt down."""
        if self._sockets.connected:
            extra = {"retry_attempt": retry[0], "retry_reason": retry[1]} if retry else {}
            way, answer = "socket", await self._sockets.send(envelope, payload, self.ack_seconds, extra)
        else:
            content_type = "application/json" if form == "json" else "application/x-www-form-urlencoded"
            headers = self.sign(body) | {"Content-Type": content_type}
            if retry:
                headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
            way, answer = "http", await self.post(body, headers)
        self._core.journal.deliveries.append(
            Delivery(
                kind,
                self._core.clock.now(),
                way,
                answer.status,
                answer.seconds,
                answer.error,
                retry[0] if retry else 0,
                payload.get("event_id"),
            )
        )
        self._core.journal.changed()
        return answer


def _no_retry(answer: Answer) -> bool:
    return ("x-slack-no-retry", "1") in answer.headers
