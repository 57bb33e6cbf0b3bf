"""A stand-in for a SQL Server on this machine: it speaks TDS 7.4 on a real socket, and keeps its tables in SQLite.

It knows the statements by which orders are read and answered, and refuses all others. What it cannot show: plans,
locks between connections, and rules of collation other than that case counts for nothing where a column says so.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sandbox.exchange import tds
from sandbox.exchange.certificates import Certified
from sandbox.exchange.faults import Faults
from sandbox.exchange.tds_asked import AskedError, batch_of, call_of, transaction_of
from sandbox.exchange.tsql import RefusedError, Rights, Tables, said_of

_SILENCE = 60
_BEGIN, _COMMIT, _ROLLBACK = 5, 7, 8
_NAMES = {_BEGIN: "BEGIN", _COMMIT: "COMMIT", _ROLLBACK: "ROLLBACK"}


class _CutError(Exception):
    """The script ends the conversation here."""


@dataclass
class SqlServer:
    """One database, with one user. Use as a context manager; `faults` may be scripted at any time."""

    tables: str
    database: str = "orders"
    user: str = "reader"
    password: str = "sandbox-password"
    #: what a column holds, by its name; all others are text
    types: Mapping[str, tds.Type] = field(default_factory=dict)
    rights: Rights = field(default_factory=Rights)
    #: what it presents; None: it offers no encryption
    certified: Certified | None = None
    #: server and port that whoever logs in is sent on to
    elsewhere: tuple[str, int] | None = None
    #: only whoever means to read is sent on, as a group of replicas does it
    keeps_writers: bool = False
    faults: Faults = field(default_factory=Faults)
    #: statements in the order of their coming, and how each login meant it: only to read, or not
    asked: list[str] = field(default_factory=list)
    logins: list[bool] = field(default_factory=list)
    #: types that parameters were said to have
    declared: set[str] = field(default_factory=set)
    #: which answer from now on has one byte that is another one, and which byte that is
    bends: tuple[int, int] | None = None
    port: int = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="sql server")
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(_SILENCE)
        for one in self._threads:
            one.join(_SILENCE)

    def _accept(self) -> None:
        while True:
            try:
                held, _ = self._listening.accept()
            except OSError:
                return
            one = threading.Thread(target=self._talk, args=(held,), name="sql server conversation")
            self._threads.append(one)
            one.start()

    def _talk(self, held: socket.socket) -> None:
        held.settimeout(_SILENCE)
        with held, contextlib.suppress(OSError, EOFError, ssl.SSLError, _CutError):
            _Conversation(self, held).go()


class _Conversation:
    def __init__(self, server: SqlServer, held: socket.socket) -> None:
        self._server, self._socket = server, held
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._transaction = 0

    def go(self) -> None:
        """Greet, go private, log in, and answer until the other side leaves."""
        asked = tds.encryption_of(self._message()[1])
        certified = self._server.certified
        private = certified is not None and asked != tds.NOT_SUPPORTED
        mode = tds.NOT_SUPPORTED if certified is None else tds.ON if private else tds.REQUIRED
        self._say(tds.greeting(mode))
        if certified is not None:
            self._go_private(certified)
        kind, said = self._message()
        if kind != tds.LOGIN or not self._logged_in(said):
            return
        with contextlib.closing(Tables(self._server.tables, self._server.types, self._server.rights)) as tables:
            while True:
                kind, said = self._message()
                self._answer(tables, kind, said)

    def _go_private(self, certified: Certified) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified.path)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            self._in.write(self._message()[1])
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                break
            self._socket.sendall(b"".join(tds.packets(tds.PRELOGIN, self._out.read())))
        self._socket.sendall(b"".join(tds.packets(tds.PRELOGIN, self._out.read())))
        self._tls = tls

    def _logged_in(self, said: bytes) -> bool:
        server = self._server
        user, password, database, reads = tds.login_of(said)
        refused = ""
        if (user, password) != (server.user, server.password):
            refused = f"Login failed for user '{user}'."
        elif database != server.database:
            refused = f'Cannot open database "{database}" requested by the login. The login failed.'
        if refused:
            first = tds.refusal(4060, refused, 11) if "Cannot" in refused else b""
            self._say(
                first + tds.refusal(18456, f"Login failed for user '{user}'.", 14) + tds.done(tds.DONE, tds.ERROR)
            )
            return False
        if server.elsewhere is not None and (reads or not server.keeps_writers):
            self._say(tds.sent_on(*server.elsewhere))
            return False
        server.logins.append(reads)
        self._say(tds.logged_in(server.database))
        return True

    def _answer(self, tables: Tables, kind: int, said: bytes) -> None:
        try:
            if kind == tds.TRANSACTION:
                self._turn(tables, *transaction_of(said))
            elif kind == tds.ATTENTION:
                self._say(tds.done(tds.DONE, tds.CANCELLED))
            else:
                sql, declared, given = (batch_of(said), "", {}) if kind == tds.BATCH else call_of(said)
                self._server.declared |= {one.partition(" ")[2] for one in declared.split(",@")} - {""}
                self._run(tables, sql, given, called=kind == tds.RPC)
        except AskedError as error:
            self._say(tds.refusal(102, f"Incorrect syntax: {error}.") + tds.done(tds.DONE, tds.ERROR))

    def _turn(self, tables: Tables, kind: int, again: bool) -> None:  # noqa: FBT001 - as the protocol says it
        name = _NAMES.get(kind)
        if name is None:
            raise AskedError("no such transaction")
        cut = self._scripted(name)
        said = b""
        if kind != _BEGIN:
            tables.end(keep=kind == _COMMIT)
            said += tds.transaction(9 if kind == _COMMIT else 10, self._transaction)
        if cut == "after":
            raise _CutError
        if kind == _BEGIN or again:
            tables.begin()
            self._transaction += 1
            said += tds.transaction(8, self._transaction)
        self._say(said + tds.done(tds.DONE, 0))

    def _run(self, tables: Tables, sql: str, given: Mapping[str, Any], *, called: bool) -> None:
        self._server.asked.append(sql)
        word = sql.split(maxsplit=1)[0].upper()
        cut = self._scripted(word)
        try:
            self._refuse(word)
            said = said_of(tables.run(sql, given), called=called)
        except RefusedError as error:
            ends = tds.done(tds.DONE_PROC if called else tds.DONE, tds.ERROR)
            said = tds.refusal(error.number, str(error)) + ends
        if cut == "after":
            raise _CutError
        self._say(said)

    def _refuse(self, word: str) -> None:
        if word in self._server.faults.refuse:
            number, _, text = self._server.faults.refuse[word].partition(" ")
            raise RefusedError(int(number), text)

    def _scripted(self, word: str) -> str | None:
        cut = self._server.faults.command(word)
        if cut == "before":
            raise _CutError
        return cut

    def _bent(self, data: bytes) -> bytes:
        if self._server.bends is None:
            return data
        answer, at = self._server.bends
        self._server.bends = (answer - 1, at) if answer else None
        at %= len(data)
        return data if answer else data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1 :]

    def _say(self, data: bytes) -> None:
        data = self._bent(data)
        for one in tds.packets(tds.REPLY, data):
            keep = self._server.faults.given(len(one))
            self._plain(one if keep is None else one[:keep])
            if keep is not None:
                raise _CutError

    def _plain(self, data: bytes) -> None:
        if self._tls is None:
            self._socket.sendall(data)
        elif data:
            self._tls.write(data)
            self._socket.sendall(self._out.read())

    def _message(self) -> tuple[int, bytes]:
        found, kind, last = b"", 0, 0
        while not last:
            kind, last, size, *_ = tds.HEADER.unpack(self._exactly(tds.HEADER.size))
            found += self._exactly(size - tds.HEADER.size)
        return kind, found

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            came = self._read(size - len(found))
            if not came:
                raise EOFError
            found += came
        return found

    def _read(self, size: int) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                came = self._socket.recv(65_536)
                if not came:
                    return b""
                self._in.write(came)
        return self._socket.recv(size)
