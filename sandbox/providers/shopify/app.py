"""The Shopify stand-in as an app: any number of shops, by path prefix or by host name."""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.journal import Journal
from sandbox.misbehave import Call, Kind, Rule, Script
from sandbox.providers import admin, catalogue
from sandbox.providers.edge import Asked, Edge, fingerprint, note
from sandbox.providers.hooks import Delivered, deliver
from sandbox.providers.shopify import errors
from sandbox.providers.shopify.bucket import Bucket
from sandbox.providers.shopify.bulk import Bulk
from sandbox.providers.shopify.consent import Consent, domain_of, form_of, token_answer
from sandbox.providers.shopify.execute import Ask, Executor
from sandbox.providers.shopify.generate import generate
from sandbox.providers.shopify.oauth import Grant, Tokens
from sandbox.providers.shopify.store import Store
from sandbox.providers.shopify.webhooks import Secrets, webhook
from storage.facts.clock import Clock, SystemClock

VERSION = "2026-10"
#: Versions that are answered as asked; older ones fall forward to the first.
VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10", "unstable")
AS_OF = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

_ADMIN = re.compile(r"^(?:/(?P<shop>[a-z0-9][a-z0-9.-]*))?/admin/(?P<rest>.+)$")
_OPERATIONS = {
    "oauth/access_token": "token", "oauth/authorize": "authorize", "api_permissions/current.json": "revoke",
}  # fmt: skip
_ROOT = re.compile(r"^[^{]*\{\s*(?:\w+\s*:\s*)?(\w+)")
_MUTATION = re.compile(r"^\s*mutation\b|\}\s*mutation\b")
_UNAUTHORIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
#: what a shop that is not open answers
_STATES = {
    "frozen": (402, "Unavailable Shop"),
    "forbidden": (403, "[API] This action requires merchant approval for the necessary scope."),
    "locked": (423, "Unavailable Shop"),
}


