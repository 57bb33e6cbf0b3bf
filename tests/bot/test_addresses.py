"""Addresses: other spellings lead nowhere, nothing else is open, and no header of a request changes what we link to."""

import os
import posixpath
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.pages.browser import HOST_COOKIE
from bot.web import SLACK_PATH
from bot.webhooks import INTUIT_PATH, SHOPIFY_PATH
from bot.wire import server_config
from tests.bot.page_stage import BROWSER, PUBLIC, Site, addresses, built, form

BASES = (SLACK_PATH, SHOPIFY_PATH, INTUIT_PATH, "/healthz", "/readyz", "/slack/install", "/connect/confirm",
         "/connect/give-up", "/connect/done", "/connect/reconnect")  # fmt: skip
SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda path: f"{path}/",
    lambda path: f"{path}//",
    lambda path: f"/{path}",
    lambda path: path.replace("/", "//"),
    lambda path: f"{path}/.",
    lambda path: f"{path}/x/..",
    lambda path: f"/x/..{path}",
    lambda path: f"/.{path}",
    lambda path: f"/%2e{path}",
    lambda path: f"/%2e%2e{path}",
    lambda path: f"/x/%2e%2e{path}",
    lambda path: f"{path}/%2e%2e/{path.rpartition('/')[2]}",
    lambda path: f"{path};",
    lambda path: f"{path};jsessionid=1",
    lambda path: f"{path}.",
    lambda path: f"{path}%20",
    lambda path: f"{path}%00",
    lambda path: f"{path}%0a",
    lambda path: f"{path}%2f",
    lambda path: f"/%2f{path[1:]}",
    lambda path: path.replace("/", "%5c"),
    lambda path: path.replace("/", "\\"),
    lambda path: path.upper(),
    lambda path: path.title(),
    lambda path: f"{path}.json",
    lambda path: f"{path}%3fx",
    lambda path: f"{path}%23x",
    lambda path: f"/%25{ord(path[1]):02x}{path[2:]}",
    lambda path: path[:-1] + "%ef%bd%93",
    # These are the same address, spelt otherwise: whoever looks at it must decide as for the plain one.
    lambda path: f"/%{ord(path[1]):02x}{path[2:]}",
    lambda path: f"{path[:-1]}%{ord(path[-1]):02X}",
    lambda path: f"{path[0]}{path[1:].replace('/', '%2f')}",
)


async def asked(app: ASGIApp, method: str, raw: str, body: bytes = b"") -> int:
    """Ask for an address as the server hands it over: decoded once; return the status."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"tidings.example"), (b"cookie", f"{HOST_COOKIE}={BROWSER.reveal()}".encode()),
               (b"content-type", b"application/x-www-form-urlencoded")]  # fmt: skip
    scope = {"type": "http", "http_version": "1.1", "method": method, "path": unquote(raw), "raw_path": raw.encode(),
             "root_path": "", "query_string": b"", "headers": headers, "scheme": "https", "server": ("x", 1)}  # fmt: skip
    await app(scope, receive, send)
    return int(sent[0]["status"])


def tidy(app: ASGIApp) -> ASGIApp:
    """A twin that cleans an address up before somebody looks for it."""

    async def cleaned(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].replace("\\", "/").partition(";")[0].rstrip("./ \x00\n").lower()
        await app({**scope, "path": "/" + posixpath.normpath(path).lstrip("/")}, receive, send)

    return cleaned


async def wandered(site: Site, app: ASGIApp) -> tuple[int, list[str]]:
    """Ask for every spelling; return how many there were, and those that are not decided as they should be."""
    body = httpx.Request("POST", "http://x", data=form()).content
    plain = {(method, path): await asked(app, method, path, body) for path in BASES for method in ("GET", "POST")}
    site.flows.done.clear()
    site.installs.done.clear()
    wrong, number = [], 0
    for path in BASES:
        for spelling in SPELLINGS:
            raw = spelling(path)
            for method in ("GET", "POST"):
                number += 1
                status = await asked(app, method, raw, body)
                if status != (plain[method, path] if unquote(raw) == path else 404):
                    wrong.append(f"{method} {raw} {status}")
                if site.effects and unquote(raw) != path:
                    wrong.append(f"{method} {raw} had an effect")
                site.flows.done.clear()
                site.installs.done.clear()
    return number, wrong


async def test_other_spellings_of_an_address_are_no_address() -> None:
    """T54: router and gate decide by the same decoded path, exactly; the twin tidies paths for the router."""
    site = built()
    number, wrong = await wandered(site, site.asgi)
    assert number >= 600
    assert wrong == []
    _, wrong = await wandered(site, tidy(site.asgi))
    assert len(wrong) > 100


CLOSED = (
    "/", "/metrics", "/metrics/", "/health", "/status", "/debug", "/debug/pprof", "/debug/vars", "/docs", "/redoc", "/openapi.json",
    "/swagger", "/swagger.json", "/graphql", "/admin", "/admin/", "/console", "/actuator", "/actuator/env", "/env", "/.env", "/.git/config",
    "/.git/HEAD", "/config", "/config.json", "/settings", "/server-status", "/phpinfo.php", "/version", "/info", "/api", "/api/v1", "/queue",
    "/queues", "/dashboard", "/static/", "/assets/", "/favicon.ico", "/robots.txt", "/sitemap.xml", "/.well-known/security.txt", "/connect",
    "/connect/", "/connect/l", "/connect/l/", "/slack", "/webhooks", "/webhooks/amazon", "/backstage", "/act", "/sandbox", "/logs",
    "/trace", "/heapdump", "/threads", "/dbos", "/workflows", "/data/tidings.db", "/../etc/passwd", "/%2e%2e/etc/passwd", "/proc/self/environ",
)  # fmt: skip


async def open_ones(app: ASGIApp) -> list[str]:
    """Return the addresses of the list that answer anything but "not found"."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as client:
        answers = [await client.request(method, path) for path in CLOSED for method in ("GET", "POST", "TRACE")]
    return [str(answer.url) for answer in answers if (answer.status_code, answer.text) != (404, "not found")]


