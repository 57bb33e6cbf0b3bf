"""Intuit's pages and endpoints of OAuth: sign-in and consent, the token endpoint, the revocation, the discovery."""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.consent import Asks, Card, Sheet, asks_a_person, draw, sorry
from sandbox.providers.edge import note
from sandbox.providers.quickbooks.oauth import SCOPE, Denied, Grant, Tokens
from sandbox.providers.quickbooks.values import encode

_HOUSE, _BRAND = "Intuit QuickBooks", "quickbooks"
_PAGE = "/connect/oauth2"
_ALLOWS = (
    "read invoices, bills, payments, journals and reports",
    "read customers, vendors, items and the chart of accounts",
    "go on until you disconnect it under Apps, or for five years",
)


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A consent request that was found in order."""

    back: str
    state: str
    scopes: tuple[str, ...]
    challenge: str


class Consent:
    """The OAuth routes around one token service; `companies` tells the names of the realms."""

    def __init__(self, oauth: Tokens, companies: Callable[[], Mapping[str, str]]) -> None:
        self._oauth = oauth
        self._companies = companies
        self._asks: Asks[_Asked] = Asks(oauth.clock)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(_PAGE, self._authorize, methods=["GET"]),
            Route(_PAGE, self._answered, methods=["POST"]),
            Route("/oauth2/v1/tokens/bearer", self._token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self._revoke, methods=["POST"]),
            *(Route(f"/.well-known/{name}{end}", self._discovery)
              for name in ("openid_configuration", "openid_sandbox_configuration") for end in ("", "/")),
        ]  # fmt: skip

    async def _authorize(self, request: Request) -> Response:
        asked, wrong = self._read(request.query_params)
        if asked is None:
            note(request.scope, f"refused: {wrong}")
            said = "Uh oh, there's a connection problem: the app's request is not in order."
            return sorry(_HOUSE, _BRAND, "Sorry", said, code=f"undefined_didnt_connect: {wrong}")
        if not asks_a_person(request, self._oauth.asking):
            return self._go(request, asked, self._oauth.choice if self._oauth.consents else "")
        note(request.scope, "asked a person")
        return draw(self._sheet(asked))

    def _read(self, query: QueryParams) -> tuple[_Asked | None, str]:
        """Return the request, or what is wrong with it."""
        back, scopes = query.get("redirect_uri", ""), tuple(query.get("scope", "").split())
        problems = {
            "client_id": query.get("client_id") != self._oauth.client_id,
            "response_type": query.get("response_type") != "code",
            "redirect_uri": not back or "?" in back or "#" in back or not self._oauth.takes(back),
            "state": not query.get("state"),
            "scope": SCOPE not in scopes,
            "code_challenge_method": "code_challenge" in query and query.get("code_challenge_method") != "S256",
        }
        wrong = next((name for name, is_wrong in problems.items() if is_wrong), "")
        found = _Asked(back, query.get("state", ""), scopes, query.get("code_challenge", ""))
        return (None if wrong else found), wrong

    def _sheet(self, asked: _Asked) -> Sheet:
        cards = tuple(Card(realm, name, f"Company ID {realm}") for realm, name in self._companies().items())
        return Sheet(
            _HOUSE, _BRAND, "Connect Tidings to QuickBooks",
            "Tidings would like to read the books of one of your companies.",
            _PAGE, self._asks.open(asked), asked.back, signed_in="Daniel Kim", question="Which company?",
            cards=cards, chosen=self._oauth.choice, allows=_ALLOWS,
        )  # fmt: skip

    async def _answered(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked = self._asks.take(form.get("ask", ""))
        choice = form.get("choice", "") if form.get("decision") == "yes" else ""
        if asked is None or (choice and choice not in self._companies()):
            return sorry(_HOUSE, _BRAND, "Please begin again", "This page was answered already, or it is too old.")
        return self._go(request, asked, choice)

    def _go(self, request: Request, asked: _Asked, realm: str) -> Response:
        """Send the browser back: with a code for the realm, or with a no where there is none."""
        if not realm:
            note(request.scope, "declined")
            query = {"error": "access_denied", "state": asked.state}
        else:
            code = self._oauth.code(asked.back, account=realm, scopes=asked.scopes, challenge=asked.challenge)
            note(request.scope, f"consented for {realm}")
            query = {"code": code, "state": asked.state, "realmId": realm}
        return RedirectResponse(f"{asked.back}?{urlencode(query)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("latin-1")).items()}
        try:
            self._oauth.check_client(*_client(request, form))
            grant, effect = self._granted(form)
        except Denied as denied:
            return _refused(request, denied)
        note(request.scope, effect)
        hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
        return reply(encode(token_answer(grant, self._oauth, hard=hard)))

    def _granted(self, form: Mapping[str, str]) -> tuple[Grant, str]:
        match form.get("grant_type"):
            case "authorization_code":
                code, back, verifier = (form.get(name, "") for name in ("code", "redirect_uri", "code_verifier"))
                return self._oauth.exchange(code, back, verifier), "exchanged code"
            case "refresh_token":
                grant, rotated = self._oauth.refresh(form.get("refresh_token", ""))
                return grant, "rotated refresh token" if rotated else "issued access token"
            case _:
                raise Denied("unsupported_grant_type")

    async def _revoke(self, request: Request) -> Response:
        try:
            self._oauth.check_client(*_client(request, {}))
        except Denied as denied:
            return _refused(request, denied)
        found = re.search(rb'"token"\s*:\s*"([^"]+)"', await request.body())
        if found is None or not self._oauth.revoke_token(found[1].decode()):
            return reply(encode({"error": "invalid_request"}), 400)
        note(request.scope, "revoked grant")
        return reply(b"")

    async def _discovery(self, request: Request) -> Response:
        """Say where everything is, as Intuit's discovery document does."""
        base = str(request.base_url).rstrip("/")
        return reply(encode({
            "issuer": "https://oauth.platform.intuit.com/op/v1",
            "authorization_endpoint": f"{base}{_PAGE}",
            "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
            "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
            "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
            "jwks_uri": f"{base}/op/v1/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile", "address", "phone"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
        }))  # fmt: skip


def _refused(request: Request, denied: Denied) -> Response:
    for effect in denied.notes:
        note(request.scope, effect)
    described = {"error_description": denied.description} if denied.description else {}
    return reply(encode({"error": denied.error, **described}), denied.status)


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
