"""Intuit's pages and endpoints of OAuth: the consent page, the token endpoint and the revocation."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.providers.edge import note
from sandbox.providers.quickbooks.oauth import SCOPE, Denied, Grant, Tokens
from sandbox.providers.quickbooks.values import encode

_SORRY = "<!DOCTYPE html><title>Sorry</title><p>Uh oh, there's a connection problem: undefined_didnt_connect</p>"


def reply(body: bytes, status: int = 200) -> Response:
    """Return an answer with Intuit's transaction id, as every one has."""
    return Response(body, status, {"intuit_tid": f"1-{uuid.uuid4()}"}, media_type="application/json")


def token_answer(grant: Grant, oauth: Tokens, *, hard: bool = False) -> dict[str, Any]:
    """Return the body of the token endpoint."""
    now = oauth.clock.now()
    answer = {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "bearer",
        "expires_in": int(oauth.access_lifetime.total_seconds()),
        "x_refresh_token_expires_in": int((grant.refresh_expires_at - now).total_seconds()),
    }
    left = int((grant.hard_expires_at - now).total_seconds())
    return answer | ({"x_refresh_token_hard_expires_in": left} if hard else {})


class Consent:
    """The OAuth routes around one token service."""

    def __init__(self, oauth: Tokens) -> None:
        self._oauth = oauth

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/connect/oauth2", self._authorize),
            Route("/oauth2/v1/tokens/bearer", self._token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self._revoke, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        back = asked.get("redirect_uri", "")
        known = asked.get("client_id") == self._oauth.client_id and asked.get("response_type") == "code"
        if (
            not known
            or not back
            or "?" in back
            or not asked.get("state")
            or SCOPE not in asked.get("scope", "").split()
        ):
            return Response(_SORRY, 400, media_type="text/html")
        if not self._oauth.consents:
            return RedirectResponse(f"{back}?{urlencode({'error': 'access_denied', 'state': asked['state']})}", 302)
        code = self._oauth.code(back)
        note(request.scope, "consented")
        query = {"code": code, "state": asked["state"], "realmId": self._oauth.choice}
        return RedirectResponse(f"{back}?{urlencode(query)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("latin-1")).items()}
        try:
            self._oauth.check_client(*_client(request, form))
            grant, effect = self._granted(form)
        except Denied as denied:
            described = {"error_description": denied.description} if denied.description else {}
            return reply(encode({"error": denied.error, **described}), denied.status)
        note(request.scope, effect)
        hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
        return reply(encode(token_answer(grant, self._oauth, hard=hard)))

    def _granted(self, form: Mapping[str, str]) -> tuple[Grant, str]:
        match form.get("grant_type"):
            case "authorization_code":
                return self._oauth.exchange(form.get("code", ""), form.get("redirect_uri", "")), "exchanged code"
            case "refresh_token":
                grant, rotated = self._oauth.refresh(form.get("refresh_token", ""))
                return grant, "rotated refresh token" if rotated else "issued access token"
            case _:
                raise Denied("unsupported_grant_type")

    async def _revoke(self, request: Request) -> Response:
        try:
            self._oauth.check_client(*_client(request, {}))
        except Denied as denied:
            return reply(encode({"error": denied.error}), denied.status)
        found = re.search(rb'"token"\s*:\s*"([^"]+)"', await request.body())
        if found is None or not self._oauth.revoke_token(found[1].decode()):
            return reply(encode({"error": "invalid_request"}), 400)
        note(request.scope, "revoked grant")
        return reply(b"")


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