class Shopify:
    """Shopify for one app and any number of shops."""

    def __init__(
        self, shops: Mapping[str, Store], *, clock: Clock | None = None, journal: Journal | None = None,
        script: Script | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock or SystemClock()
        self.shops = dict(shops)
        self.buckets = {domain: Bucket() for domain in self.shops}
        self.bulks = {domain: Bulk() for domain in self.shops}
        self.oauth = Tokens(self.clock)
        self.journal = journal or Journal(self.clock)
        self.script = script or Script()
        #: told of a shop which the app left by itself
        self.left: Callable[[str], None] = _unheard
        self._executor = Executor()
        self._consent = Consent(self.oauth, self.names)
        inner = Starlette(routes=[*self._routes("/{shop}"), *self._routes(""), *admin.routes(self)])
        self.app: ASGIApp = Edge(inner, self, journal=self.journal, script=self.script, clock=self.clock)

    @classmethod
    def generated(
        cls, *, seed: int = 1, orders: int = 200, as_of: datetime = AS_OF, clock: Clock | None = None,
        journal: Journal | None = None, domain: str = catalogue.SHOP,
    ) -> "Shopify":  # fmt: skip
        """Return the stand-in with Temerity Goods' shop and so many orders."""
        ticking = clock or SystemClock()
        store = generate(seed, orders, as_of=as_of, clock=ticking, domain=domain)
        return cls({domain: store}, clock=ticking, journal=journal)

    def add_shop(self, domain: str, name: str, *, seed: int = 2, orders: int = 40, as_of: datetime = AS_OF) -> Store:
        """Let there be one more shop to install the app in."""
        self.shops[domain] = generate(seed, orders, as_of=as_of, clock=self.clock, domain=domain, name=name)
        self.buckets[domain] = Bucket()
        self.bulks[domain] = Bulk()
        return self.shops[domain]

    def launch(self, shop: str, app_url: str) -> str:
        """Return the signed address by which Shopify opens the app for a shop (KeyError for an unknown shop)."""
        return self._consent.launch(shop, app_url)

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point the product here."""
        return {
            "SHOPIFY_CLIENT_ID": self.oauth.client_id,
            "SHOPIFY_CLIENT_SECRET": self.oauth.client_secret,
            "SHOPIFY_API_URL": f"{url}/{{shop}}",
            "SHOPIFY_AUTH_URL": f"{url}/{{shop}}/admin/oauth/authorize",
            "SHOPIFY_TOKEN_URL": f"{url}/{{shop}}/admin/oauth/access_token",
        }

    def names(self) -> dict[str, str]:
        """Return the shops' names by domain."""
        return {domain: store.name for domain, store in self.shops.items()}

    # -- what the edge asks -------------------------------------------------------------------------------------------

    def describe(self, asked: Asked) -> Call:
        """Say what a request is about."""
        if asked.path.startswith("/files/"):
            return Call(asked.method, asked.path, "file", account=asked.path.split("/")[2])
        found = _ADMIN.match(asked.path)
        shop = (found["shop"] if found else None) or asked.headers.get("host", "").partition(":")[0]
        rest = found["rest"] if found else ""
        if rest.endswith("graphql.json"):
            return self._describe_query(asked, shop)
        operation = _OPERATIONS.get(rest, "")
        form = form_of(asked.headers.get("content-type", ""), asked.body) if operation == "token" else {}
        kind = form.get("grant_type", "authorization_code" if "code" in form else "")
        token = form.get("refresh_token", "") or asked.headers.get("x-shopify-access-token", "")
        return Call(asked.method, asked.path, operation, kind, shop, token=fingerprint(token))

    def _describe_query(self, asked: Asked, shop: str) -> Call:
        ask = _ask(asked.body)
        query = ask.query if ask else ""
        entity = _ROOT.match(query)
        # A bulk operation is begun by a mutation and changes nothing.
        in_bulk = entity is not None and entity[1] == "bulkOperationRunQuery"
        mutating = _MUTATION.search(query) is not None and not in_bulk
        return Call(
            asked.method,
            asked.path,
            "mutation" if mutating else "query",
            entity[1] if entity else "",
            shop,
            detail=msgspec.json.encode(ask.variables).decode() if ask else "",
            token=fingerprint(asked.headers.get("x-shopify-access-token", "")),
            mutating=mutating,
        )

    def trouble(self, rule: Rule, call: Call) -> Response:
        """Return Shopify's own answer for a scripted trouble."""
        body: Any
        match rule.kind:
            case Kind.UNAUTHORIZED:
                status, body = 401, {"errors": _UNAUTHORIZED}
            case Kind.RATE_LIMIT:
                status = 429
                body = {"errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume."}
            case Kind.FAULT:
                refused = errors.SCRIPTED.get(rule.code or "", errors.SCRIPTED["INTERNAL_SERVER_ERROR"])
                status, body = 200, {"errors": [refused.body()]}
                if rule.code == "THROTTLED":
                    bucket = self.buckets.get(call.account, Bucket()).status(self.clock.now()) | {
                        "currentlyAvailable": 0.0
                    }
                    cost = {"requestedQueryCost": 100, "actualQueryCost": None, "throttleStatus": bucket}
                    body["extensions"] = {"cost": cost}
            case _:
                status, body = rule.status or 503, {"errors": "Service Unavailable"}
        if rule.body is not None:
            return self._json(rule.body.encode(), status)
        return self._json(msgspec.json.encode(body), status)

    def revoke(self, account: str) -> None:
        """Uninstall the app from a shop."""
        self.oauth.revoke(account)

    # -- what the operator asks ---------------------------------------------------------------------------------------

    def give(self, account: str) -> dict[str, Any]:
        """Install the app in a shop; returns the token answer."""
        self.shops[account]  # an unknown shop is the operator's mistake: KeyError
        return token_answer(self.oauth.grant(account), self.oauth)

    def mutate(self, account: str, **wishes: int) -> dict[str, Any]:
        """Let business go on in a shop."""
        known = ("new", "changed", "deleted", "voided")
        seed = wishes.pop("seed", 0)
        #: seconds for which nothing happened before
        rest = wishes.pop("rest", 0)
        if not wishes.keys() <= set(known):
            raise ValueError(f"only these can be wished for: {', '.join(known)}")
        new, changed, deleted, voided = (wishes.get(name, 0) for name in known)
        self.shops[account].rest(timedelta(seconds=rest))
        return asdict(self.shops[account].mutate(seed, new=new, changed=changed, deleted=deleted, voided=voided))

    async def hook(self, url: str, wishes: Mapping[str, Any]) -> list[Delivered]:
        """Send a webhook: `topic`, `account`, `customer`, `event_id`, `times`, `secret`."""
        known = {"topic", "account", "customer", "event_id", "times", "secret"}
        if not wishes.keys() <= known:
            raise ValueError(f"only these can be wished for: {', '.join(sorted(known))}")
        store = self.shops[str(wishes["account"])]
        grants = self.oauth.grants(store.domain)
        keys = Secrets(str(wishes.get("secret", self.oauth.client_secret)), grants[-1].scopes if grants else ())
        customer, event_id = str(wishes.get("customer", "")), str(wishes.get("event_id", ""))
        sent = webhook(store, str(wishes["topic"]), keys, self.clock, customer=customer, event_id=event_id)
        return await deliver(self.journal, url, sent, times=int(wishes.get("times", 1)))

    def truth(self, account: str, entity: str) -> bytes:
        """Return all live records of a kind as JSON."""
        return msgspec.json.encode(self.shops[account].truth(entity))

    # -- the shop's API -----------------------------------------------------------------------------------------------

    def _routes(self, prefix: str) -> list[Route]:
        return [
            Route(f"{prefix}/admin/api/{{version}}/graphql.json", self._graphql, methods=["POST"]),
            Route(f"{prefix}/admin/api_permissions/current.json", self._uninstall, methods=["DELETE"]),
            *self._consent.routes(prefix),
            *([] if prefix else [Route("/files/{shop}/{name}", self._file)]),
        ]

    async def _graphql(self, request: Request) -> Response:
        domain = domain_of(request)
        asked = request.path_params["version"]
        store = self.shops.get(domain)
        if store is None or (asked not in VERSIONS and asked > VERSION):
            return self._json(msgspec.json.encode({"errors": "Not Found"}), 404)
        version = asked if asked in VERSIONS else VERSIONS[0]
        grant = self.oauth.holder(request.headers.get("x-shopify-access-token", ""))
        if grant is None or grant.account != domain:
            return self._json(msgspec.json.encode({"errors": _UNAUTHORIZED}), 401)
        if store.state in _STATES:
            status, words = _STATES[store.state]
            return self._json(msgspec.json.encode({"errors": words}), status)
        self.bulks.setdefault(domain, Bulk()).address = f"{request.base_url}files/{domain}"
        body = self._run(await request.body(), store, grant)
        if body is None:
            return self._json(msgspec.json.encode({"errors": "Bad Request"}), 400)
        done = body.get("data") or {}
        if "tagsAdd" in done:
            note(request.scope, "changed tags")
        if "appUninstall" in done:
            self.oauth.revoke(domain)
            note(request.scope, "revoked grant")
            self.left(domain)
        return self._json(msgspec.json.encode(body), version=version)

    async def _file(self, request: Request) -> Response:
        """Give out the file of a bulk operation: the link opens it, and who sends a token along is told off."""
        bulk = self.bulks.get(request.path_params["shop"])
        if "x-shopify-access-token" in request.headers:
            return Response(b"no token belongs here", 400)
        name, key = request.path_params["name"], request.query_params.get("sig", "")
        body = bulk.file(name.removeprefix("bulk-").removesuffix(".jsonl"), key) if bulk else None
        if body is None:
            return Response(b"<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return Response(body, media_type="application/jsonl")

    async def _uninstall(self, request: Request) -> Response:
        """Let the app leave the shop by itself, as its access token allows."""
        token = request.headers.get("x-shopify-access-token", "")
        grant = self.oauth.holder(token)
        if grant is None or grant.account != domain_of(request):
            return self._json(msgspec.json.encode({"errors": _UNAUTHORIZED}), 401)
        self.oauth.revoke(grant.account)
        note(request.scope, "revoked grant")
        self.left(grant.account)
        return self._json(b"{}")

    def _run(self, data: bytes, store: Store, grant: Grant) -> dict[str, Any] | None:
        ask = _ask(data)
        if ask is None:
            return None
        if store.state == "inactive":
            return {"errors": [errors.SCRIPTED["SHOP_INACTIVE"].body()]}
        with store.lock:
            bucket = self.buckets.setdefault(store.domain, Bucket())
            return self._executor.answer(ask, store, grant, bucket, self.bulks.setdefault(store.domain, Bulk()))

    def _json(self, body: bytes, status: int = 200, *, version: str = VERSION) -> Response:
        headers = {"x-request-id": str(uuid.uuid4()), "x-shopify-api-version": version}
        return Response(body, status, headers, media_type="application/json; charset=utf-8")


def _unheard(_shop: str) -> None:
    """Nobody listens yet."""


def _ask(data: bytes) -> Ask | None:
    try:
        body = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    query, variables = body.get("query"), body.get("variables") or {}
    if not isinstance(query, str) or not isinstance(variables, dict):
        return None
    return Ask(query, variables, body.get("operationName"))
