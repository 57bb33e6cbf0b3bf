"""Sign in with Slack, as small as it can be: a page that says yes, a token, and who that is."""

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.slack_signin import SlackApp
from sandbox.providers.serve import serve
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret

CLIENT, SECRET = "123.456", "slack-client-secret"


@dataclass
class Slack:
    """What it knows, and how it may be made to lie."""

    codes: dict[str, tuple[SlackIdentity, str, str]] = field(default_factory=dict)
    tokens: dict[str, SlackIdentity] = field(default_factory=dict)
    #: changes what it answers: audience, nonce, sub, or an HTTP status
    lies: dict[str, object] = field(default_factory=dict)
    url: str = ""

    @property
    def app(self) -> SlackApp:
        return SlackApp(CLIENT, Secret(SECRET), f"{self.url}/api/")

    def consent(self, address: str, who: SlackIdentity) -> list[tuple[str, str]]:
        """Say yes as that person on the page at that address; return what comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.url}/openid/connect/authorize?")
        assert (asked["client_id"], asked["scope"], asked["response_type"]) == (CLIENT, "openid", "code")
        code = secrets.token_hex(8)
        self.codes[code] = (who, asked["nonce"], asked["redirect_uri"])
        return [("code", code), ("state", asked["state"])]

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if "status" in self.lies:
            return Response("<html>", status_code=int(str(self.lies["status"])))
        right = form.get("client_id") == CLIENT and form.get("client_secret") == SECRET
        found = self.codes.pop(form.get("code", ""), None)
        if not right or found is None or form.get("redirect_uri") != found[2]:
            return JSONResponse({"ok": False, "error": "invalid_code"})
        who, nonce, _ = found
        claims = {"aud": CLIENT, "sub": who.user_id, "nonce": nonce, **self.lies}
        token = secrets.token_hex(8)
        self.tokens[token] = who
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return JSONResponse({"ok": True, "access_token": token, "token_type": "Bearer", "id_token": f"e30.{body}.x"})

    async def person(self, request: Request) -> Response:
        who = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if who is None:
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        named = {"https://slack.com/user_id": who.user_id, "https://slack.com/team_id": who.team_id}
        return JSONResponse({"ok": True, "sub": who.user_id, **named})


@asynccontextmanager
async def slack_at() -> AsyncIterator[Slack]:
    """Serve it."""
    slack = Slack()
    routes = [
        Route("/api/openid.connect.token", slack.token, methods=["POST"]),
        Route("/api/openid.connect.userInfo", slack.person, methods=["POST"]),
    ]
    async with serve(Starlette(routes=routes)) as served:
        slack.url = served.url
        yield slack
