"""Shopify's pages and endpoints of OAuth: the install page and the token endpoint of every shop."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.consent import Asks, Card, Sheet, asks_a_person, draw, sorry
from sandbox.providers.edge import note
from sandbox.providers.shopify.oauth import Denied, Grant, Tokens

_HOUSE, _BRAND = "Shopify", "shopify"
_WORDS = {"read_all_orders": "read orders older than 60 days too"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """An install request that was found in order."""

    shop: str
    back: str
    state: str
    scopes: tuple[str, ...]
    challenge: str


class Consent:
    """The OAuth routes around one token service; `shops` tells the names of the domains."""

    def __init__(self, oauth: Tokens, shops: Callable[[], Mapping[str, str]]) -> None:
        self._oauth = oauth
        self._shops = shops
        self._asks: Asks[_Asked] = Asks(oauth.clock)

    def routes(self, prefix: str) -> list[Route]:
        """Return the routes below one path prefix."""
        page = f"{prefix}/admin/oauth/authorize"
        return [
            Route(f"{prefix}/admin/oauth/access_token", self._token, methods=["POST"]),
            Route(page, self._authorize, methods=["GET"]),
            Route(page, self._answered, methods=["POST"]),
        ]

    def launch(self, shop: str, app_url: str) -> str:
        """Return the signed address by which Shopify opens the app for a shop (KeyError for an unknown shop)."""
        self._shops()[shop]
        query = {"host": "c2FuZGJveA", "shop": shop, "timestamp": self._now()}
        return f"{app_url}?{urlencode(query | {'hmac': self._oauth.sign(query)})}"

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        shop, back = domain_of(request), asked.get("redirect_uri", "")
        plain_challenge = "code_challenge" in asked and asked.get("code_challenge_method") != "S256"
        if shop not in self._shops():
            return _wrong(request, "Sorry, this shop is currently unavailable.", status=404)
        if asked.get("client_id") != self._oauth.client_id:
            return _wrong(request, "Oauth error invalid_request: Could not find Shopify API application.")
        if not back or not self._oauth.takes(back) or plain_challenge:
            return _wrong(request, "Oauth error invalid_request: The redirect_uri is not whitelisted")
        scopes = tuple(scope for scope in asked.get("scope", "").split(",") if scope)
        found = _Asked(shop, back, asked.get("state", ""), scopes, asked.get("code_challenge", ""))
        if not asks_a_person(request, self._oauth.asking):
            return self._go(request, found, (self._oauth.choice or shop) if self._oauth.consents else "")
        note(request.scope, "asked a person")
        return draw(self._sheet(request, found))

    def _sheet(self, request: Request, asked: _Asked) -> Sheet:
        names = self._shops()
        cards = tuple(
            Card(domain, names[domain], domain, "asked for" if domain == asked.shop else "")
            for domain in sorted(names, key=lambda domain: domain != asked.shop)
        )
        given = [scope for scope in asked.scopes if scope not in self._oauth.withheld]
        return Sheet(
            _HOUSE, _BRAND, "Install Tidings", "You are about to install this app in one of your shops.",
            request.url.path, self._asks.open(asked), asked.back, signed_in="Daniel Kim", question="Which shop?",
            cards=cards, chosen=self._oauth.choice or asked.shop, yes="Install app",
            allows=tuple(_WORDS.get(scope, scope.replace("_", " ")) for scope in given),
        )  # fmt: skip

    async def _answered(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked = self._asks.take(form.get("ask", ""))
        choice = form.get("choice", "") if form.get("decision") == "yes" else ""
        if asked is None or asked.shop != domain_of(request) or (choice and choice not in self._shops()):
            return sorry(_HOUSE, _BRAND, "Please begin again", "This page was answered already, or it is too old.")
        return self._go(request, asked, choice)

    def _go(self, request: Request, asked: _Asked, shop: str) -> Response:
        """Send the browser back: signed and with a code for the shop, or with a no where there is none."""
        if not shop:
            note(request.scope, "declined")
            denied = {"error": "access_denied", "error_description": "The owner denied", "state": asked.state}
            return RedirectResponse(f"{asked.back}?{urlencode(denied)}", 302)
        query = {
            "code": self._oauth.code(shop, asked.scopes, asked.challenge),
            "host": "c2FuZGJveA",
            "shop": shop,
            "state": asked.state,
            "timestamp": self._now(),
        }
        note(request.scope, f"consented for {shop}")
        return RedirectResponse(f"{asked.back}?{urlencode(query | {'hmac': self._oauth.sign(query)})}", 302)

    def _now(self) -> str:
        return str(int(self._oauth.clock.now().timestamp()))

    async def _token(self, request: Request) -> Response:
        form = form_of(request.headers.get("content-type", ""), await request.body())
        try:
            grant, effect = self._granted(domain_of(request), form)
        except Denied as denied:
            for done in denied.notes:
                note(request.scope, done)
            return _json({"error": denied.error, "error_description": denied.description}, denied.status)
        note(request.scope, effect)
        return _json(token_answer(grant, self._oauth))

    def _granted(self, domain: str, form: Mapping[str, str]) -> tuple[Grant, str]:
        if domain not in self._shops():
            raise Denied("invalid_request", "Unknown shop", status=404)
        self._oauth.check_client(form.get("client_id", ""), form.get("client_secret", ""))
        match form.get("grant_type", "authorization_code"):
            case "refresh_token":
                given = form.get("refresh_token", "")
                grant = self._oauth.refresh(domain, given)
                return grant, "issued access token" if grant.refresh_token == given else "rotated refresh token"
            case "authorization_code":
                expiring = form.get("expiring") in ("1", "true")
                code, verifier = form.get("code", ""), form.get("code_verifier", "")
                return self._oauth.exchange(domain, code, expiring=expiring, verifier=verifier), "exchanged code"
            case _:
                raise Denied("unsupported_grant_type", "The grant type is not supported")


def token_answer(grant: Grant, oauth: Tokens) -> dict[str, Any]:
    """Return the body of the token endpoint."""
    answer: dict[str, Any] = {"access_token": grant.access_token, "scope": ",".join(grant.scopes)}
    if grant.access[grant.access_token] is not None:
        answer |= {"expires_in": int(oauth.access_lifetime.total_seconds()), "refresh_token": grant.refresh_token}
        answer["refresh_token_expires_in"] = _left(grant, oauth)
    return answer


def domain_of(request: Request) -> str:
    """Return the shop that a request is for: from its path, or from its host."""
    shop = request.path_params.get("shop")
    return str(shop) if shop else request.headers.get("host", "").partition(":")[0]


def form_of(content_type: str, data: bytes) -> dict[str, str]:
    """Read a token request, which may come as JSON or as a form."""
    if "json" not in content_type:
        return {key: values[0] for key, values in parse_qs(data.decode("latin-1")).items()}
    try:
        return {key: str(value) for key, value in msgspec.json.decode(data, type=dict[str, Any]).items()}
    except msgspec.DecodeError:
        return {}


def _left(grant: Grant, oauth: Tokens) -> int:
    if grant.refresh_expires_at is None:
        return 0
    left = (grant.refresh_expires_at - oauth.clock.now()).total_seconds()
    return int(left + 0.999)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    headers = {"x-request-id": str(uuid.uuid4())}
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json; charset=utf-8")


def _wrong(request: Request, words: str, *, status: int = 400) -> Response:
    note(request.scope, f"refused: {words}")
    return sorry(_HOUSE, _BRAND, "There is a problem", words, status=status)
