"""Webhooks on a real connection: floods end quickly and small, and every role that listens has the addresses."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bot.main import build_app
from bot.raw import answer
from bot.server import Server
from bot.web import build_web
from bot.webhooks import INTUIT_PATH, SHOPIFY_PATH, endpoints
from bot.wire import Patience, TimedConnection, server_config
from storage.sessions import Database
from tests.bot.test_main import settings_for
from tests.bot.test_webhooks import CLOUD, ORDER, SETTINGS, UNINSTALLED, Taken, intuit, shopify
from tests.waiting import eventually

SOON = 20.0
QUICK, PATIENT = Patience(head=1.0, body=1.0, linger=0.5), Patience(head=20.0, body=20.0, linger=0.5)


class Quiet(Server):
    """The product's server, which leaves the signals to the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(patience: Patience = QUICK, *, twin: bool = False) -> AsyncIterator[tuple[int, Taken]]:
    """Serve as the product does; the twin takes everything in before it looks at it."""
    taken = Taken()

    async def ready() -> bool:
        return True

    web = _unlimited if twin else build_web(None, None, ready, webhooks=endpoints(SETTINGS, taken))
    config = server_config(web, host="127.0.0.1", port=0, patience=patience)
    if twin:
        config.http = Keeps
    config.lifespan = "off"
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = Quiet(config, address.set_result)
    running = asyncio.create_task(server.serve())
    try:
        yield int((await address).rpartition(":")[2]), taken
    finally:
        server.should_exit = True
        await running


class Keeps(TimedConnection):
    """The twin of our connection: time is limited, what it keeps of a head is not."""

    patience = PATIENT

    def data_received(self, data: bytes) -> None:
        self._framing = -FLOOD
        super().data_received(data)


async def _unlimited(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    await answer(send, 401)


def head(headers: list[tuple[bytes, bytes]], *more: bytes) -> bytes:
    lines = [b"POST /webhooks/shopify HTTP/1.1", b"Host: x", *(b"%s: %s" % pair for pair in headers), *more]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def flood(port: int, first: bytes, part: bytes, parts: int, *, waits: bool = True) -> bytes:
    """Send all of it unless hung up on, then read; the status line. The twin is not waited for: it waits for more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(SOON):
        with contextlib.suppress(ConnectionError):
            writer.write(first)
            for _ in range(parts):
                writer.write(part)
                await writer.drain()
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await reader.read() if waits else b""
    writer.close()
    return answer.partition(b"\r\n")[0]


async def test_floods_end_quickly() -> None:
    """T49."""
    async with served() as (port, taken):
        signed = shopify(UNINSTALLED)
        announced = await flood(port, head(signed, b"Content-Length: 104857600"), b"x" * 65536, 40)
        endless = await flood(port, head(signed, b"Transfer-Encoding: chunked"), CHUNK, 40)
        headers = await flood(port, head([*signed, *[(b"x%d" % n, b"y") for n in range(10_000)]]), b"", 0)
        small = await flood(port, head([*signed, *[(b"x", b"")] * 5_000], b"Content-Length: 0"), b"", 0)
        slow = await flood(port, head(signed, b"Content-Length: 100"), b"", 0)
        smuggled = await flood(port, head(signed, b"Content-Length: 4", b"Transfer-Encoding: chunked"), b"0\r\n\r\n", 1)
        doubled = await flood(port, head(signed, b"Content-Length: 4", b"Content-Length: 5"), b"aaaaa", 1)
        assert (announced[9:12], endless[9:12]) == (b"413", b"413")
        assert headers[9:12] in (b"400", b"431")
        assert small[9:12] in (b"400", b"431")
        assert slow[9:12] == b"408"
        assert smuggled[9:12] in (b"400", b"401")
        assert doubled[9:12] == b"400"
        assert taken.events == []


#: Bytes of each flood whose memory is looked at, and what a server may hold at its worst: one whole body, in parts and
#: joined, and the buffers of both ends of a connection.
FLOOD, MAY_HOLD = 8_000_000, 3_000_000
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"


@pytest.mark.parametrize("twin", [False, True], ids=["ours", "twin"])
@pytest.mark.parametrize("what", ["announced", "chunked", "one header"])
async def test_a_flood_takes_no_memory(what: str, *, twin: bool) -> None:
    """T49: the peak of what Python holds while 8 MB come in. The twin takes everything in before it looks at it."""
    signed = shopify(UNINSTALLED)
    first, part = {
        "announced": (head(signed, b"Content-Length: %d" % FLOOD), b"x" * 65536),
        "chunked": (head(signed, b"Transfer-Encoding: chunked"), CHUNK),
        "one header": (head(signed)[:-2] + b"x: ", b"x" * 65536),
    }[what]
    async with served(PATIENT, twin=twin) as (port, _):
        if not twin:
            await flood(port, head(signed, b"Content-Length: 0"), b"", 0)  # what is only loaded once is loaded
        with counting() as held:
            status = await flood(port, first, part, FLOOD // 65536, waits=not twin)
            if twin:
                # What the system's own buffers still hold is on its way.
                await eventually(lambda: held() > MAY_HOLD)
                return
            assert held() < MAY_HOLD
    assert status[9:12] in (b"413", b"431")


@contextlib.contextmanager
def counting() -> Iterator[Callable[[], int]]:
    """Count memory within the block; what is given says how much was held at once, at most, beyond that before it."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def test_forged_ones_are_401_on_the_wire_and_carry_our_headers() -> None:
    async with served() as (port, taken), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        forged = await client.post(SHOPIFY_PATH, content=UNINSTALLED, headers=shopify(UNINSTALLED, secret="wrong"))
        assert (forged.status_code, forged.content) == (401, b"")
        assert forged.headers["cache-control"] == "no-store"
        assert (await client.post(INTUIT_PATH, content=CLOUD, headers=intuit(CLOUD))).status_code == 200
        assert (await client.get(SHOPIFY_PATH)).status_code == 405
        assert len(taken.events) == 2


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_who_listens_has_the_addresses(sqlite_database: Database, tmp_path: Path, *, socket_mode: bool) -> None:
    more = {"slack_app_token": "xapp-none"} if socket_mode else {}
    app = build_app(settings_for(sqlite_database.url, tmp_path, shopify_client_secret="shopify-secret-of-now", **more))
    async with _serving(app.asgi) as client:
        genuine = shopify(ORDER, "orders/updated")
        assert (
            await client.post(SHOPIFY_PATH, content=ORDER, headers=genuine)
        ).status_code == 200  # nobody's shop: ignored
        assert (await client.post(SHOPIFY_PATH, content=ORDER)).status_code == 401
        assert (await client.post(INTUIT_PATH, content=CLOUD)).status_code == 401
    await app.close()


@pytest.mark.parametrize("role", ["web", "worker"])
async def test_a_web_process_has_them_and_a_worker_does_not(
    postgres_database: Database, tmp_path: Path, role: str
) -> None:
    url = postgres_database.url.replace("postgresql+psycopg", "postgresql")
    lake = f"{url}?data={tmp_path}"
    app = build_app(settings_for(postgres_database.url, tmp_path, role=role, warehouse_url=lake))
    async with _serving(app.asgi) as client:
        wanted = 401 if role == "web" else 404
        for path in (SHOPIFY_PATH, INTUIT_PATH):
            assert (await client.post(path, content=ORDER)).status_code == wanted
    await app.close()


@contextlib.asynccontextmanager
async def _serving(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to the application without starting what stands behind it."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
