"""The web edge: Slack's one address, providers' webhooks, pages, and two addresses for whoever watches the process."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt.response import BoltResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from bot.guard import PARSED, Guard, Limits, Verifier
from bot.payloads import Json
from storage.facts.ids import new_id

log = structlog.get_logger("bot.web")

SLACK_PATH = "/slack/events"

#: Takes a verified body and gives the ack.
Take = Callable[[Json], Awaitable[BoltResponse]]
#: Says whether the process can do its work now.
Ready = Callable[[], Awaitable[bool]]
#: Says what stands still, whichever process should do it.
Standing = Callable[[], Awaitable[Sequence[str]]]

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000"),
)


class SlackEndpoint:
    """What stands behind the guard: hands the parsed body over and sends the ack."""

    def __init__(self, take: Take) -> None:
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the guard has read it
        """Answer one request."""
        try:
            ack = await self._take(scope[PARSED])
        except Exception:
            log.exception("slack_request_failed")
            ack = BoltResponse(status=400)
        body = (ack.body or "").encode()
        headers = [(name.encode(), value.encode()) for name, values in ack.headers.items() for value in values]
        headers.append((b"content-length", str(len(body)).encode()))
        status = ack.status if ack.status in (200, 400) else 400
        await send({"type": "http.response.start", "status": status, "headers": headers if body else headers[-1:]})
        await send({"type": "http.response.body", "body": body})


def build_web(
    take: Take | None,
    verifier: Verifier | None,
    ready: Ready,
    *,
    lifespan: Lifespan[Starlette] | None = None,
    limits: Limits | None = None,
    pages: Sequence[BaseRoute] = (),
    webhooks: Mapping[str, ASGIApp] | None = None,
    alive: Callable[[], bool] = lambda: True,
    standing: Standing | None = None,
) -> ASGIApp:
    """Return the web application; without `take` (a worker, or Socket Mode) Slack's address does not exist.

    `pages` are what people see in a browser, `webhooks` what stands at providers' addresses; a worker has neither.
    What the two addresses say to anybody is words of ours about what stands still, and no number.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok") if alive() else PlainTextResponse("the clock stands still", status_code=503)

    async def readyz(_: Request) -> Response:
        if not await ready():
            return PlainTextResponse("not ready", status_code=503)
        # A restart of this process mends nothing of that: it is ready, and says what somebody should look at.
        found = await standing() if standing is not None else ()
        return PlainTextResponse(f"ready; stands still: {', '.join(found)}" if found else "ready")

    async def missing(_: Request, __: Exception) -> Response:
        return _not_found()

    async def failed(_: Request, error: Exception) -> Response:
        reference = new_id("err")
        log.error("request_failed", reference=reference, exc_info=error)
        return PlainTextResponse(f"something went wrong on our side, reference {reference}", status_code=500)

    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), *pages],
        exception_handlers={404: missing, 405: missing, Exception: failed},
        lifespan=lifespan,
    )
    # A redirect would repeat the Host header that somebody sent.
    app.router.redirect_slashes = False
    raw = dict(webhooks or {})
    if take is not None and verifier is not None:
        raw[SLACK_PATH] = Guard(SlackEndpoint(take), verifier, limits=limits)
    return with_headers(_Split(raw, app))


class _Split:
    """Sends what other machines send to its own gate, before anything else looks at the request."""

    def __init__(self, raw: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._raw = raw
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; only the very path counts."""
        gate: ASGIApp | None = None
        if scope["type"] == "http":
            # The router's patterns end before a line feed that ends the path.
            gate = self._raw.get(scope["path"]) if scope["path"].isprintable() else _not_found()
        await (gate or self._rest)(scope, receive, send)


def _not_found() -> Response:
    return PlainTextResponse("not found", status_code=404)


def with_headers(app: ASGIApp) -> ASGIApp:
    """Return the application with the headers that every answer of ours carries."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: list[Any] = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                # A page may say more exactly what a browser may do with it.
                headers = [*given, *(header for header in _HEADERS if header[0] not in names)]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, sending if scope["type"] == "http" else send)

    return wrapped
