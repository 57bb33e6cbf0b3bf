"""Socket Mode: the websocket that an app opens instead of having an address of its own."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from sandbox.slack.core import Core
from sandbox.slack.courier import Answer
from sandbox.slack.errors import Json

#: Connections of one app; the next one is sent away.
MOST_CONNECTIONS = 10
_WITH_RESPONSE = {"slash_commands", "interactive"}


class SocketMode:
    """The connected sockets of the app; each envelope goes to one of them, in turn."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._open: list[web.WebSocketResponse] = []
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    @property
    def connected(self) -> bool:
        """Whether an app listens."""
        return bool(self._open)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on a free port of 127.0.0.1 while the block runs."""
        app = web.Application()
        app.router.add_get("/link/", self._connection)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self._core.socket_url = f"ws://{host}:{port}/link/"
        try:
            yield
        finally:
            self._core.socket_url = None
            for socket in list(self._open):
                await socket.close()
            await runner.cleanup()

    async def send(self, kind: str, payload: Json, seconds: float, retry: Json) -> Answer:
        """Send one envelope and wait that long for its ack."""
        envelope_id = self._core.stamps.name("envelope-")
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload,
                    "accepts_response_payload": kind in _WITH_RESPONSE, **retry}  # fmt: skip
        started = time.monotonic()
        waiting = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        socket = self._open[next(self._turn) % len(self._open)]
        try:
            async with asyncio.timeout(seconds):
                await socket.send_str(json.dumps(envelope))
                acknowledged = await waiting
        except TimeoutError:
            return Answer(ok=False, error="operation_timeout", seconds=time.monotonic() - started)
        except ConnectionError:
            return Answer(ok=False, error="connection_failed", seconds=time.monotonic() - started)
        finally:
            self._waiting.pop(envelope_id, None)
        body = acknowledged.get("payload")
        return Answer(ok=True, status=200, body=b"" if not body else json.dumps(body).encode(),
                      seconds=time.monotonic() - started)  # fmt: skip

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connected app to come back on a new connection, and close these."""
        for socket in list(self._open):
            await socket.send_str(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {}}))
            await socket.close()

    async def _connection(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=10)
        await socket.prepare(request)
        ticket = request.query.get("ticket", "")
        if ticket not in self._core.socket_tickets or len(self._open) >= MOST_CONNECTIONS:
            reason = "too_many_websockets" if ticket in self._core.socket_tickets else "link_disabled"
            await socket.send_str(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {}}))
            await socket.close()
            return socket
        self._core.socket_tickets.discard(ticket)
        await self._listen(socket)
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        self._open.append(socket)
        app = self._core.world.app
        hello = {"type": "hello", "num_connections": len(self._open), "connection_info": {"app_id": app.id},
                 "debug_info": {"host": "sandbox", "approximate_connection_time": 18060}}  # fmt: skip
        await socket.send_str(json.dumps(hello))
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            self._open.remove(socket)

    def _acknowledged(self, text: str) -> None:
        """Take an ack; one that comes after the cut-off finds nobody waiting."""
        with contextlib.suppress(ValueError):
            said = json.loads(text)
            waiting = self._waiting.get(str(said.get("envelope_id"))) if isinstance(said, dict) else None
            if waiting is not None and not waiting.done():
                waiting.set_result(said)
