"""An FTP server on this machine by pyftpdlib: plain, with explicit or with implicit TLS, and with scripted faults."""

import contextlib
import logging
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from sandbox.exchange.certificates import Certified, certify
from sandbox.exchange.faults import Faults

with warnings.catch_warnings():
    # It stands on two modules of Python that later versions no longer have, and brings its own there.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.exceptions import _RetryError
    from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

Security = Literal["plain", "explicit", "implicit"]
_POLL = 0.05
_FINAL = ("2", "3", "4", "5")


class _Conversation(FTPHandler):  # type: ignore[misc] # pyftpdlib tells no types
    """What every kind of control connection does with the script."""

    faults: Faults
    root: str
    _lost = False

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        if self._closed:
            return
        cut = self.faults.command(cmd)
        if cut == "before":
            self.abort()
        elif cmd in self.faults.refuse:
            self.respond(self.faults.refuse[cmd])
        else:
            self._lost = cut == "after"
            super().pre_process_command(line, cmd, arg)

    def respond(self, resp: str, *args: Any, **how: Any) -> None:
        if self._lost and resp.startswith(_FINAL):
            # The command had its effect; nobody is told.
            self.call_later(0, self.abort)
        else:
            super().respond(resp, *args, **how)

    def ftp_RNTO(self, path: str) -> None:  # noqa: N802 - pyftpdlib calls it by this name
        if self.faults.no_replace and Path(path).exists():
            self._rnfr = None
            self.respond("553 File exists.")
        else:
            super().ftp_RNTO(path)

    def abort(self) -> None:
        """Be gone without a word."""
        self._lost = True
        with contextlib.suppress(AttributeError):
            # The TLS layer would take leave first.
            self._error = True
            if self.data_channel is not None:
                self.data_channel.hang_up()
        self.close()


class _Data(DTPHandler):  # type: ignore[misc] # pyftpdlib tells no types
    """What every kind of data connection does with the script."""

    def hang_up(self) -> None:
        self._resp = ()
        self._error = True
        self.close()

    def use_sendfile(self) -> bool:
        return False

    def recv(self, size: int) -> bytes:
        data: bytes = super().recv(size)
        kept = self.cmd_channel.faults.taken(len(data)) if data and self.receive else None
        if kept is None:
            most = self.cmd_channel.faults.keep_only
            if most is None or not data or not self.receive:
                return data
            self.file_obj.write(data[: max(0, most - self.tot_bytes_received)])
            self.tot_bytes_received += len(data)
            raise _RetryError
        self.file_obj.write(data[:kept])
        self.cmd_channel.abort()
        raise _RetryError

    def send(self, data: bytes) -> int:
        # Lists are no files; a file is sent from one.
        kept = self.cmd_channel.faults.given(len(data)) if self.file_obj is not None else None
        if kept is None:
            return int(super().send(data))
        if kept:
            super().send(data[:kept])
        self.cmd_channel.abort()
        return 0


class _PrivateData(_Data, TLS_DTPHandler):  # type: ignore[misc] # pyftpdlib tells no types
    #: what it proves itself with instead of what the control connection has
    apart: Any = None

    def secure_connection(self, ssl_context: Any) -> None:
        super().secure_connection(self.apart or ssl_context)


class _Plain(_Conversation):
    dtp_handler = _Data


class _Explicit(_Conversation, TLS_FTPHandler):  # type: ignore[misc] # pyftpdlib tells no types
    dtp_handler = _PrivateData
    tls_control_required = tls_data_required = True


class _Implicit(_Explicit):
    """TLS before the first word."""

    def handle(self) -> None:
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self) -> None:
        FTPHandler.handle(self)


_KINDS: dict[str, type[_Conversation]] = {"plain": _Plain, "explicit": _Explicit, "implicit": _Implicit}


@dataclass
class FtpServer:
    """A server for one account, in a thread of its own while the block runs."""

    folder: Path
    security: Security = "plain"
    account: str = "dealer"
    password: str = "sandbox-password"
    #: whom the certificate is for; None: the address that it listens at
    certified_host: str | None = None
    expired: bool = False
    #: data connections prove themselves by another authority, as somebody in the middle would
    data_apart: bool = False
    #: what its PASV names instead of its own address
    pasv_host: str | None = None
    passive_ports: range | None = None
    port: int = 0
    host: str = "127.0.0.1"
    faults: Faults = field(default_factory=Faults)
    authority: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Listen; the port is known then."""
        said_by_library = logging.getLogger("pyftpdlib")
        if not said_by_library.handlers:
            # Without one it would print every command.
            said_by_library.addHandler(logging.NullHandler())
            said_by_library.setLevel(logging.WARNING)
        authorizer = DummyAuthorizer()
        authorizer.add_user(self.account, self.password, str(self.folder), perm="elradfmwMT")
        said: dict[str, Any] = {
            "authorizer": authorizer,
            "faults": self.faults,
            "banner": "Sandbox file server",
            "masquerade_address": self.pasv_host,
            "passive_ports": self.passive_ports,
            "auth_failed_timeout": 0,
        }
        if self.security != "plain":
            certified = self._certified()
            self.authority = certified.authority
            said |= {"certfile": str(certified.path), "ssl_context": None}
            if self.data_apart:
                said["dtp_handler"] = type("Data", (_PrivateData,), {"apart": self._other_context()})
        handler = type("Handler", (_KINDS[self.security],), said)
        loop = IOLoop()
        server = FTPServer((self.host, self.port), handler, ioloop=loop)
        self.port = server.address[1]
        self._stop.clear()
        self._thread = threading.Thread(target=self._serve, args=(loop,), name=f"ftp-{self.port}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and close whatever is open."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _other_context(self) -> Any:
        path = str(self._certified("-other").path)
        other: Any = type("Other", (_Explicit,), {"certfile": path, "ssl_context": None})
        return other.get_ssl_context()

    def _certified(self, name: str = "") -> Certified:
        beside = self.folder.parent / f"{self.folder.name}-certificate{name}"
        beside.mkdir(mode=0o700, exist_ok=True)
        return certify(self.certified_host or self.host, beside, expired=self.expired)

    def _serve(self, loop: Any) -> None:
        soonest = None
        while not self._stop.is_set():
            soonest = loop.loop(_POLL if soonest is None else max(0.0, min(_POLL, soonest)), blocking=False)
        loop.close()
