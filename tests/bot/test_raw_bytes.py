"""T50: requests that two readers would cut differently. One request at most is seen in them, and nothing is echoed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from bot.wire import Patience, server_config
from tests.bot.page_stage import built
from tests.bot.test_webhook_wire import Quiet

#: what somebody hopes to have read as a request of its own
HIDDEN = b"GET /readyz?hidden HTTP/1.1\r\nHost: x\r\n\r\n"
TARGETS = (b"/connect/confirm", b"/webhooks/shopify", b"/slack/events", b"/healthz")


def posted(target: bytes, *headers: bytes, body: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    """Return a request as somebody writes it by hand."""
    return b"\r\n".join([b"POST %s %s" % (target, version), b"Host: x", b"X-Canary: canary", *headers, b"", body])


#: Two readings of where the body ends: the hidden request must never be seen.
FRAMINGS: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "length and chunks": ((b"Content-Length: 5", b"Transfer-Encoding: chunked"), b"0\r\n\r\n" + HIDDEN),
    "chunks and length": ((b"Transfer-Encoding: chunked", b"Content-Length: 5"), b"0\r\n\r\n" + HIDDEN),
    "long length and chunks": ((b"Content-Length: 60", b"Transfer-Encoding: chunked"), b"0\r\n\r\n" + HIDDEN),
    "two lengths": ((b"Content-Length: 0", b"Content-Length: 44"), HIDDEN),
    "two lengths, the other way": ((b"Content-Length: 44", b"Content-Length: 0"), HIDDEN),
    "a list of lengths": ((b"Content-Length: 0, 44",), HIDDEN),
    "a signed length": ((b"Content-Length: +0",), HIDDEN),
    "a negative length": ((b"Content-Length: -1",), HIDDEN),
    "a length in hex": ((b"Content-Length: 0x0",), HIDDEN),
    "a length with a space": ((b"Content-Length: 0 0",), HIDDEN),
    "a length in words": ((b"Content-Length: none",), HIDDEN),
    "an Arabic length": (("Content-Length: ٠".encode(),), HIDDEN),
    "an endless length": ((b"Content-Length: " + b"9" * 40,), HIDDEN),
    "an unknown encoding": ((b"Transfer-Encoding: xchunked", b"Content-Length: 0"), HIDDEN),
    "chunked in a list": ((b"Transfer-Encoding: chunked, identity", b"Content-Length: 0"), HIDDEN),
    "chunked twice": ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", b"Content-Length: 0"), HIDDEN),
    "identity": ((b"Transfer-Encoding: identity", b"Content-Length: 0"), HIDDEN),
    "a space before the colon": ((b"Transfer-Encoding : chunked", b"Content-Length: 0"), b"0\r\n\r\n" + HIDDEN),
    "a folded header": ((b"X: y", b" Transfer-Encoding: chunked", b"Content-Length : 0"), HIDDEN),
    "a header without a name": ((b": chunked", b"Content-Length: 44"), HIDDEN),
    "no character": ((b"X: a\x00b", b"Content-Length: 0"), HIDDEN),
    "a lone carriage return": ((b"X: a\rContent-Length: 0", b"Content-Length: 44"), HIDDEN),
    "a chunk of minus one": ((b"Transfer-Encoding: chunked",), b"-1\r\n\r\n" + HIDDEN),
    "a chunk of 0x0": ((b"Transfer-Encoding: chunked",), b"0x0\r\n\r\n" + HIDDEN),
    "a huge chunk": ((b"Transfer-Encoding: chunked",), b"FFFFFFFFFFFFFFFFFF\r\n" + HIDDEN),
    "a chunk that does not end": ((b"Transfer-Encoding: chunked",), b"1\r\nabc0\r\n\r\n" + HIDDEN),
    "a chunk without a size": ((b"Transfer-Encoding: chunked",), b"\r\n\r\n" + HIDDEN),
}
#: Requests that are none, or that ask for something which is off.
ODD: dict[str, bytes] = {
    "TRACE": b"TRACE /healthz HTTP/1.1\r\nHost: x\r\nX-Canary: canary\r\n\r\n",
    "TRACE of a webhook": b"TRACE /webhooks/shopify HTTP/1.1\r\nHost: x\r\nX-Canary: canary\r\n\r\n",
    "TRACK": b"TRACK /healthz HTTP/1.1\r\nHost: x\r\nX-Canary: canary\r\n\r\n",
    "CONNECT": b"CONNECT canary.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nX-Canary: canary\r\n\r\n",
    "DELETE": b"DELETE /connect/done HTTP/1.1\r\nHost: x\r\n\r\n",
    "a small method": b"post /connect/confirm HTTP/1.1\r\nHost: x\r\n\r\n",
    "0.9": b"GET /healthz\r\n\r\n",
    "0.9, said": b"GET /healthz HTTP/0.9\r\n\r\n",
    "2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET /connect/done HTTP/1.1\r\nX-Canary: canary\r\n\r\n",
    "two hosts": b"GET /connect/done HTTP/1.1\r\nHost: canary.example\r\nHost: b\r\n\r\n",
    "another's address": b"GET http://canary.example/connect/done HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the address": b"GET /healthz /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control in the address": b"GET /heal\x01thz HTTP/1.1\r\nHost: x\r\n\r\n",
    "another alphabet": "GET /hëalthz HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "an upgrade": b"GET /connect/done HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
    "a web socket": b"GET /connect/done HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    "an expectation": b"POST /connect/confirm HTTP/1.1\r\nHost: x\r\nExpect: canary\r\nContent-Length: 0\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "nonsense": b"canary\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
}  # fmt: skip


@contextlib.asynccontextmanager
async def served(seen: list[str]) -> AsyncIterator[int]:
    """Serve the product's web side; what the application is asked is written down."""
    site = built()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await site.asgi(scope, receive, send)

    patience = Patience(head=0.5, body=0.5, idle=0.5, linger=0.2)
    config = server_config(watched, host="127.0.0.1", port=0, patience=patience)
    config.lifespan = "off"
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = Quiet(config, told.set_result)
    running = asyncio.create_task(server.serve())
    try:
        yield int((await told).rpartition(":")[2])
    finally:
        server.should_exit = True
        await running
    assert site.effects == []


