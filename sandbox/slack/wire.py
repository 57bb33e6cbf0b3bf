"""How the stand-in's server is run, and how it breaks a connection on purpose."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class _Breakable(H11Protocol):
    """Lets the application reach the connection, so that it can die in the middle of an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Quiet(uvicorn.Server):
    """A server that leaves the signals of its process alone, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Tick once a second for the Date header, and stop at once when told to."""
        tick = 0
        while not self.stop.is_set() and not await self.on_tick(tick):
            tick += 10
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is idle, give the rest half a second, then break it: a stand-in owes nobody an answer."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(set(self.server_state.tasks), timeout=0.5)
            for task in late:
                task.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(port: int) -> socket.socket:
    """Return a socket on that port of 127.0.0.1; OSError, and nothing left open, when it is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[int]:
    """Serve the app on 127.0.0.1 while the block runs; give its port (a free one for 0)."""
    listener = bound(port)
    config = uvicorn.Config(
        app, http=_Breakable, ws="none", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = _Quiet(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.ready.wait()
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        server.stop.set()
        await running
        listener.close()


async def cut(request: Request) -> None:
    """Reset the connection of this request: the caller sees ECONNRESET, not an answer."""
    transport: Any = request.scope["state"]["transport"]
    raw = transport.get_extra_info("socket")
    # A caller who has hung up meanwhile has nothing left to be reset.
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0)


async def until_gone(request: Request, closing: asyncio.Event, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - the caller gives up, it does not cancel
    """Wait until the caller has hung up (True), or until the stand-in closes or the time is over (False)."""
    gone = asyncio.create_task(_hung_up(request))
    stop = asyncio.create_task(closing.wait())
    done, _ = await asyncio.wait({gone, stop}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in (gone, stop):
        task.cancel()
    return gone in done


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
