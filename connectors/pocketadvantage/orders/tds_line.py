"""The line to a SQL Server: opened and made private by us, before its driver gets it.

The driver's own check of a certificate takes a common name for a host's, and knows no addresses; and it follows a
server that sends it on to another one, in clear. So it is given a line on which all of that is done: TLS as SQL Server
wants it until version 7.4 of its protocol, the handshake within the packets before the login.
"""

import socket
import ssl
import struct
import sys
from collections.abc import Callable
from typing import Any

from connectors.errors import Broken, Retry
from connectors.pocketadvantage.orders.lines import received

_PRELOGIN, _REPLY = 0x12, 0x04
#: type, whether it is the last one of its message, length with this header, and three numbers that say nothing to us
_HEADER = struct.Struct(">BBHHBB")
_ENCRYPTION, _END = 1, 0xFF
_ON, _NOT_SUPPORTED, _REQUIRED = 1, 2, 3
_PIECE, _MOST, _PACKET = 65_536, 100_000, 4_000
#: the code of a server that sends us on
ELSEWHERE = "database_elsewhere"

_UNREADABLE = "the database answered with something that cannot be read: is this a SQL Server, and its port?"
OTHER_NAME = "the certificate of the database is for another name: enter the name that it is for"
NO_AUTHORITY = "the authority's certificates cannot be read: they are text that begins with BEGIN CERTIFICATE"
_WHY = {
    10: "the certificate of the database has expired: renew it there",
    62: OTHER_NAME,
    64: "the certificate of the database is not for this address: enter the name that it is for",
}
_UNKNOWN = "the certificate of the database is not one that can be trusted: give its authority's certificates"


