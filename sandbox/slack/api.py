"""`/api/…`: reads a Web API call, asks the script of lies, does it, and writes down how it was answered."""

import asyncio
import base64
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.journal import Call, Refused
from sandbox.slack.lies import Lie
from sandbox.slack.methods import METHODS
from sandbox.slack.oauth_install import oauth_access, oauth_exchange
from sandbox.slack.oauth_signin import openid_token, openid_userinfo
from sandbox.slack.wire import cut, until_gone
from sandbox.slack.world import Installation

#: Argument names whose value is JSON when they come in a form.
_JSON_ARGUMENTS = ("blocks", "metadata", "view", "message")
#: Arguments that every method takes; bolt's client names the team in each call.
_ALWAYS = {"token", "team_id"}
_FLAGS = ("unfurl_links", "unfurl_media", "reply_broadcast", "include_all_metadata", "inclusive", "return_im")
#: Methods that the app calls with its own keys instead of a token.
_BY_KEYS: dict[str, Callable[[Core, Json], Json]] = {
    "oauth.v2.access": oauth_access,
    "oauth.v2.exchange": oauth_exchange,
    "openid.connect.token": openid_token,
}
_ANSWERED_AT_ONCE = {"ratelimited", "server_error", "error"}


class WebApi:
    """The methods of Slack's Web API over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, request: Request) -> Response:
        """Answer one call."""
        method = request.path_params["method"]
        try:
            args = await arguments(request)
        except ValueError:
            return self._answer(method, None, Refusal("invalid_json"))
        lie = self._core.lies.take(method, args.get("channel"))
        token = bearer(request, args)
        if lie is None:
            return self._answer(method, token, self._do(method, token, args))
        return await self._lie(request, method, token, args, lie)

    def _do(self, method: str, token: str | None, args: Json) -> Json | Refusal:
        """Carry the call out; a refusal is an answer too."""
        try:
            if method in _BY_KEYS:
                return _BY_KEYS[method](self._core, args)
            if method == "openid.connect.userInfo":
                return openid_userinfo(self._core, token)
            if method == "apps.connections.open":
                return self._open_socket(token)
            return self._run(method, token, args)
        except Refusal as refusal:
            return refusal

    def _run(self, method: str, token: str | None, args: Json) -> Json:
        app = installation(self._core, token, args.get("team_id"))
        known = METHODS.get(method)
        if known is None:
            raise Refusal("unknown_method")
        if known.scopes and not app.scopes & set(known.scopes):
            raise Refusal("missing_scope", needed=known.scopes[0], provided=",".join(sorted(app.scopes)))
        wait = self._core.rates.take(method, app.team, args.get("channel"))
        if wait:
            raise limited(wait)
        unknown = sorted(set(args) - known.arguments - _ALWAYS)
        if unknown:
            raise Refusal("invalid_arguments", *(f"unknown argument [json-pointer:/{name}]" for name in unknown))
        return known.run(self._core, app, args)

    def _open_socket(self, token: str | None) -> Json:
        """Hand out the address of a Socket Mode connection (`apps.connections.open`)."""
        if token is None:
            raise Refusal("not_authed")
        if token != self._core.world.app.app_token.reveal():
            raise Refusal("not_allowed_token_type" if token.startswith("xoxb-") else "invalid_auth")
        if self._core.socket_url is None:
            raise Refusal("internal_error")
        ticket = self._core.stamps.name("ticket-")
        self._core.socket_tickets.add(ticket)
        return {"url": f"{self._core.socket_url}?ticket={ticket}&app_id={self._core.world.app.id}"}

    async def _lie(self, request: Request, method: str, token: str | None, args: Json, lie: Lie) -> Response:
        """Behave as the script says."""
        if lie.kind in _ANSWERED_AT_ONCE:
            return self._answer(method, token, scripted(lie))
        if lie.kind == "latency":
            await asyncio.sleep(lie.seconds)
            return self._answer(method, token, self._do(method, token, args))

        def accept() -> None:
            self._note(method, token, None, self._do(method, token, args))

        await misbehave(self._core, request, lie, accept)
        if lie.kind in {"reset", "hang"}:
            self._note(method, token, None, Refusal(lie.kind))
        return Response(status_code=503)

    def _answer(self, method: str, token: str | None, outcome: Json | Refusal) -> Response:
        status = outcome.status if isinstance(outcome, Refusal) else 200
        self._note(method, token, status, outcome)
        if isinstance(outcome, Refusal):
            if status >= 500:
                return PlainTextResponse("upstream connect error", status)
            return JSONResponse(outcome.body(), status, outcome.headers)
        app = self._core.world.app.installations
        scopes = [",".join(sorted(each.scopes)) for each in app.values() if token and each.knows(token)]
        return JSONResponse({"ok": True, **outcome}, headers={"x-oauth-scopes": scopes[0]} if scopes else {})

    def _note(self, method: str, token: str | None, status: int | None, outcome: Json | Refusal) -> None:
        journal = self._core.journal
        teams = [app.team for app in self._core.world.app.installations.values() if token and app.knows(token)]
        error = outcome.error if isinstance(outcome, Refusal) else None
        team = teams[0] if teams else None
        journal.calls.append(Call(method, team, self._core.clock.now(), status, error is None, error))
        if isinstance(outcome, Refusal) and status == 200:
            journal.refused.append(Refused(method, outcome.error, outcome.messages))
        journal.changed()


async def misbehave(core: Core, request: Request, lie: Lie, accept: Callable[[], object]) -> None:
    """Break the connection as the lie says, with or without accepting first."""
    if lie.kind in {"accept_reset", "accept_hang"}:
        accept()
    if lie.kind == "late_accept":
        core.background.start(_accept_late(lie, accept))
        await until_gone(request, core.closing, lie.seconds)
        await cut(request)
    elif lie.kind in {"hang", "accept_hang"}:
        await until_gone(request, core.closing)
    else:
        await cut(request)


async def _accept_late(lie: Lie, accept: Callable[[], object]) -> None:
    """Accept after the caller has given up: at the lie's time, when the connection is gone by then."""
    await asyncio.sleep(lie.seconds)
    accept()


