"""The Amazon stand-in as apps: one per region, each on a port of its own, around the same sellers and tokens."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.journal import Journal
from sandbox.misbehave import Call, Kind, Rule, Script
from sandbox.providers import admin
from sandbox.providers.amazon.consent import Consent, answer, token_answer
from sandbox.providers.amazon.oauth import Grant, Tokens
from sandbox.providers.amazon.reports import InvalidInputError
from sandbox.providers.amazon.sellers import REGIONS, Seller, known_sellers
from sandbox.providers.amazon.shop import Shop
from sandbox.providers.edge import Asked, Edge, fingerprint
from sandbox.providers.hooks import Delivered
from storage.facts.clock import Clock, SystemClock

_OPERATIONS = {
    "/auth/o2/token": "token",
    "/apps/authorize/consent": "authorize",
    "/sellers/v1/marketplaceParticipations": "participations",
    "/finances/2024-06-19/transactions": "transactions",
    "/fba/inventory/v1/summaries": "inventory",
}
_BELOW = {
    "/reports/2021-06-30/reports/": "look at report",
    "/reports/2021-06-30/documents/": "open document",
    "/_store/": "download",
}
#: Where the product takes sellers who come from Amazon, below its own address.
LOGIN_PATH = "/connect/amazon/renew"
_GENEROUS = 50.0
_RATE = {
    "participations": (0.016, 15.0),
    "transactions": (0.5, 10.0),
    "inventory": (2.0, 2.0),
    "create report": (0.0167, 15.0),
    "list reports": (0.0222, 10.0),
    "look at report": (2.0, 15.0),
    "open document": (0.0167, 15.0),
}
_FINANCES = frozenset({"transactions"})
_EXPIRED = "The access token you provided has expired."
_INVALID = "The access token you provided is revoked, malformed or invalid."
_MISSING = "Access token is missing in the request header."
_ROLE = (
    "The application does not have access to one or more requested data roles. Please check the roles of your "
    "developer profile and of the application."
)

Handler = Callable[[Seller, Request], Awaitable[Any]]


@dataclass
class _Bucket:
    left: float
    at: datetime


class Amazon:
    """Amazon for one app and any number of sellers in three regions."""

    def __init__(
        self, sellers: Mapping[str, Seller] | None = None, *, clock: Clock | None = None,
        journal: Journal | None = None, script: Script | None = None, throttle: bool = False,
        generous: bool = False, orders: int = 12,
    ) -> None:  # fmt: skip
        self.clock = clock or SystemClock()
        self.sellers = dict(sellers) if sellers is not None else known_sellers()
        self.oauth = Tokens(self.clock, choice=next(iter(self.sellers)))
        self.journal = journal or Journal(self.clock)
        self.script = script or Script()
        #: whether calls are limited as Amazon does: 15 at once and then one a minute
        self.throttle = throttle
        #: whether its answers tell a rate at which years of reports are a matter of seconds, and not Amazon's usual one
        self.generous = generous
        #: where the product is, once that is known
        self.product: Callable[[], str] = str
        #: orders of each seller at the start
        self.shops: dict[str, Shop] = {
            id_: Shop(seller, self.clock, orders=orders) for id_, seller in self.sellers.items()
        }
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._consents = {region: Consent(self.oauth, region, self.known, self.login) for region in REGIONS}
        self.apps: dict[str, ASGIApp] = {region: self._app(region) for region in REGIONS}

    def known(self) -> Mapping[str, Seller]:
        """Return the sellers by id."""
        return self.sellers

    def login(self) -> str:
        """Return where the app signs sellers in that come from Amazon; empty: nowhere."""
        product = self.product()
        return self.oauth.login_uri or (f"{product}{LOGIN_PATH}" if product else "")

    def names(self) -> dict[str, str]:
        """Return the sellers' names by id."""
        return {seller.id: seller.name for seller in self.sellers.values()}

    def environment(self, urls: Mapping[str, str]) -> dict[str, str]:
        """Return the settings that point the product here; `urls` are the addresses of the regions' apps."""
        found = {
            "AMAZON_CLIENT_ID": self.oauth.client_id,
            "AMAZON_CLIENT_SECRET": self.oauth.client_secret,
            "AMAZON_APPLICATION_ID": self.oauth.application_id,
        }
        for region in REGIONS:
            end = region.upper()
            found[f"AMAZON_API_URL_{end}"] = urls[region]
            found[f"AMAZON_AUTH_URL_{end}"] = f"{urls[region]}/apps/authorize/consent"
            found[f"AMAZON_TOKEN_URL_{end}"] = f"{urls[region]}/auth/o2/token"
        return found

    def launch(self, seller: str, base: str) -> str:
        """Return the address by which Amazon opens the app's login for a seller; `base` is its region's address."""
        return self._consents[self.sellers[seller].region].launch(seller, base)

    # -- what the edge asks -------------------------------------------------------------------------------------------

    def describe(self, asked: Asked) -> Call:
        """Say what a request is about."""
        operation = _operation(asked.method, asked.path)
        form = parse_qs(asked.body.decode("latin-1")) if operation == "token" else {}
        token = form.get("refresh_token", [""])[0] or asked.headers.get("x-amz-access-token", "")
        kind = form.get("grant_type", [""])[0]
        return Call(
            asked.method, asked.path, operation, kind, self.oauth.account_of(token), asked.query, fingerprint(token)
        )

    def trouble(self, rule: Rule, call: Call) -> Response:
        """Return Amazon's own answer for a scripted trouble."""
        if rule.body is not None:
            return Response(rule.body, rule.status or 503, media_type="application/json")
        match rule.kind:
            case Kind.UNAUTHORIZED:
                return _refused(403, "Unauthorized", "Access to requested resource is denied.", rule.code or _INVALID)
            case Kind.RATE_LIMIT if call.operation == "token":
                return answer({"error": "temporarily_unavailable", "error_description": "Too many requests"}, 429)
            case Kind.RATE_LIMIT:
                return _refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
            case Kind.FAULT:
                return _refused(400, rule.code or "InvalidInput", "Invalid Input", "")
            case _:
                return _refused(rule.status or 503, "ServiceUnavailable", "Service is temporarily unavailable.", "")

    def revoke(self, account: str) -> None:
        """Take the grants of a seller back, as the seller does under "Manage Your Apps"."""
        self.oauth.revoke(account)

    # -- what the operator asks ---------------------------------------------------------------------------------------

    def give(self, account: str) -> dict[str, Any]:
        """Authorize the app for a seller; returns the token answer."""
        self.sellers[account]  # an unknown seller is the operator's mistake: KeyError
        return token_answer(self.oauth.grant(account), self.oauth)

    def mutate(self, account: str, **wishes: int) -> dict[str, Any]:
        """Change the state (suspended, finance_role, transactions: 1 or 0), or go on (orders=n new, changes=n)."""
        seller = self.sellers[account]
        if not wishes.keys() <= {"suspended", "finance_role", "transactions", "seed", "orders", "changes"}:
            raise ValueError("only these can be wished for: suspended, finance_role, transactions, orders, changes")
        if "orders" in wishes or "changes" in wishes:
            now = self.clock.now()
            return self.shops[account].trade.go_on(wishes.get("orders", 0), wishes.get("changes", 0), now)
        if "suspended" in wishes:
            seller.state = "suspended" if wishes["suspended"] else "active"
        seller.finance_role = bool(wishes.get("finance_role", seller.finance_role))
        seller.transactions = bool(wishes.get("transactions", seller.transactions))
        return {"state": seller.state, "finance_role": seller.finance_role, "transactions": seller.transactions}

    async def hook(self, url: str, wishes: Mapping[str, Any]) -> list[Delivered]:
        """Send nothing: Amazon has no webhooks, its notifications go to queues (ValueError)."""
        raise ValueError(f"Amazon sends no webhooks (asked for {sorted(wishes)} to {url})")

    def truth(self, account: str, entity: str) -> bytes:
        """Return what a seller has as JSON: `marketplaces`, `orders`."""
        if entity == "marketplaces":
            return msgspec.json.encode(self.sellers[account].participations())
        return msgspec.json.encode(self.shops[account].truth(entity))

    # -- the API ------------------------------------------------------------------------------------------------------

    def _app(self, region: str) -> ASGIApp:
        routes = [
            Route("/sellers/v1/marketplaceParticipations", self._call(region, "participations", _participations)),
            Route("/finances/2024-06-19/transactions", self._call(region, "transactions", self._transactions)),
            Route("/fba/inventory/v1/summaries", self._call(region, "inventory", self._inventory)),
            *self._report_routes(region),
            *self._consents[region].routes(),
            *admin.routes(self),
        ]
        app = Starlette(routes=routes, exception_handlers={404: _nowhere})
        return Edge(app, self, journal=self.journal, script=self.script, clock=self.clock)

    def _call(self, region: str, name: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let a request through to a seller: token, region, account, role, quota, then the handler."""

        async def guarded(request: Request) -> Response:
            token = request.headers.get("x-amz-access-token", "")
            grant = self.oauth.holder(token)
            if grant is None:
                return _denied(self._why(token))
            seller = self.sellers[grant.account]
            refusal = self._refusal(seller, grant, name, region)
            if refusal is not None:
                return refusal
            rate = f"{_GENEROUS if self.generous else _RATE[name][0]}"
            try:
                said = await handler(seller, request)
            except InvalidInputError as mistake:
                return _refused(400, "InvalidInput", str(mistake), "")
            except KeyError:
                return _refused(404, "NotFound", "The resource specified does not exist.", "")
            status = 202 if name == "create report" else 200
            if isinstance(said, bytes):
                said = msgspec.Raw(said)
            return answer(said, status, headers=_headers() | {"x-amzn-RateLimit-Limit": rate})

        return guarded

    def _refusal(self, seller: Seller, grant: Grant, name: str, region: str) -> Response | None:
        if seller.region != region or seller.state != "active":
            return _denied("")
        if name in _FINANCES and not (seller.finance_role and "finance" in grant.scopes):
            return _denied(_ROLE)
        if not self._admits(seller.id, name):
            return _refused(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "")
        return None

    async def _inventory(self, seller: Seller, request: Request) -> Any:
        return self.shops[seller.id].stock.answer(request.query_params)

    async def _transactions(self, seller: Seller, request: Request) -> Any:
        shop = self.shops[seller.id]
        if not seller.transactions:
            return {"payload": {"transactions": []}}
        shop.ledger.book(shop.trade.truth())
        return shop.ledger.answer(request.query_params)

    def _report_routes(self, region: str) -> list[Route]:
        base = "/reports/2021-06-30"

        async def ask(seller: Seller, request: Request) -> Any:
            try:
                said = msgspec.json.decode(await request.body(), type=dict[str, Any])
            except msgspec.MsgspecError as error:
                raise InvalidInputError("The body is no JSON object.") from error
            return {"reportId": self.shops[seller.id].desk.ask(said)}

        async def listed(seller: Seller, request: Request) -> Any:
            return self.shops[seller.id].listed(request.query_params)

        async def look(seller: Seller, request: Request) -> Any:
            return self.shops[seller.id].desk.look(request.path_params["report"]).told()

        async def opened(seller: Seller, request: Request) -> Any:
            return self.shops[seller.id].desk.open(request.path_params["document"], str(request.base_url).rstrip("/"))

        return [
            Route(f"{base}/reports", self._call(region, "create report", ask), methods=["POST"]),
            Route(f"{base}/reports", self._call(region, "list reports", listed)),
            Route(f"{base}/reports/{{report}}", self._call(region, "look at report", look)),
            Route(f"{base}/documents/{{document}}", self._call(region, "open document", opened)),
            Route("/_store/{document}", self._stored),
        ]

    async def _stored(self, request: Request) -> Response:
        """Be the storage: it knows links only, and refuses who brings a token as well."""
        if "x-amz-access-token" in request.headers or "authorization" in request.headers:
            return Response("<Error><Code>InvalidArgument</Code></Error>", 400, media_type="application/xml")
        document, token = request.path_params["document"], request.query_params.get("X-Amz-Signature", "")
        for shop in self.shops.values():
            if document.rpartition(".")[2] in shop.desk.made and (found := shop.desk.fetch(document, token)):
                return Response(found[0], headers={"content-type": found[1]})
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")

    def _why(self, token: str) -> str:
        """Return what Amazon says of a token that opens nothing; only `details` tells the reasons apart."""
        if not token:
            return _MISSING
        grant = self.oauth.issuer(token)
        return _EXPIRED if grant is not None and token in grant.access and not grant.revoked else _INVALID

    def _admits(self, seller: str, name: str) -> bool:
        if not self.throttle:
            return True
        (rate, burst), now = _RATE[name], self.clock.now()
        bucket = self._buckets.setdefault((seller, name), _Bucket(burst, now))
        bucket.left = min(burst, bucket.left + rate * (now - bucket.at).total_seconds())
        bucket.at = now
        admitted = bucket.left >= 1
        bucket.left -= 1 if admitted else 0
        return admitted


def _operation(method: str, path: str) -> str:
    if path == "/reports/2021-06-30/reports":
        return "create report" if method == "POST" else "list reports"
    for start, operation in _BELOW.items():
        if path.startswith(start):
            return operation
    return _OPERATIONS.get(path, "")


async def _participations(seller: Seller, _: Request) -> Any:
    return {"payload": seller.participations()}


def _headers() -> dict[str, str]:
    return {"x-amzn-RequestId": str(uuid.uuid4())}


def _refused(status: int, code: str, message: str, details: str) -> Response:
    error = {"code": code, "message": message, "details": details}
    return answer({"errors": [error]}, status, _headers() | {"x-amzn-ErrorType": code})


def _denied(details: str) -> Response:
    return _refused(403, "Unauthorized", "Access to requested resource is denied.", details)


async def _nowhere(_request: Request, _problem: Exception) -> Response:
    return _refused(404, "NotFound", "The resource specified does not exist.", "")
