"""The gate in front of bolt: raw bytes in, a verified and parsed body out; anything else ends here without a word.

The order is what an attacker may cost us: method, size, shape of the headers, time, signature, replay, and only then a
parser. Bolt's own verifier raises on junk and accepts a signed request any number of times.
"""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.payloads import MalformedError, parse
from bot.raw import Limits, Refused, answer, read_body, single
from bot.replay import Seen
from storage.facts.clock import Clock
from storage.facts.secret import Secret

__all__ = ["PARSED", "Guard", "Limits", "Refused", "Verifier"]

#: Where the guard leaves the parsed body for the endpoint behind it.
PARSED = "tidings.parsed"

_BACK = timedelta(minutes=5)
_AHEAD = timedelta(seconds=60)
_REMEMBERED = timedelta(minutes=10)
_TOLD_EVERY = timedelta(minutes=1)
_MOST_REMEMBERED = 200_000
_TIMESTAMP = re.compile(rb"[0-9]{9,11}")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_SHORTEST_SECRET = 16

log = structlog.get_logger("bot.guard")


class Verifier:
    """Says whether Slack sent these bytes, now, for the first time."""

    def __init__(self, secret: Secret, clock: Clock) -> None:
        if len(secret.reveal()) < _SHORTEST_SECRET:
            raise ValueError("the signing secret is missing or too short")
        self._key = secret.reveal().encode()
        self._clock = clock
        self._seen = Seen(clock, keep=_REMEMBERED, most=_MOST_REMEMBERED)
        self._told_at: datetime | None = None

    def verify(self, body: bytes, timestamp: bytes, signature: bytes) -> None:
        """Return for a genuine, timely, first request; Refused(401) for any other."""
        if not self.in_time(timestamp):
            self.told(body, timestamp, signature)
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

    def told(self, body: bytes, timestamp: bytes, signature: bytes) -> None:
        """Tell the operator, once a minute, when what comes at a wrong time is Slack's own: then a clock is wrong.

        People see nothing but Slack's word that the app did not answer.
        """
        now = self._clock.now()
        if _TIMESTAMP.fullmatch(timestamp) is None or not self.signed(body, timestamp, signature):
            return
        if self._told_at is None or abs(now - self._told_at) >= _TOLD_EVERY:
            self._told_at = now
            log.warning("slack_clock_differs", seconds=round(now.timestamp() - int(timestamp)))

    def signed(self, body: bytes, timestamp: bytes, signature: bytes) -> bool:
        """Whether the signature is Slack's for exactly these bytes."""
        if not _SIGNATURE.fullmatch(signature):
            return False
        wanted = hmac.new(self._key, b"v0:" + timestamp + b":" + body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(b"v0=" + wanted.encode(), signature)

    def fresh(self, signature: bytes) -> bool:
        """Whether the signature comes for the first time within ten minutes."""
        return self._seen.first(signature.decode("latin-1"))


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
            await answer(send, refused.status)
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        if scope["method"] != "POST":
            raise Refused(401, "method")
        body = await read_body(scope, receive, self._limits)
        header = single(scope["headers"])
        self._verifier.verify(body, header(b"x-slack-request-timestamp"), header(b"x-slack-signature"))
        try:
            return parse(body, header(b"content-type").decode("latin-1"))
        except MalformedError as error:
            raise Refused(400, str(error)) from None
