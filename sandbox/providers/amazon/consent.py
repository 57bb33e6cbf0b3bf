"""Seller Central's pages and Login with Amazon: consent per region, "Manage Your Apps", the token endpoint."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.consent import Asks, Card, Sheet, asks_a_person, draw, sorry
from sandbox.providers.amazon.oauth import Denied, Grant, Tokens
from sandbox.providers.amazon.sellers import Seller
from sandbox.providers.edge import note

_HOUSE, _BRAND = "Amazon Seller Central", "amazon"
_PAGE = "/apps/authorize/consent"
_PLACES = {"na": "North America", "eu": "Europe", "fe": "Far East"}
_ALLOWS = ("see your marketplaces", "read orders, settlements and inventory", "go on for 365 days, then ask you again")
_WORDS = {
    "invalid_grant": "The request has an invalid grant parameter : {}. User may have revoked or didn't grant the "
    "permission.",
    "invalid_client": "Client authentication failed",
    "unsupported_grant_type": "The authorization grant type is not supported by the authorization server",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A consent request that was found in order."""

    back: str
    state: str


class Consent:
    """The routes of one region around one token service."""

    def __init__(
        self, oauth: Tokens, region: str, sellers: Callable[[], Mapping[str, Seller]], login: Callable[[], str]
    ) -> None:
        self._oauth = oauth
        self._region = region
        self._sellers = sellers
        self._login = login
        self._asks: Asks[_Asked] = Asks(oauth.clock)
        #: states that Amazon gave out when a seller started at Amazon
        self._launched: set[str] = set()

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(_PAGE, self._authorize, methods=["GET"]),
            Route(_PAGE, self._answered, methods=["POST"]),
            Route("/apps/manage", self._manage, methods=["GET"]),
            Route("/apps/authorize/confirm/{app}", self._confirm, methods=["GET"]),
            Route("/auth/o2/token", self._token, methods=["POST"]),
        ]

    def launch(self, seller: str, base: str) -> str:
        """Return the address by which Amazon opens the app's login for a seller (KeyError, ValueError)."""
        self._here()[seller]
        if not self._login():
            raise ValueError("the app has no login address yet")
        state = secrets.token_urlsafe(16)
        self._launched.add(state)
        query = {
            "amazon_callback_uri": f"{base}/apps/authorize/confirm/{self._oauth.application_id}",
            "amazon_state": state,
            "selling_partner_id": seller,
        }
        return f"{self._login()}?{urlencode(query)}"

    def _here(self) -> dict[str, Seller]:
        return {id_: seller for id_, seller in self._sellers().items() if seller.region == self._region}

    async def _authorize(self, request: Request) -> Response:
        if request.query_params.get("application_id") != self._oauth.application_id:
            return _wrong(request, "MD1000: the application id is unknown")
        return self._ask(request)

    async def _confirm(self, request: Request) -> Response:
        """Go on with a seller who started at Amazon and was signed in by the app."""
        state = request.query_params.get("amazon_state", "")
        if request.path_params["app"] != self._oauth.application_id or state not in self._launched:
            return _wrong(request, "MD5110: Amazon did not ask for this")
        self._launched.discard(state)
        return self._ask(request)

    def _ask(self, request: Request) -> Response:
        query, back = request.query_params, request.query_params.get("redirect_uri", "")
        if not back or not self._oauth.takes(back):
            return _wrong(request, "MD9100: the redirect URI is not the app's")
        asked = _Asked(back, query.get("state", ""))
        if not asks_a_person(request, self._oauth.asking):
            return self._go(request, asked, self._default() if self._oauth.consents else "")
        note(request.scope, "asked a person")
        return draw(self._sheet(asked))

    def _default(self) -> str:
        return self._oauth.choice if self._oauth.choice in self._here() else next(iter(self._here()))

    def _sheet(self, asked: _Asked) -> Sheet:
        cards = tuple(
            Card(each.id, each.name, f"{', '.join(each.countries)} · {each.id}",
                 "suspended" if each.state != "active" else "")
            for each in self._here().values()
        )  # fmt: skip
        return Sheet(
            _HOUSE, _BRAND, "Authorize Tidings", f"Seller Central for {_PLACES[self._region]}: Tidings asks for access "
            "to one of your seller accounts.", _PAGE, self._asks.open(asked), asked.back, signed_in="Daniel Kim",
            question="Which seller account?", cards=cards, chosen=self._default(), allows=_ALLOWS, yes="Confirm",
        )  # fmt: skip

    async def _answered(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked = self._asks.take(form.get("ask", ""))
        seller = form.get("choice", "") if form.get("decision") == "yes" else ""
        if asked is None or (seller and seller not in self._here()):
            return sorry(_HOUSE, _BRAND, "Please begin again", "This page was answered already, or it is too old.")
        return self._go(request, asked, seller)

    def _go(self, request: Request, asked: _Asked, seller: str) -> Response:
        query = {"state": asked.state}
        if seller:
            code = self._oauth.code(asked.back, account=seller)
            query |= {"selling_partner_id": seller, "spapi_oauth_code": code}
            note(request.scope, f"consented for {seller}")
        else:
            query |= {"error": "access_denied", "error_description": "The seller declined"}
            note(request.scope, "declined")
        return RedirectResponse(f"{asked.back}{'&' if '?' in asked.back else '?'}{urlencode(query)}", 302)

    async def _manage(self, request: Request) -> Response:
        """Show the seller's apps: from here a consent is renewed."""
        base = str(request.base_url).rstrip("/")
        chosen = request.query_params.get("choice", "")
        if chosen in self._here() and self._login():
            return RedirectResponse(self.launch(chosen, base), 302)
        cards = tuple(Card(each.id, each.name, each.id, self._held(each.id)) for each in self._here().values())
        return draw(Sheet(
            _HOUSE, _BRAND, "Manage your apps", "Renewing takes you to Tidings, which signs you in and sends you back.",
            "/apps/manage", "", self._login() or base, signed_in="Daniel Kim", question="Tidings for",
            cards=cards, chosen=self._default(), yes="Renew authorization", method="get",
        ))  # fmt: skip

    def _held(self, seller: str) -> str:
        grants = self._oauth.grants(seller)
        if not grants:
            return "not authorized"
        ended = grants[-1].revoked or grants[-1].hard_expires_at <= self._oauth.clock.now()
        return "ended" if ended else f"until {grants[-1].hard_expires_at:%Y-%m-%d}"

    async def _token(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("latin-1")).items()}
        try:
            self._oauth.check_client(form.get("client_id", ""), form.get("client_secret", ""))
            grant, effect = self._granted(form)
        except Denied as denied:
            for done in denied.notes:
                note(request.scope, done)
            kind = "refresh_token" if form.get("grant_type") == "refresh_token" else "authorization_code"
            said = _WORDS.get(denied.error, denied.description).format(kind)
            return answer({"error": denied.error, "error_description": said}, denied.status)
        note(request.scope, effect)
        return answer(token_answer(grant, self._oauth))

    def _granted(self, form: Mapping[str, str]) -> tuple[Grant, str]:
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._oauth.exchange(form.get("code", ""), form.get("redirect_uri", ""))
                return grant, "exchanged code"
            case "refresh_token":
                grant, rotated = self._oauth.refresh(form.get("refresh_token", ""))
                return grant, "rotated refresh token" if rotated else "issued access token"
            case _:
                raise Denied("unsupported_grant_type")


def token_answer(grant: Grant, oauth: Tokens) -> dict[str, Any]:
    """Return the body of the token endpoint."""
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "bearer",
        "expires_in": int(oauth.access_lifetime.total_seconds()),
    }


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON as Amazon sends it."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def _wrong(request: Request, words: str) -> Response:
    note(request.scope, f"refused: {words}")
    return sorry(_HOUSE, _BRAND, "We cannot go on", "The app's request is not in order.", code=words)
