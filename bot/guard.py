"""The gate in front of bolt: raw bytes in, a verified and parsed body out; anything else ends here without a word.

The order is what an attacker may cost us: method, size, shape of the headers, time, signature, replay, and only then a
parser. Bolt's own verifier raises on junk and accepts a signed request any number of times.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.payloads import MalformedError, parse
from bot.replay import Seen
from storage.facts.clock import Clock
from storage.facts.secret import Secret

#: Where the guard leaves the parsed body for the endpoint behind it.
PARSED = "tidings.parsed"

MOST_BYTES = 1_000_000
_BACK = timedelta(minutes=5)
_AHEAD = timedelta(seconds=60)
_REMEMBERED = timedelta(minutes=10)
_MOST_REMEMBERED = 200_000
_TIMESTAMP = re.compile(rb"[0-9]{9,11}")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_SHORTEST_SECRET = 16

log = structlog.get_logger("bot.guard")


class Refused(Exception):  # noqa: N818 - an answer to a request, not an error of ours
    """The request ends here with that status; the reason is for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Verifier:
    """Says whether Slack sent these bytes, now, for the first time."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        if len(secret.reveal()) < _SHORTEST_SECRET:
            raise ValueError("the signing secret is missing or too short")
        self._key = secret.reveal().encode()
        self._clock = clock
        self._seen = Seen(clock, keep=_REMEMBERED, most=_MOST_REMEMBERED)

    def verify(self, body: bytes, timestamp: bytes, signature: bytes) -> None:
        """Return for a genuine, timely, first request; Refused(401) for any other."""
        if not self.in_time(timestamp):
            raise Refused(401, "time")
        if not self.signed(body, timestamp, signature):
            raise Refused(401, "signature")
        if not self.fresh(signature):
            raise Refused(401, "replay")

    def in_time(self, timestamp: bytes) -> bool:
        """Whether the request was made within the last five minutes (or a minute ahead, for clocks that differ)."""
        if not _TIMESTAMP.fullmatch(timestamp):
            return False
        age = self._clock.now().timestamp() - int(timestamp)
        return -_AHEAD.total_seconds() <= age <= _BACK.total_seconds()

    def signed(self, body: bytes, timestamp: bytes, signature: bytes) -> bool:
        """Whether the signature is Slack's for exactly these bytes."""
        if not _SIGNATURE.fullmatch(signature):
            return False
        wanted = hmac.new(self._key, b"v0:" + timestamp + b":" + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(b"v0=" + wanted.encode(), signature)

    def fresh(self, signature: bytes) -> bool:
        """Whether the signature comes for the first time within ten minutes."""
        return self._seen.first(signature.decode("latin-1"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take."""

    most_bytes: int = MOST_BYTES
    #: for the whole body to arrive
    seconds: float = 5.0


class Guard:
    """ASGI middleware for the one path that Slack calls."""

    def __init__(self, app: ASGIApp, verifier: Verifier, *, limits: Limits | None = None) -> None:
        self._app = app
        self._verifier = verifier
        self._limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its parsed body, or end it."""
        try:
            scope[PARSED] = await self._admit(scope, receive)
        except Refused as refused:
            log.info("slack_request_refused", status=refused.status, reason=refused.reason)
            await _answer(send, refused.status)
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        if scope["method"] != "POST":
            raise Refused(401, "method")
        body = await self._read(scope, receive)
        header = _single(scope["headers"])
        self._verifier.verify(body, header(b"x-slack-request-timestamp"), header(b"x-slack-signature"))
        try:
            return parse(body, header(b"content-type").decode("latin-1"))
        except MalformedError as error:
            raise Refused(400, str(error)) from None

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        announced = _single(scope["headers"])(b"content-length")
        if announced and (len(announced) > 15 or not announced.isdigit() or int(announced) > self._limits.most_bytes):
            raise Refused(413, "announced size")
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await _collect(receive, self._limits.most_bytes)
        except TimeoutError:
            raise Refused(400, "slow body") from None


async def _collect(receive: Receive, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "hung up")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise Refused(413, "size")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _single(headers: Iterable[tuple[bytes, bytes]]) -> Callable[[bytes], bytes]:
    """Return a reader of headers that refuses one that came twice: two readers could take different ones."""

    def read(name: bytes) -> bytes:
        values = [value for key, value in headers if key == name]
        if len(values) > 1:
            raise Refused(401, "repeated header")
        return values[0] if values else b""

    return read


async def _answer(send: Send, status: int) -> None:
    closing = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": closing})
    await send({"type": "http.response.body", "body": b""})
