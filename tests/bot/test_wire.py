"""The HTTP connection: slow and idle callers are sent away, whoever sends too much is told so, others are served."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bot.guard import Guard, Limits, Verifier
from bot.server import Server
from bot.wire import Patience, server_config
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret

QUICK = Patience(head=0.3, body=0.3, idle=0.3, linger=1.0)
#: longer than all of it: so long it is waited for who ends nothing; whoever does may be slow
SOON, PATIENCE = 3.0, 60.0


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, without a look at the body; at /slow when the body is there."""
    while scope["path"] == "/slow" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


guard = Guard(app, Verifier(Secret("0123456789abcdef"), SystemClock()), limits=Limits(most_bytes=1000, seconds=5))


@contextlib.asynccontextmanager
async def served(*, twin: bool = False, guarded: bool = False, patience: Patience = QUICK) -> AsyncIterator[int]:
    """Serve as we do (or as the library alone does) on a free port."""
    config = server_config(guard if guarded else app, host="127.0.0.1", port=0, patience=patience)
    if twin:
        config = uvicorn.Config(guard if guarded else app, http="httptools", log_config=None, ws="none", lifespan="off")
    config.lifespan = "off"
    config.load()
    state = ServerState()
    made = config.http_protocol_class
    assert issubclass(made, HttpToolsProtocol)
    server = await asyncio.get_running_loop().create_server(
        lambda: made(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def held(port: int, first: bytes, drop: bytes = b"", *, seconds: float = PATIENCE) -> tuple[bool, bytes]:
    """Send something and then one byte now and then; tell whether the connection was still there, and the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            writer.write(first)
            reading = asyncio.create_task(reader.read())
            while not reading.done():
                with contextlib.suppress(ConnectionError):
                    writer.write(drop)
                await asyncio.wait([reading], timeout=0.1)
            answer = await reading
    except TimeoutError:
        return True, answer
    except ConnectionError:
        return False, answer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return False, answer


HEAD = b"POST /slow HTTP/1.1\r\nHost: x\r\n"
CALLERS = {
    "says nothing": (b"", b""),
    "headers byte by byte": (HEAD + b"X: ", b"x"),
    "body byte by byte": (HEAD + b"Content-Length: 900\r\n\r\n", b"x"),
    "body that nobody reads": (HEAD.replace(b"/slow", b"/") + b"Content-Length: 900\r\n\r\n", b"x"),
    "chunks byte by byte": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "second headers byte by byte": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX: ", b"x"),
}


@pytest.mark.parametrize("twin", [False, True], ids=["ours", "twin"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_nobody_holds_a_connection(caller: str, *, twin: bool) -> None:
    """The twin is the library's own connection, which waits for ever."""
    first, drop = CALLERS[caller]
    async with served(twin=twin) as port:
        still, answer = await held(port, first, drop, seconds=SOON if twin else PATIENCE)
    assert still == twin
    if not twin and caller in ("headers byte by byte", "body byte by byte", "chunks byte by byte"):
        assert answer.startswith(b"HTTP/1.1 408 "), answer


async def test_a_connection_is_used_again_and_ends_when_idle() -> None:
    async with served(patience=Patience(head=60, body=60, idle=1.0, linger=1.0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(8):
            writer.write(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
            await asyncio.sleep(0.05)
            writer.write(b"cd")
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("twin", [False, True], ids=["ours", "twin"])
@pytest.mark.parametrize("framing", [b"Content-Length: 8000000", b"Transfer-Encoding: chunked"])
async def test_who_sends_too_much_is_told_so(framing: bytes, *, twin: bool) -> None:
    """The twin closes on the sender, whose system then drops our answer: they see a reset (or are lucky)."""
    async with served(twin=twin, guarded=True) as port:
        told = [await _sends(port, framing) for _ in range(3 if twin else 1)]
    if twin:
        assert not all(told)
    else:
        assert told == [True]


async def _sends(port: int, framing: bytes) -> bool:
    """Send 8 MB and only then read, as simple clients do; whether the answer was 413."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + framing + b"\r\n\r\n")
    part = b"x" * 65536
    if b"chunked" in framing:
        part = b"10000\r\n" + part + b"\r\n"
    try:
        for _ in range(122):
            writer.write(part)
            await writer.drain()
        answer = await reader.read()
    except ConnectionError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return answer.startswith(b"HTTP/1.1 413 ")


FRAMINGS = {
    "one header": (HEAD + b"X: ", b"x" * 60_000),
    "many headers": (HEAD, b"X: y\r\n" * 10_000),
    "one trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 60_000),
    "parts of chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 60_000 + b"\r\ny\r\n"),
}


@pytest.mark.parametrize("twin", [False, True], ids=["ours", "twin"])
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_endless_framing_is_refused(framing: str, *, twin: bool) -> None:
    """The twin is the library's own connection, which keeps it all."""
    first, more = FRAMINGS[framing]
    async with served(twin=twin) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        with contextlib.suppress(ConnectionError):
            for _ in range(3):
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(0.02)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.15 if twin else 60):
                answer = await reader.read(100)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ") != twin, answer


@pytest.mark.parametrize("twin", [False, True], ids=["ours", "twin"])
async def test_a_header_behind_the_body_is_none(*, twin: bool) -> None:
    """The twin is the library's own connection, which takes it for one of the head."""
    said = b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Slack-Signature: v0=1\r\n\r\n"
    async with served(twin=twin) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + said)
        answer = await reader.read(100)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ") != twin, answer


@pytest.mark.parametrize("twin", [False, True])
async def test_answers_are_sent_without_delay(*, twin: bool) -> None:
    """The product's own listener. The loop does this only for sockets that know their protocol; the twin's does not."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = server_config(app, host="127.0.0.1", port=0)
    config.lifespan = "off"
    server = Server(config, address.set_result)
    unknowing = socket.socket()
    unknowing.bind(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([unknowing] if twin else None))
    reader, writer = await asyncio.open_connection("127.0.0.1", int((await address).rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"ok")
    (connection,) = server.server_state.connections
    assert isinstance(connection, HttpToolsProtocol)
    accepted = connection.transport.get_extra_info("socket")
    assert bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) != twin
    writer.close()
    server.should_exit = True
    await serving
    unknowing.close()
