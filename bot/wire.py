"""The HTTP connection itself: nobody may hold one for longer than a request needs, and a refusal arrives.

uvicorn ends connections that are idle between two requests; it waits for ever for the first byte, the rest of the
headers and the rest of a body. And it closes on a sender who is still sending, so that the network takes our answer
away with a reset; here the answer is sent, and what still comes is thrown away for a moment.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller may take, in seconds."""

    #: from the connection, or the first byte of a later request, to the end of the headers
    head: float = 10.0
    #: from there to the end of the body, whoever reads it
    body: float = 20.0
    #: between two requests
    idle: float = 5.0
    #: for taking our answer while still sending
    linger: float = 2.0


def server_config(app: ASGIApp, *, host: str, port: int, patience: Patience | None = None) -> uvicorn.Config:
    """Return how our server is run."""
    allowed = patience or Patience()

    class Connection(TimedConnection):
        patience = allowed

    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        # No header says who calls or by which name: addresses come from PUBLIC_URL alone.
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=allowed.idle,  # type: ignore[arg-type]  # a number of seconds; it only reaches call_later
        # The faster parser takes endless headers into memory before anybody can refuse them.
        http=Connection,
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
    )


class TimedConnection(H11Protocol):
    """One connection with a deadline for whatever it waits for from the caller."""

    patience = Patience()
    _waits_for = ""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library itself
        """Begin to wait for the first headers."""
        lingering = _Lingering(transport, self)
        super().connection_made(lingering)
        self._wait("head")

    def data_received(self, data: bytes) -> None:
        """Take bytes; after our last answer they are only thrown away."""
        if isinstance(self.transport, _Lingering) and self.transport.ending:
            return
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._wait("")
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on with the clock for what the caller still owes."""
        super().on_response_complete()
        self._watch()

    def is_sending(self) -> bool:
        """Whether the caller is in the middle of a request."""
        return self.conn.their_state in {h11.SEND_BODY, h11.ERROR} or bool(self.conn.trailing_data[0])

    def _watch(self) -> None:
        """Say what the caller owes us now; a deadline that runs for it already goes on."""
        if self.conn.their_state is h11.SEND_BODY:
            self._wait("body")
        elif self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self._wait("head")
        else:
            self._wait("")

    def _wait(self, what: str) -> None:
        if what == self._waits_for:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waits_for = what
        if what:
            self._timer = self.loop.call_later(getattr(self.patience, what), self._too_slow)

    def _too_slow(self) -> None:
        """Say so, where nothing was answered yet, and hang up."""
        if self.transport.is_closing():
            return
        if self.is_sending() and self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            closing = [(b"content-length", b"0"), (b"connection", b"close")]
            self.transport.write(self.conn.send(h11.Response(status_code=408, headers=closing)) or b"")
            self.conn.send(h11.EndOfMessage())
        self.transport.close()


class _Lingering(asyncio.Transport):
    """A transport whose close lets a caller who is still sending take our answer first."""

    def __init__(self, transport: asyncio.Transport, connection: TimedConnection) -> None:
        super().__init__()
        self._transport = transport
        self._connection = connection
        self.ending = False

    def close(self) -> None:
        """Close; for a caller who still sends, only our side, and the rest in a moment."""
        if self.ending or self._transport.is_closing():
            return
        if not self._connection.is_sending() or not self._transport.can_write_eof():
            self._transport.close()
            return
        self.ending = True
        self._transport.write_eof()
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(self._connection.patience.linger, self._transport.abort)

    def is_closing(self) -> bool:
        """Whether the connection is ending."""
        return self.ending or self._transport.is_closing()

    # The rest is the transport's own.

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def write(self, data: Any) -> None:
        """Send bytes; nothing after the last answer."""
        if not self.ending:
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the socket."""
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection over."""
        self._transport.set_protocol(protocol)