class Line:
    """What the driver takes for its socket. It gives up in our words, and leads nowhere else."""

    def __init__(self, held: socket.socket, most: float, gone: Callable[[], Exception]) -> None:
        self._socket = held
        #: how the driver is told that nobody is there any more
        self._told = gone
        #: seconds that an answer may take, also where the driver would wait for ever
        self._most = most
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        #: what the driver is told before anything of the server's
        self._first = b""
        self._greeted = self._opened = False
        self._around = sys.exc_info()[1]

    def greet(self, context: ssl.SSLContext | None, host: str) -> None:
        """Agree with the server on privacy, and have it; Broken where it is refused (Retry)."""
        self._send(_packet(_PRELOGIN, _greeting(_NOT_SUPPORTED if context is None else _ON)))
        said = self._message(_REPLY)
        at, mode = _encryption_of(said)
        if context is None and mode in {_ON, _REQUIRED}:
            raise Broken("the database is asked in clear, and wants encryption: choose that", code="certificate")
        if context is not None and mode not in {_ON, _REQUIRED}:
            raise Broken("the database offers no encryption", code="certificate")
        if context is not None:
            self._shake_hands(context, host)
        # The driver is told that there is none: it is there already.
        self._first = _packet(_REPLY, said[:at] + bytes([_NOT_SUPPORTED]) + said[at + 1 :])

    def _shake_hands(self, context: ssl.SSLContext, host: str) -> None:
        tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                raise Broken(_WHY.get(error.verify_code, _UNKNOWN), code="certificate") from None
            except ssl.SSLError:
                raise Broken("the database agrees on no encryption of today", code="certificate") from None
            said = self._out.read()
            if said:
                self._send(_packet(_PRELOGIN, said))
            if not done:
                self._in.write(self._message(_PRELOGIN))
        self._tls = tls

    def cut(self) -> None:
        """End it from any thread: whoever waits for an answer is told that there is none."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def received(self) -> int:
        """Return how many bytes came over it."""
        return received(self._socket)

    def opened(self) -> None:
        """Note that the login is over."""
        self._opened = True

    def setsockopt(self, *option: Any) -> None:
        """Set an option of the socket."""
        try:
            self._socket.setsockopt(*option)
        except OSError:
            raise self._gone() from None

    def gettimeout(self) -> float | None:
        """Return how many seconds are waited for an answer."""
        return self._socket.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        """Wait so long for an answer, and never for ever."""
        try:
            self._socket.settimeout(min(seconds or self._most, self._most))
        except OSError:
            raise self._gone() from None

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send what the driver says; its greeting was said already."""
        _ = flags
        if not self._greeted:
            self._greeted = True
            return
        if self._tls is None:
            self._send(bytes(data))
            return
        left = memoryview(bytes(data))
        while left:
            left = left[self._tls.write(left) :]
        self._send(self._out.read())

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the next bytes."""
        _ = flags
        if self._first:
            given, self._first = self._first[:size], self._first[size:]
            return given
        while self._tls is not None:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._in.write(self._receive(_PIECE))
            except ssl.SSLError:
                raise self._gone() from None
        return self._receive(size)

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:
        """Put the next bytes there; return how many."""
        came = self.recv(size or len(buffer), flags)
        buffer[: len(came)] = came
        return len(came)

    def close(self) -> None:
        """Close it. Before the login is over, and with nothing that failed, that is a driver about to go elsewhere."""
        self._socket.close()
        if not self._opened and sys.exc_info()[1] is self._around:
            words = "the database sends us on to another server, where we do not go: enter that one's address"
            raise Broken(words, code=ELSEWHERE)

    def _message(self, kind: int) -> bytes:
        found, last = b"", 0
        while not last and len(found) < _MOST:
            said, last, size, *_ = _HEADER.unpack(self._exactly(_HEADER.size))
            if said not in {kind, _REPLY} or size < _HEADER.size:
                raise Broken(_UNREADABLE, code="database_unreadable")
            found += self._exactly(size - _HEADER.size)
        return found

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += self._receive(size - len(found))
        return found

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            raise self._gone() from None

    def _receive(self, size: int) -> bytes:
        try:
            came = self._socket.recv(size)
        except OSError:
            raise self._gone() from None
        if not came:
            raise self._gone()
        return came

    def _gone(self) -> Exception:
        return self._told() if self._greeted else unreachable()


def trust(authority: str) -> ssl.SSLContext:
    """Return whom a line is to trust: that authority, or those that everybody trusts; Broken where it is none."""
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError):
        raise Broken(NO_AUTHORITY, code="certificate") from None
    # Within its packets SQL Server speaks no later one.
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def unreachable() -> Retry:
    """Return what nobody's answer means."""
    return Retry(None, "the database could not be reached, or did not answer in time", code="database_unreachable")


def _packet(kind: int, data: bytes) -> bytes:
    pieces = [data[at : at + _PACKET] for at in range(0, len(data), _PACKET)]
    return b"".join(
        _HEADER.pack(kind, place == len(pieces), len(piece) + _HEADER.size, 0, place % 256, 0) + piece
        for place, piece in enumerate(pieces, 1)
    )


def _greeting(mode: int) -> bytes:
    # Version, privacy, instance, thread, and no more than one conversation at a time.
    fields = ((0, bytes((16, 0, 0, 0, 0, 0))), (_ENCRYPTION, bytes([mode])), (2, b"\0"), (3, bytes(4)), (4, b"\0"))
    at, table, data = len(fields) * 5 + 1, b"", b""
    for name, value in fields:
        table += struct.pack(">BHH", name, at + len(data), len(value))
        data += value
    return table + bytes([_END]) + data


def _encryption_of(said: bytes) -> tuple[int, int]:
    """Return where the server's word about privacy stands, and which it is."""
    for start in range(0, len(said) - 4, 5):
        name, at, size = struct.unpack_from(">BHH", said, start)
        if name == _END:
            break
        if name == _ENCRYPTION and size == 1 and at < len(said):
            return at, said[at]
    raise Broken(_UNREADABLE, code="database_unreadable")
