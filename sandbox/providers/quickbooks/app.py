"""The QuickBooks Online stand-in as an app: routes, tokens, throttle, and the faults in their true shapes."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.journal import Journal
from sandbox.misbehave import Call, Kind, Rule, Script
from sandbox.providers import admin, catalogue
from sandbox.providers.edge import Asked, Edge, fingerprint, note
from sandbox.providers.hooks import Delivered, deliver
from sandbox.providers.quickbooks import cdc, faults, statements, xml
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.consent import Consent, reply, token_answer
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.generate import Size, generate
from sandbox.providers.quickbooks.oauth import SCOPE, Tokens
from sandbox.providers.quickbooks.values import encode, now_text
from sandbox.providers.quickbooks.webhooks import Format, Happened, webhook
from sandbox.providers.quickbooks.write import batch, write
from sandbox.providers.throttle import Throttle
from storage.facts.clock import Clock, SystemClock

_COMPANY = re.compile(r"^/v3/company/(?P<realm>[^/]+)/(?P<rest>.+)$")
_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
#: the generated company's books end here unless told otherwise
AS_OF = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)

Handler = Callable[[Request, Books], Awaitable[Response]]


class QuickBooks:
    """QuickBooks Online for one app and any number of companies (realms)."""

    def __init__(
        self, books: Mapping[str, Books], *, clock: Clock | None = None, throttle: Throttle | None = None,
        journal: Journal | None = None, script: Script | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock or SystemClock()
        self.books = dict(books)
        self.oauth = Tokens(self.clock, choice=next(iter(self.books)))
        self.throttle = throttle
        #: 40 batches a minute; counted only where anything is
        self.batches = Throttle(per_second=40, per_minute=40)
        self.journal = journal or Journal(self.clock)
        self.script = script or Script()
        self.app: ASGIApp = Edge(
            Starlette(routes=[*self._routes(), *admin.routes(self)], exception_handlers={404: _nowhere, 405: _nowhere}),
            self,
            journal=self.journal,
            script=self.script,
            clock=self.clock,
        )

    @classmethod
    def generated(
        cls, *, seed: int = 1, invoices: int = 200, documents: int = 0, size: Size | None = None,
        as_of: datetime = AS_OF, clock: Clock | None = None, throttle: Throttle | None = None,
        journal: Journal | None = None,
    ) -> "QuickBooks":  # fmt: skip
        """Return the stand-in with Temerity Goods' books, as many invoices as asked and the rest in proportion.

        `documents` of each other kind (receipts, credits, transfers …) come with them.
        """
        ticking = clock or SystemClock()
        books = generate(seed, size or Size.of(invoices, documents), as_of=as_of, clock=ticking)
        return cls({catalogue.REALM: books}, clock=ticking, throttle=throttle, journal=journal)

    def add_company(
        self, realm: str, name: str, *, seed: int = 2, invoices: int = 40, as_of: datetime = AS_OF
    ) -> Books:
        """Let there be one more company to choose on the consent page."""
        self.books[realm] = generate(seed, Size.of(invoices), as_of=as_of, clock=self.clock, company=name)
        return self.books[realm]

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point the product here."""
        return {
            "QUICKBOOKS_CLIENT_ID": self.oauth.client_id,
            "QUICKBOOKS_CLIENT_SECRET": self.oauth.client_secret,
            "QUICKBOOKS_WEBHOOK_VERIFIER": self.oauth.verifier,
            "QUICKBOOKS_API_URL": url,
            "QUICKBOOKS_AUTH_URL": f"{url}/connect/oauth2",
            "QUICKBOOKS_TOKEN_URL": f"{url}/oauth2/v1/tokens/bearer",
        }

    def names(self) -> dict[str, str]:
        """Return the companies' names by realm."""
        return {realm: str(books.company.get("CompanyName", realm)) for realm, books in self.books.items()}

    # -- what the edge asks -------------------------------------------------------------------------------------------

    def describe(self, asked: Asked) -> Call:
        """Say what a request is about."""
        found = _COMPANY.match(asked.path)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if found is None:
            return self._describe_oauth(asked)
        realm, rest = found["realm"], found["rest"]
        mark = fingerprint(token)
        if rest == "query":
            statement = _statement(asked)
            entity = _FROM.search(statement)
            operation = "count" if re.match(r"\s*select\s+count\b", statement, re.IGNORECASE) else "query"
            name = self._entity(entity[1]) if entity else ""
            return Call(asked.method, asked.path, operation, name, realm, statement, mark)
        if rest == "cdc":
            return Call(asked.method, asked.path, "cdc", "", realm, asked.query, mark)
        kind, _, name = rest.partition("/")
        if asked.method == "GET":
            operation = {"reports": "report", "companyinfo": "companyinfo"}.get(kind.lower(), "read")
            entity_name = name if operation == "report" else self._entity(kind)
            return Call(asked.method, asked.path, operation, entity_name, realm, asked.query, mark)
        return Call(asked.method, asked.path, "write", self._entity(kind), realm, asked.query, mark, mutating=True)

    def _describe_oauth(self, asked: Asked) -> Call:
        operation = {
            "/oauth2/v1/tokens/bearer": "token", "/connect/oauth2": "authorize", "/v2/oauth2/tokens/revoke": "revoke",
        }.get(asked.path, "discovery" if asked.path.startswith("/.well-known/") else "")  # fmt: skip
        form = parse_qs(asked.body.decode("latin-1")) if operation == "token" else {}
        token = form.get("refresh_token", [""])[0]
        kind = form.get("grant_type", [""])[0]
        account = self.oauth.account_of(token)
        return Call(asked.method, asked.path, operation, kind, account, token=fingerprint(token))

    def _entity(self, name: str) -> str:
        any_books = next(iter(self.books.values()))
        return next((entity for entity in any_books.tables if entity.lower() == name.lower()), name)

    def trouble(self, rule: Rule, call: Call) -> Response:
        """Return Intuit's own answer for a scripted trouble."""
        match rule.kind:
            case Kind.UNAUTHORIZED:
                return self._gateway(401, "Token revoked: sample of the stand-in")
            case Kind.RATE_LIMIT:
                refusal = faults.throttled()
            case Kind.FAULT:
                refusal = faults.in_200(rule.code)
            case _:
                refusal = faults.system_failure(rule.status or 503)
        body = rule.body.encode() if rule.body is not None else None
        return self._refused(refusal, self.books.get(call.account), body=body)

    def revoke(self, account: str) -> None:
        """Take the grants of a company back, as its admin does under "Apps"."""
        self.oauth.revoke(account)

    # -- what the operator asks ---------------------------------------------------------------------------------------

    def give(self, account: str) -> dict[str, Any]:
        """Give the app access to a company; returns the token answer."""
        self.books[account]  # an unknown company is the operator's mistake: KeyError
        return token_answer(self.oauth.grant(account), self.oauth)

    def mutate(self, account: str, **wishes: int) -> dict[str, Any]:
        """Let business go on in a company."""
        known = ("new", "changed", "deleted", "voided", "deactivated", "documents")
        seed = wishes.pop("seed", 0)
        if not wishes.keys() <= set(known):
            raise ValueError(f"only these can be wished for: {', '.join(known)}")
        return asdict(self.books[account].mutate(seed, at=None, **wishes))

    async def hook(self, url: str, wishes: Mapping[str, Any]) -> list[Delivered]:
        """Send a webhook: `events` (realm, entity, id, operation, event_id each), `format`, `times`, `secret`."""
        known = {"events", "format", "times", "secret"}
        if not wishes.keys() <= known:
            raise ValueError(f"only these can be wished for: {', '.join(sorted(known))}")
        events = msgspec.convert(wishes["events"], list[Happened])
        style = Format(wishes.get("format", Format.CLOUD_EVENTS))
        sent = webhook(events, str(wishes.get("secret", self.oauth.verifier)), self.clock.now(), style)
        return await deliver(self.journal, url, sent, times=int(wishes.get("times", 1)))

    def truth(self, account: str, entity: str) -> bytes:
        """Return all live records of an entity as JSON."""
        return encode(self.books[account].truth(entity))

    # -- the company's API --------------------------------------------------------------------------------------------

    def _routes(self) -> list[Route]:
        base = "/v3/company/{realm}"
        return [
            Route(f"{base}/query", self._company(self._query), methods=["GET", "POST"]),
            Route(f"{base}/cdc", self._company(self._cdc)),
            Route(f"{base}/companyinfo/{{id}}", self._company(self._companyinfo)),
            Route(f"{base}/reports/{{name}}", self._company(self._report)),
            Route(f"{base}/batch", self._company(self._batch), methods=["POST"]),
            Route(f"{base}/{{entity}}/{{id}}", self._company(self._read)),
            Route(f"{base}/{{entity}}", self._company(self._write), methods=["POST"]),
            *Consent(self.oauth, self.names).routes(),
        ]

    def _company(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let a request through to a company: token, realm, throttle, then the handler."""

        async def guarded(request: Request) -> Response:
            realm = request.path_params["realm"]
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            if kind != "Bearer" or len(token) < 20:
                return self._gateway(401, "Malformed bearer token: too short or too long")
            grant = self.oauth.holder(token)
            if grant is None:
                return self._gateway(401, "Token expired: the token is expired or revoked")
            if grant.account != realm or realm not in self.books or SCOPE not in grant.scopes:
                return self._gateway(403, None)
            books = self.books[realm]
            if self.throttle is not None and not self.throttle.admits(realm, self.clock.now()):
                return self._refused(faults.throttled(), books)
            try:
                answer = await handler(request, books)
            except Refusal as refusal:
                return self._refused(refusal, books)
            return xml.translate(answer) if xml.wanted(request) else answer

        return guarded

    async def _query(self, request: Request, books: Books) -> Response:
        if request.method == "GET":
            statement = request.query_params.get("query", "")
        else:
            if request.headers.get("content-type", "").partition(";")[0] not in ("application/text", "text/plain"):
                return reply(b"", 415)
            statement = (await request.body()).decode()
        return reply(books.query(statement))

    async def _cdc(self, request: Request, books: Books) -> Response:
        return reply(cdc.answer(books, request.query_params))

    async def _companyinfo(self, _request: Request, books: Books) -> Response:
        body = {"CompanyInfo": books.company, "time": now_text(self.clock.now(), books.zone)}
        return reply(encode(body))

    async def _report(self, request: Request, books: Books) -> Response:
        return reply(statements.answer(books, request.path_params["name"], request.query_params))

    async def _read(self, request: Request, books: Books) -> Response:
        entity = self._entity(request.path_params["entity"])
        record = books.tables[entity].get(request.path_params["id"]) if entity in books.tables else None
        if record is None:
            raise Refusal.missing(f"Something you're trying to use has been made inactive. {entity}")
        return reply(encode({entity: record, "time": now_text(self.clock.now(), books.zone)}))

    async def _write(self, request: Request, books: Books) -> Response:
        entity = self._entity(request.path_params["entity"])
        body, effect = write(books, entity, await request.body(), request.query_params)
        note(request.scope, effect)
        return reply(body)

    async def _batch(self, request: Request, books: Books) -> Response:
        realm = request.path_params["realm"]
        if self.throttle is not None and not self.batches.admits(realm, self.clock.now()):
            return self._refused(faults.throttled(), books)
        body, effects = batch(books, await request.body(), request.query_params)
        for effect in effects:
            note(request.scope, effect)
        return reply(body)

    # -- answers ------------------------------------------------------------------------------------------------------

    def _refused(self, refusal: Refusal, books: Books | None, *, body: bytes | None = None) -> Response:
        zone = books.zone if books is not None else next(iter(self.books.values())).zone
        return reply(body or encode(refusal.body(now_text(self.clock.now(), zone))), refusal.status)

    def _gateway(self, status: int, detail: str | None) -> Response:
        millis = int(self.clock.now().timestamp() * 1000)
        return reply(encode(faults.gateway(status, millis, detail=detail)), status)


async def _nowhere(_request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 404
    return reply(b"", status)


def _statement(asked: Asked) -> str:
    if asked.method == "POST":
        return asked.body.decode("utf-8", "replace")
    return parse_qs(asked.query).get("query", [""])[0]
