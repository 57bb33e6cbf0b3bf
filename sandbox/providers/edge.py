"""The edge of a stand-in: every request is journaled, meets the script, and only then reaches the provider."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.journal import Journal
from sandbox.misbehave import Call, Kind, Rule, Script
from sandbox.providers.malform import malformed
from sandbox.providers.serve import TRANSPORT, reset
from storage.facts.clock import Clock

#: Where handlers note what they changed, for the journal.
EFFECTS = "tidings.effects"

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its whole body."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Manners(Protocol):
    """What the edge must know about a provider: its words for requests and the shapes of its errors."""

    def describe(self, asked: Asked) -> Call:
        """Say what a request is about, for the journal and the script."""
        ...

    def trouble(self, rule: Rule, call: Call) -> Response:
        """Return the provider's own answer for RATE_LIMIT, SERVER_ERROR, UNAUTHORIZED and FAULT."""
        ...

    def revoke(self, account: str) -> None:
        """Take the grant of an account back, as a person does in the provider's settings."""
        ...

    def give(self, account: str) -> Mapping[str, Any]:
        """Return the token answer of a new grant for an account."""
        ...


@dataclass
class _Heard:
    """An answer that was caught instead of sent."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
        else:
            self.body += message.get("body", b"")


@dataclass
class _Sent:
    """Counts what goes out."""

    send: Send
    status: int | None = None
    size: int = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.size += len(message.get("body", b""))
        await self.send(message)


class Edge:
    """ASGI app around a provider's app."""

    def __init__(self, app: ASGIApp, manners: Manners, *, journal: Journal, script: Script, clock: Clock) -> None:
        self.app = app
        self.manners = manners
        self.journal = journal
        self.script = script
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; requests to /_sandbox are the operator's and leave no trace."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self.app(scope, receive, send)
            return
        asked = await _read(scope, receive)
        call = self.manners.describe(asked)
        effects: list[str] = []
        scope[EFFECTS] = effects
        number = self.journal.begin(
            method=call.method, path=call.path, operation=call.operation, entity=call.entity, account=call.account,
            detail=call.detail, token=call.token, mutating=call.mutating,
        )  # fmt: skip
        sent = _Sent(send)
        seconds, rule = self.script.meet(call)
        outcome = "cancelled"
        try:
            if seconds:
                await self.clock.sleep(seconds)
            outcome = await _Turn(self, scope, receive, sent, asked, call).take(rule)
        finally:
            fault = rule.kind.value if rule else ("latency" if seconds else "")
            self.journal.finish(
                number, outcome=outcome, status=sent.status, effects=tuple(effects), fault=fault, size=sent.size
            )


@dataclass
class _Turn:
    """One request on its way through the script."""

    edge: Edge
    scope: Scope
    receive: Receive
    sent: _Sent
    asked: Asked
    call: Call

    async def take(self, rule: Rule | None) -> str:
        if rule is None:
            return await self._answer()
        match rule.kind:
            case Kind.REVOKE:
                self.edge.manners.revoke(self.call.account)
                return await self._answer()
            case Kind.LATE | Kind.HOLD:
                held = rule.kind is Kind.HOLD
                await (self.edge.script.cleared() if held else self.edge.clock.sleep(rule.seconds))
                return await self._answer()
            case Kind.MALFORMED | Kind.OTHER_ACCOUNT:
                return await self._misgive(rule)
            case Kind.TRUNCATE | Kind.CONTENT_TYPE | Kind.OVERSIZE:
                return await self._spoil(rule)
            case _:
                if rule.takes_effect:
                    await self._hear()
                return await self._refuse(rule)

    async def _answer(self) -> str:
        await self.edge.app(self.scope, _replay(self.asked.body), self.sent)
        return "answered"

    async def _hear(self) -> _Heard:
        heard = _Heard()
        await self.edge.app(self.scope, _replay(self.asked.body), heard.send)
        return heard

    async def _refuse(self, rule: Rule) -> str:
        match rule.kind:
            case Kind.RESET:
                reset(self._transport())
                await self._gone()
                return "reset"
            case Kind.HANG:
                return await self._hang(rule.seconds)
            case Kind.HTML:
                page = (
                    rule.body or "<!DOCTYPE html><html><head><title>Be right back</title></head><body>…</body></html>"
                )
                answer = Response(page, rule.status or 200, media_type="text/html")
            case Kind.REDIRECT:
                answer = Response(b"", rule.status or 302, {"location": rule.location})
            case _:
                answer = self.edge.manners.trouble(rule, self.call)
                if rule.retry_after is not None:
                    answer.headers["retry-after"] = rule.retry_after
        await answer(self.scope, self.receive, self.sent)
        return "answered"

    async def _hang(self, seconds: float) -> str:
        """Wait until the caller leaves, or for `seconds` if given and then end the connection without a word."""
        try:
            async with asyncio.timeout(seconds or None):
                await self._gone()
        except TimeoutError:
            self._transport().close()
            await self._gone()
        return "hung"

    async def _gone(self) -> None:
        """Wait until the connection is no more; to return before would make the server finish the answer."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _spoil(self, rule: Rule) -> str:
        heard = await self._hear()
        headers = heard.headers
        body = bytes(heard.body)
        if rule.kind is Kind.TRUNCATE:
            await self.sent({"type": "http.response.start", "status": heard.status, "headers": headers})
            part = body[: int(len(body) * rule.fraction)]
            await self.sent({"type": "http.response.body", "body": part, "more_body": True})
            self._transport().close()
            await self._gone()
            return "truncated"
        if rule.kind is Kind.CONTENT_TYPE:
            headers = [(b"content-type", rule.content_type.encode()), *_without(headers, b"content-type")]
            await self.sent({"type": "http.response.start", "status": heard.status, "headers": headers})
        else:
            headers = _without(headers, b"content-length")
            if rule.declared:
                headers.append((b"content-length", str(rule.size + len(body)).encode()))
            await self.sent({"type": "http.response.start", "status": heard.status, "headers": headers})
            for start in range(0, rule.size, _PIECE):
                blanks = b" " * min(_PIECE, rule.size - start)
                await self.sent({"type": "http.response.body", "body": blanks, "more_body": True})
        await self.sent({"type": "http.response.body", "body": body})
        return "answered"

    async def _misgive(self, rule: Rule) -> str:
        """Send something else than the tokens that were asked for."""
        heard = await self._hear()
        if rule.kind is Kind.MALFORMED:
            spoiled = malformed(rule.code or "", bytes(heard.body))
            answer = Response(spoiled.body, spoiled.status, media_type=None)
            answer.headers["content-type"] = spoiled.content_type
        else:
            answer = Response(msgspec.json.encode(self.edge.manners.give(rule.code or "")), heard.status)
            answer.headers["content-type"] = "application/json"
        await answer(self.scope, self.receive, self.sent)
        return "answered"

    def _transport(self) -> asyncio.Transport:
        transport = self.scope.get("extensions", {}).get(TRANSPORT)
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("cutting a connection needs the server of sandbox.providers.serve")
        return transport


def fingerprint(token: str) -> str:
    """Return what the journal keeps of a token: enough to tell two apart, nothing to log in with."""
    return hashlib.sha256(token.encode()).hexdigest()[:12] if token else ""


def note(scope: Scope, effect: str) -> None:
    """Write an effect into the journal entry of the request."""
    scope.setdefault(EFFECTS, []).append(effect)


async def _read(scope: Scope, receive: Receive) -> Asked:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    return Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, bytes(body))


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _without(headers: list[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [(key, value) for key, value in headers if key.lower() != name]
