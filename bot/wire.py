"""The HTTP connection itself: nobody may hold one for longer than a request needs, and a refusal arrives.

uvicorn ends connections that are idle between two requests; it waits for ever for the first byte, the rest of the
headers and the rest of a body. And it closes on a sender who is still sending, so that the network takes our answer
away with a reset; here the answer is sent, and what still comes is thrown away for a moment.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a request beside its body; one with more is refused before its end.
MOST_FRAMING = 64 * 1024


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
        http=Connection,
        ws="none",
    )


class TimedConnection(HttpToolsProtocol):
    """One connection with a deadline for whatever it waits for from the caller, and a limit for what it has to keep."""

    patience = Patience()
    #: what the caller has begun and not ended: "head", "body", or nothing
    _owes = ""
    #: bytes of the request so far that are not its body
    _framing = 0
    #: what came cannot be followed by anything that we would understand
    _deaf = False
    _waits_for = ""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library itself
        """Begin to wait for the first headers."""
        super().connection_made(_Lingering(transport, self))
        self._wait("head")

    def data_received(self, data: bytes) -> None:
        """Take bytes; after our last answer they are only thrown away."""
        if self._deaf or self.transport.is_closing():
            return
        self._framing += len(data)
        super().data_received(data)
        # The parser keeps what it has of a header or a trailer; it would do so for ever.
        if self._framing > MOST_FRAMING and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large")
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._wait("")
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._owes = "head"
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head. One behind the body would be taken for it: the parser calls that an error."""
        if self._owes != "head":
            raise ValueError("a trailer")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note that its head is there. Of another version than these, the parser would take a line for a whole one."""
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError("another version")
        self._owes = "body"
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; how much of it there may be is for whoever reads it."""
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that it is there."""
        self._owes = ""
        self._framing = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the clock for what the caller still owes."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the caller is told the status alone
        """Answer what is no request; whatever follows it is not read."""
        self._deaf = True
        self._refuse(b"400 Bad Request")

    def is_sending(self) -> bool:
        """Whether the caller is in the middle of a request, or of something that is none."""
        return bool(self._owes) or self._deaf

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if no other protocol had been asked for, and read nothing that may be in it."""
        self._deaf = True
        self.cycle.keep_alive = False

    def _watch(self) -> None:
        """Say what the caller owes us now; a deadline that runs for it already goes on."""
        self._wait(self._owes)

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
        """Say so to whoever is in the middle of a request, and hang up."""
        if self._owes and not self.transport.is_closing():
            self._refuse(b"408 Request Timeout")
        self.transport.close()

    def _refuse(self, status: bytes) -> None:
        """End the connection, with an answer where it is its turn and none was begun."""
        behind = self.cycle is not None and not self.cycle.response_complete
        if not behind or (self._owes == "body" and not self.cycle.response_started):
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
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