@contextlib.asynccontextmanager
async def naive(seen: list[str]) -> AsyncIterator[int]:
    """Serve as a server does that knows lengths only, takes the first of two, and repeats what it got: the twin."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, IndexError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                seen.append(head.split(b" ")[1].decode("latin-1"))
                lengths = [
                    line.rpartition(b":")[2].strip() for line in head.split(b"\r\n") if line.startswith(b"Content-L")
                ]
                size = int(lengths[0]) if lengths and lengths[0].isdigit() else 0
                await reader.readexactly(min(size, 10_000))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(head) + head)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def sent(port: int, request: bytes) -> bytes:
    """Send the bytes, end, and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(60):
            writer.write(request)
            writer.write_eof()
            answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


def requests() -> dict[str, bytes]:
    """Return every case by its name."""
    found = {
        f"{name} to {target.decode()}": posted(target, *headers, body=body)
        for name, (headers, body) in FRAMINGS.items()
        for target in TARGETS
    }
    old = posted(b"/healthz", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN, version=b"HTTP/1.0")
    return {**found, "chunks in 1.0": old, **ODD}


def wrong(answer: bytes) -> str:
    """Return what is wrong with an answer; empty: nothing."""
    if answer.count(b"HTTP/1.1 ") > 1:
        return "two answers"
    if b"canary" in answer:
        return "an echo"
    # TRACE and the rest of what is off does not exist (404); what cannot be read is 400.
    known = (b"400", b"401", b"403", b"404", b"405", b"410", b"413", b"431")
    return "" if answer[9:12] in known else f"answered {answer[:20]!r}"


@pytest.mark.parametrize("twin", [False, True])
async def test_no_request_hides_in_another(*, twin: bool) -> None:
    """Smuggling, TRACE, and what is not HTTP at all, to every kind of address."""
    cases = requests()
    seen: list[str] = []
    async with (naive if twin else served)(seen) as port:
        answers = [await sent(port, request) for request in cases.values()]
        assert (await sent(port, HIDDEN + HIDDEN)).count(b"HTTP/1.1 200") == 2, "two plain ones are two"
    found = {name: said for name, answer in zip(cases, answers, strict=True) if (said := wrong(answer))}
    if twin:
        assert len([said for said in found.values() if said == "two answers"]) > 20
        assert found["TRACE"] == "an echo"
        return
    assert found == {}
    assert sum("hidden" in one for one in seen) == 2