async def test_nothing_else_is_open_and_health_says_only_whether() -> None:
    """T52; the twin has a page of numbers."""
    site = built()
    assert await open_ones(site.asgi) == []

    async def numbers(_: object) -> PlainTextResponse:
        return PlainTextResponse("runs 7")

    assert await open_ones(Starlette(routes=[Route("/metrics", numbers)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.asgi), base_url=PUBLIC) as client:
        found = [await client.get(path) for path in ("/healthz", "/readyz")]
    assert [answer.text for answer in found] == ["ok", "ready"]
    assert not {name for answer in found for name in answer.headers} & {"server", "x-powered-by", "via", "date"}


def listening(process: int) -> set[int]:
    """Return the TCP ports at which a process of ours listens."""
    inodes = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        target = str(entry.readlink()) if entry.is_symlink() else ""
        inodes.add(target.removeprefix("socket:[").rstrip("]"))
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


def test_the_scan_of_ports_sees_one_that_is_open() -> None:
    """T52: the twin of the scan in test_serve."""
    before = listening(os.getpid())
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] in listening(os.getpid()) - before


# -- whoever calls, and by whatever name -------------------------------------------------------------------------------

EVIL = "evil.example"
SPOOFED = {
    "host": EVIL,
    "x-forwarded-host": EVIL,
    "x-forwarded-proto": "http",
    "x-forwarded-port": "1",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "127.0.0.1",
    "forwarded": f"host={EVIL};proto=http;for=127.0.0.1",
    "x-original-url": "/connect/give-up",
    "x-rewrite-url": "/connect/give-up",
    "x-original-host": EVIL,
    "x-host": EVIL,
    "x-http-method-override": "POST",
    "x-http-method": "POST",
    "x-method-override": "POST",
    "origin": f"https://{EVIL}",
    "referer": f"https://{EVIL}/",
}


_SEALED = re.compile(r"(?<=tidings_kept=)[^;]+")


async def differing(site: Site, app: ASGIApp, asked_for: list[tuple[str, str]]) -> list[str]:
    """Return the addresses whose answer or effect is another one under spoofed headers."""
    found = []
    async with site.browser(asgi=app) as client:
        for method, path in asked_for:
            data = form() if method == "POST" else None
            answers = []
            for headers in ({}, SPOOFED):
                site.flows.done.clear()
                site.installs.done.clear()
                answer = await client.request(method, path, data=data, headers=headers, params={"_method": "POST"})
                # What is sealed is another text each time.
                headers_said = {name: _SEALED.sub("", value) for name, value in answer.headers.items()}
                answers.append((answer.status_code, answer.text, headers_said, site.effects))
            if answers[0] != answers[1] or EVIL in str(answers[1]):
                found.append(f"{method} {path}")
    return found


async def test_no_header_changes_a_link_a_redirect_or_a_method() -> None:
    """T51, T50: links and redirects are PUBLIC_URL's or relative; the twin is the framework's own redirect."""
    site = built()
    everything = [*addresses(site), ("GET", "/healthz"), ("GET", "/nothing"), ("GET", "/connect/done/")]
    assert await differing(site, site.asgi, everything) == []
    twin = Starlette(routes=site.routes)
    assert "GET /connect/done/" in await differing(site, twin, everything)


@pytest.mark.parametrize("twin", [False, True])
async def test_no_proxy_is_believed_to_say_who_calls(*, twin: bool) -> None:
    """T51: there is no rule by address that could be got round; the twin is the server as it comes."""
    seen: list[tuple[Any, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        _ = receive, send
        seen.append((scope["client"], scope["scheme"]))

    config = uvicorn.Config(app, log_config=None) if twin else server_config(app, host="127.0.0.1", port=0)
    config.load()
    headers = [(b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-proto", b"https")]
    scope: Any = {"type": "http", "client": ("127.0.0.1", 1), "scheme": "http", "headers": headers}

    async def nothing(*_: object) -> Any:
        return {}

    await config.loaded_app(scope, nothing, nothing)
    assert (seen == [(("127.0.0.1", 1), "http")]) != twin