def scripted(lie: Lie) -> Refusal:
    """Return the answer of a lie that answers at once."""
    if lie.kind == "ratelimited":
        return limited(lie.retry_after)
    if lie.kind == "server_error":
        return Refusal("server_error", status=lie.status)
    return Refusal(lie.error)


def limited(seconds: int) -> Refusal:
    """Return the 429 with its `Retry-After`."""
    return Refusal("ratelimited", status=429, headers={"Retry-After": str(seconds)})


def installation(core: Core, token: str | None, team: object = None) -> Installation:
    """Return whose token it is; one of a whole enterprise serves the team that the call names, else its first."""
    if not token:
        raise Refusal("not_authed")
    known = [app for app in core.world.app.installations.values() if app.knows(token)]
    if known:
        app = next((each for each in known if each.team == team), known[0])
        if app.revoked:
            raise Refusal("token_revoked")
        if app.ended(token, core.clock.now()):
            raise Refusal("token_expired")
        return app
    raise Refusal("not_allowed_token_type" if token == core.world.app.app_token.reveal() else "invalid_auth")


def bearer(request: Request, args: Json) -> str | None:
    """Return the token of a call, from its header or its arguments."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else args.get("token")


async def arguments(request: Request) -> Json:
    """Return the arguments of a call, from its query and its form or JSON body (ValueError when it is neither)."""
    args: Json = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        body = json.loads(await request.body() or b"{}")
        if not isinstance(body, dict):
            raise ValueError("not an object")
        args |= body
    else:
        args |= {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    for name in _JSON_ARGUMENTS:
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    args |= {name: args[name] in {True, "1", "true", "True"} for name in _FLAGS if name in args}
    return args | _basic(request)


def _basic(request: Request) -> Json:
    """Return client id and secret of HTTP Basic authentication, as oauth.v2.access takes them."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
    return {"client_id": client_id, "client_secret": client_secret}
