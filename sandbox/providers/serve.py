"""Serves an ASGI app on loopback, quickly up and cleanly down, with the bare connection within the app's reach."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Where an app finds its asyncio.Transport, so that it can cut a connection as networks do.
TRANSPORT = "tidings.transport"


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Base address without a slash at the end."""
        return f"http://{self.host}:{self.port}"


class _Wire(H11Protocol):
    """uvicorn's HTTP/1.1 with the transport in the scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn itself
        super().connection_made(transport)
        app: ASGIApp = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not transport.is_closing():
                    raise
                # The server stops: the connection is already cut, and uvicorn would log this as a failure of the app.

        self.app = with_transport


@asynccontextmanager
async def serve(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Served]:
    """Serve in the running loop until the block ends; open requests are then cut off."""
    loop = asyncio.get_running_loop()
    config = Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=75,
    )
    config.load()
    state = ServerState()
    listener = await loop.create_server(
        lambda: _Wire(config=config, server_state=state, app_state={}, _loop=loop), host, port, backlog=512
    )
    try:
        yield Served(host, listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await _cut_off(state)
        await listener.wait_closed()


async def _cut_off(state: ServerState) -> None:
    while state.connections:
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def serve_in_thread(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Served]:
    """Serve in a loop and thread of its own until the block ends; for callers without a loop, and for benches."""
    ready = threading.Event()
    failures: list[BaseException] = []
    found: list[tuple[Served, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        async with serve(app, host=host, port=port) as served:
            found.append((served, asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    def body() -> None:
        try:
            asyncio.run(run())
        except OSError as failure:
            failures.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=body, name="stand-in", daemon=True)
    thread.start()
    ready.wait()
    if not found:
        thread.join()
        raise failures[0]
    served, loop, stop = found[0]
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def reset(transport: asyncio.Transport) -> None:
    """End the connection with a RST, as a broken middlebox or a killed process does."""
    handle = transport.get_extra_info("socket")
    if handle is not None and handle.fileno() >= 0:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    transport.abort()
