"""The stand-ins' sockets: a taken port is told and nothing stays open, and a caller who left is no error."""

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.mail import MailSink
from sandbox.slack import SlackWorkspace, temerity_goods
from sandbox.slack.wire import cut, serving


@asynccontextmanager
async def leaking(port: int) -> AsyncIterator[None]:
    """The twin forgets its socket when the port is taken."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    yield
    listener.close()


SERVERS: dict[str, tuple[Callable[[int], AbstractAsyncContextManager[Any]], bool]] = {
    "slack": (lambda port: SlackWorkspace(temerity_goods()).serve(port), False),
    "mail": (lambda port: MailSink().serve(port), False),
    "twin": (leaking, True),
}


@pytest.mark.parametrize("name", SERVERS)
async def test_a_taken_port_leaves_no_socket_behind(name: str) -> None:
    serve, leaks = SERVERS[name]
    gc.collect()  # what others left is none of it
    with socket.socket() as taken, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await serve(taken.getsockname()[1]).__aenter__()
        gc.collect()
    assert any(one.category is ResourceWarning for one in told) == leaks


async def careless(request: Request) -> None:
    """The twin does not expect that the caller has left."""
    raw = request.scope["state"]["transport"].get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(8))


@pytest.mark.parametrize("end, errors", [(cut, 0), (careless, 1)])
async def test_cutting_a_connection_that_is_gone_is_no_error(
    end: Callable[[Request], Awaitable[None]], errors: int
) -> None:
    failures: list[BaseException] = []
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def late(request: Request) -> Response:
        arrived.set()
        await gone.wait()
        try:
            await end(request)
        except OSError as error:
            failures.append(error)
        return Response()

    async with serving(Starlette(routes=[Route("/", late)])) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await arrived.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        gone.set()
        await asyncio.sleep(0.05)
    assert len(failures) == errors
