"""The QuickBooks Online stand-in as an app: routes, tokens, throttle, and the faults in their true shapes."""

import base64
import binascii
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.journal import Journal
from sandbox.misbehave import Call, Kind, Rule, Script
from sandbox.providers import admin, catalogue
from sandbox.providers.edge import Asked, Edge, fingerprint, note
from sandbox.providers.quickbooks import faults, statements, xml
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.generate import Size, generate
from sandbox.providers.quickbooks.oauth import SCOPE, Denied, Grant, Tokens
from sandbox.providers.quickbooks.values import encode, now_text
from sandbox.providers.quickbooks.write import write
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
        self.journal = journal or Journal(self.clock)
        self.script = script or Script()
        self.app: ASGIApp = Edge(
            Starlette(routes=[*self._routes(), *admin.routes(self)]),
            self,
            journal=self.journal,
            script=self.script,
            clock=self.clock,
        )

    @classmethod
    def generated(
        cls, *, seed: int = 1, invoices: int = 200, size: Size | None = None, as_of: datetime = AS_OF,
        clock: Clock | None = None, throttle: Throttle | None = None, journal: Journal | None = None,
    ) -> "QuickBooks":  # fmt: skip
        """Return the stand-in with Temerity Goods' books, as many invoices as asked and the rest in proportion."""
        ticking = clock or SystemClock()
        books = generate(seed, size or Size.of(invoices), as_of=as_of, clock=ticking)
        return cls({catalogue.REALM: books}, clock=ticking, throttle=throttle, journal=journal)

    def environment(self, url: str) -> dict[str, str]:
        """Return the settings that point the product here."""
        return {
            "QUICKBOOKS_CLIENT_ID": self.oauth.client_id,
            "QUICKBOOKS_CLIENT_SECRET": self.oauth.client_secret,
            "QUICKBOOKS_API_URL": url,
            "QUICKBOOKS_AUTH_URL": f"{url}/connect/oauth2",
            "QUICKBOOKS_TOKEN_URL": f"{url}/oauth2/v1/tokens/bearer",
        }

    # -- what the edge asks -------------------------------------------------------------------------------------------

    def describe(self, asked: Asked) -> Call:
        """Say what a request is about."""
        found = _COMPANY.match(asked.path)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if found is None:
            return self._describe_oauth(asked)
        realm, rest = found["realm"], found["rest"]
        facts = {"account": realm, "token": fingerprint(token)}
        if rest == "query":
            statement = _statement(asked)
            entity = _FROM.search(statement)
            operation = "count" if re.match(r"\s*select\s+count\b", statement, re.IGNORECASE) else "query"
            name = self._entity(entity[1]) if entity else ""
            return Call(asked.method, asked.path, operation, name, detail=statement, **facts)
        kind, _, name = rest.partition("/")
        if asked.method == "GET":
            operation = {"reports": "report", "companyinfo": "companyinfo"}.get(kind.lower(), "read")
            entity_name = name if operation == "report" else self._entity(kind)
            return Call(asked.method, asked.path, operation, entity_name, detail=asked.query, **facts)
        return Call(asked.method, asked.path, "write", self._entity(kind), detail=asked.query, mutating=True, **facts)

    def _describe_oauth(self, asked: Asked) -> Call:
        operation = {
            "/oauth2/v1/tokens/bearer": "token", "/connect/oauth2": "authorize", "/v2/oauth2/tokens/revoke": "revoke",
        }.get(asked.path, "")  # fmt: skip
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
        self.books[account]  # noqa: B018 # an unknown company is the operator's mistake: KeyError
        return self._tokens(self.oauth.grant(account), hard=False)

    def mutate(self, account: str, **wishes: int) -> dict[str, Any]:
        """Let business go on in a company."""
        return asdict(self.books[account].mutate(wishes.pop("seed", 0), **wishes))

    def truth(self, account: str, entity: str) -> bytes:
        """Return all live records of an entity as JSON."""
        return encode(self.books[account].truth(entity))

    # -- the company's API --------------------------------------------------------------------------------------------

    def _routes(self) -> list[Route]:
        base = "/v3/company/{realm}"
        return [
            Route(f"{base}/query", self._company(self._query), methods=["GET", "POST"]),
            Route(f"{base}/companyinfo/{{id}}", self._company(self._companyinfo)),
            Route(f"{base}/reports/{{name}}", self._company(self._report)),
            Route(f"{base}/{{entity}}/{{id}}", self._company(self._read)),
            Route(f"{base}/{{entity}}", self._company(self._write), methods=["POST"]),
            Route("/connect/oauth2", self._authorize),
            Route("/oauth2/v1/tokens/bearer", self._token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self._revoke, methods=["POST"]),
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
            if grant.account != realm or realm not in self.books:
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
                return self._json(b"", 415)
            statement = (await request.body()).decode()
        return self._json(books.query(statement))

    async def _companyinfo(self, request: Request, books: Books) -> Response:
        body = {"CompanyInfo": books.company, "time": now_text(self.clock.now(), books.zone)}
        return self._json(encode(body))

    async def _report(self, request: Request, books: Books) -> Response:
        return self._json(statements.answer(books, request.path_params["name"], request.query_params))

    async def _read(self, request: Request, books: Books) -> Response:
        entity = self._entity(request.path_params["entity"])
        record = books.tables[entity].get(request.path_params["id"]) if entity in books.tables else None
        if record is None:
            raise Refusal.missing(f"Something you're trying to use has been made inactive. {entity}")
        return self._json(encode({entity: record, "time": now_text(self.clock.now(), books.zone)}))

    async def _write(self, request: Request, books: Books) -> Response:
        entity = self._entity(request.path_params["entity"])
        body, effect = write(books, entity, await request.body(), request.query_params)
        note(request.scope, effect)
        return self._json(body)

    # -- OAuth --------------------------------------------------------------------------------------------------------

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        back = asked.get("redirect_uri", "")
        known = asked.get("client_id") == self.oauth.client_id and asked.get("response_type") == "code"
        if (
            not known
            or not back
            or "?" in back
            or not asked.get("state")
            or SCOPE not in asked.get("scope", "").split()
        ):
            page = (
                "<!DOCTYPE html><title>Sorry</title><p>Uh oh, there's a connection problem: undefined_didnt_connect</p>"
            )
            return Response(page, 400, media_type="text/html")
        if not self.oauth.consents:
            return RedirectResponse(f"{back}?{urlencode({'error': 'access_denied', 'state': asked['state']})}", 302)
        code = self.oauth.code(back)
        note(request.scope, "consented")
        query = {"code": code, "state": asked["state"], "realmId": self.oauth.choice}
        return RedirectResponse(f"{back}?{urlencode(query)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode("latin-1")).items()}
        try:
            self.oauth.check_client(*_client(request, form))
            match form.get("grant_type"):
                case "authorization_code":
                    grant = self.oauth.exchange(form.get("code", ""), form.get("redirect_uri", ""))
                    note(request.scope, "exchanged code")
                case "refresh_token":
                    grant, rotated = self.oauth.refresh(form.get("refresh_token", ""))
                    note(request.scope, "rotated refresh token" if rotated else "issued access token")
                case _:
                    raise Denied("unsupported_grant_type")
        except Denied as denied:
            described = {"error_description": denied.description} if denied.description else {}
            return self._json(encode({"error": denied.error, **described}), denied.status)
        hard = request.headers.get("x-include-refresh-token-hard-expires-in") == "true"
        return self._json(encode(self._tokens(grant, hard=hard)))

    async def _revoke(self, request: Request) -> Response:
        try:
            self.oauth.check_client(*_client(request, {}))
        except Denied as denied:
            return self._json(encode({"error": denied.error}), denied.status)
        found = re.search(rb'"token"\s*:\s*"([^"]+)"', await request.body())
        if found is None or not self.oauth.revoke_token(found[1].decode()):
            return self._json(encode({"error": "invalid_request"}), 400)
        note(request.scope, "revoked grant")
        return self._json(b"")

    def _tokens(self, grant: Grant, *, hard: bool) -> dict[str, Any]:
        now = self.clock.now()
        answer = {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "token_type": "bearer",
            "expires_in": int(self.oauth.access_lifetime.total_seconds()),
            "x_refresh_token_expires_in": int((grant.refresh_expires_at - now).total_seconds()),
        }
        left = int((grant.hard_expires_at - now).total_seconds())
        return answer | ({"x_refresh_token_hard_expires_in": left} if hard else {})

    # -- answers ------------------------------------------------------------------------------------------------------

    def _json(self, body: bytes, status: int = 200) -> Response:
        return Response(body, status, {"intuit_tid": f"1-{uuid.uuid4()}"}, media_type="application/json")

    def _refused(self, refusal: Refusal, books: Books | None, *, body: bytes | None = None) -> Response:
        zone = books.zone if books is not None else next(iter(self.books.values())).zone
        return self._json(body or encode(refusal.body(now_text(self.clock.now(), zone))), refusal.status)

    def _gateway(self, status: int, detail: str | None) -> Response:
        millis = int(self.clock.now().timestamp() * 1000)
        return self._json(encode(faults.gateway(status, millis, detail=detail)), status)


def _statement(asked: Asked) -> str:
    if asked.method == "POST":
        return asked.body.decode("utf-8", "replace")
    return parse_qs(asked.query).get("query", [""])[0]


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
