"""A mailbox by IMAP, behind the port of stores: each mail is a file that cannot change. It is opened for reading only.

The library of Python speaks it, in threads. Its usual ways are not safe: it verifies no certificate unless it is told
to, reads as much as a server says, and puts names into commands as they are. Each of that is said otherwise here.
"""

import asyncio
import contextlib
import imaplib
import io
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.files.store import Found, changed
from connectors.mailed.inbox import LARGEST_MAIL, MOST_MAILS
from storage.facts.secret import Secret

T = TypeVar("T")
#: asks for a token that takes the place of the password
Bearer = Callable[[], Awaitable[Secret]]
#: servers that everybody may name, and whose tokens open their mailboxes; others are the operator's to list
KNOWN: Mapping[str, str] = {"imap.gmail.com": "google", "outlook.office365.com": "microsoft"}
#: as it is stored: lower-case, without the usual port
SERVER = re.compile(r"(?P<host>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+)(?::(?P<port>(?!993$)[0-9]{2,5}))?", re.ASCII)
USER = re.compile(r"[A-Za-z0-9._%+=@'-]{1,254}", re.ASCII)
FOLDER = re.compile(r"[A-Za-z0-9_.+&\[\]-][A-Za-z0-9_.+&\[\]/ -]{0,199}", re.ASCII)
_PORT = 993
_TIMEOUT = 60.0
#: of one command: bytes that are taken, and seconds that it may last
_MOST, _PATIENCE = LARGEST_MAIL + (8 << 20), 600.0
#: of a number of 32 bits
_DIGITS = 10
_LONGEST_LINE, _CHUNK = 1 << 20, 1 << 16
_LISTED = re.compile(
    rb'UID (?P<uid>[0-9]{1,10})(?![0-9])|RFC822\.SIZE (?P<size>[0-9]{1,15})(?![0-9])|INTERNALDATE "(?P<date>[^"]+)"'
    rb"|FLAGS \((?P<flags>[^)]*)\)",
    re.ASCII | re.IGNORECASE,
)
_DATE = re.compile(r" ?(\d{1,2})-([A-Z][a-z]{2})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: what servers put into a refusal that is none of the password (RFC 5530, and what Gmail and Exchange say)
_LATER = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]|too many|temporar|try again", re.IGNORECASE)


class _Bounded(imaplib.IMAP4_SSL):
    """Takes no more and no longer than a mail or a list can be, whatever the server says; `begin` each command."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        # The library reads the greeting while it is made.
        self.begin()
        super().__init__(host, port, ssl_context=context, timeout=_TIMEOUT)

    def begin(self) -> None:
        """Let the next commands have all room and time again."""
        self._left = _MOST
        self._ends = time.monotonic() + _PATIENCE

    def read(self, size: int) -> bytes:
        """Read a literal, as it comes."""
        self._spend(size)
        parts = []
        while size and (part := self._came.read1(min(size, _CHUNK))):
            size -= len(part)
            parts.append(part)
            self._spend(0)
        return b"".join(parts)

    def readline(self) -> bytes:
        """Read a line, as it comes."""
        line = b""
        while not line.endswith(b"\n"):
            # What is there is looked at first: a line that comes byte by byte would hold us as long as it likes.
            there = self._came.peek(1)
            part = self._came.read(there.find(b"\n") + 1 or len(there))
            self._spend(len(part))
            line += part
            if not part or len(line) > _LONGEST_LINE:
                break
        if len(line) > _LONGEST_LINE:
            raise self.abort("a line is too long")
        return line

    @property
    def _came(self) -> io.BufferedReader:
        file: Any = self.file
        assert isinstance(file, io.BufferedReader)
        return file

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0 or time.monotonic() > self._ends:
            raise self.abort("an answer is too large, or never ends")


class Mailbox:
    """One folder of one mailbox; as an async context it closes its connection."""

    def __init__(
        self,
        server: str,
        user: str,
        secret: Secret,
        folder: str,
        *,
        bearer: Callable[[], Awaitable[Secret]] | None = None,
        unread: bool = False,
    ) -> None:
        match = SERVER.fullmatch(server)
        if match is None or not USER.fullmatch(user) or not FOLDER.fullmatch(folder):
            raise Broken("this is no mailbox: a server, a user and a folder are needed", code="mailbox_malformed")
        self._host, self._port = match["host"], int(match["port"] or _PORT)
        self._user, self._secret, self._folder, self._bearer = user, secret, folder, bearer
        #: mails that were marked as read are not listed
        self._unread = unread
        self._connection: _Bounded | None = None
        self._validity = ""
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.to_thread(_leave, connection)

    async def look(self) -> list[Found]:
        """Return every mail of the folder; ConnectorError."""
        return await self._with(self._looked)

    async def read(self, found: Found) -> bytes:
        """Return a mail as it came; it is not marked as read."""
        return await self._with(lambda connection: self._read(connection, found))

    async def fetch(self, found: Found, into: IO[bytes]) -> None:
        """Write a mail as it came."""
        into.write(await self.read(found))

    async def mark(self, read: Sequence[Found]) -> None:
        """Mark mails as read, in a mailbox that is ours alone: the one thing that changes anything."""
        if read:
            await self._with(lambda connection: self._mark(connection, read))

    async def _with(self, work: Callable[[imaplib.IMAP4_SSL], T]) -> T:
        async with self._turn:
            if self._connection is None and self._bearer is not None:
                self._secret = await self._bearer()
            return await asyncio.to_thread(self._done, work)

    def _done(self, work: Callable[[imaplib.IMAP4_SSL], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._opened()
            self._connection.begin()
            return work(self._connection)
        except ssl.SSLCertVerificationError:
            words = "the mail server cannot prove who it is: its certificate is not valid for its name"
            raise Broken(words, code="certificate_refused") from None
        except (OSError, EOFError, imaplib.IMAP4.error):
            # What a server says may hold the user's name, and stays behind.
            lost, self._connection = self._connection, None
            if lost is not None:
                _hang_up(lost)
            raise Retry(None, "the mail server did not answer as it should") from None

    def _opened(self) -> _Bounded:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection = _Bounded(self._host, self._port, context)
        try:
            self._log_in(connection)
        except BaseException:
            _leave(connection)
            raise
        return connection

    def _log_in(self, connection: imaplib.IMAP4_SSL) -> None:
        secret = self._secret.reveal()
        try:
            if self._bearer is not None:
                said = f"user={self._user}\x01auth=Bearer {secret}\x01\x01".encode()
                # A second question is the reason of a refusal, and wants an empty answer.
                answers = iter([said])
                connection.authenticate("XOAUTH2", lambda _: next(answers, b""))
            elif "AUTH=PLAIN" in connection.capabilities:
                connection.authenticate("PLAIN", lambda _: f"\0{self._user}\0{secret}".encode())
            elif secret.isascii() and secret.isprintable():
                connection.login(self._user, secret)
            else:
                raise Broken("this mail server takes no password with such characters", code="mailbox_malformed")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise _refused(str(error)) from None

    def _looked(self, connection: imaplib.IMAP4_SSL) -> list[Found]:
        # EXAMINE: nothing can be changed, nothing is marked as read.
        said, count = connection.select(f'"{self._folder}"', readonly=True)
        if said != "OK":
            raise Broken("the mailbox has no such folder", code="folder_missing")
        self._validity = _number(connection.response("UIDVALIDITY")[1])
        if int(_number(count)) > MOST_MAILS:
            words = f"more than {MOST_MAILS} mails lie there: give the reports a folder of their own"
            raise Broken(words, code="too_many_files")
        if int(_number(count)) == 0:
            return []
        said, lines = connection.uid("FETCH", "1:*", f"(UID {'FLAGS ' * self._unread}RFC822.SIZE INTERNALDATE)")
        if said != "OK":
            raise connection.abort("the list was refused")
        listed = _flat(lines)
        return [self._found(line) for line in listed if not (self._unread and _was_read(line))]

    def _mark(self, connection: imaplib.IMAP4_SSL, read: Sequence[Found]) -> None:
        said, _ = connection.select(f'"{self._folder}"')
        if said != "OK" or _number(connection.response("UIDVALIDITY")[1]) != self._validity:
            raise changed()
        numbers = ",".join(one.path.removesuffix(".eml").partition("/")[2] for one in read)
        said, _ = connection.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Seen)")
        if said != "OK":
            raise connection.abort("the mails could not be marked as read")

    def _found(self, line: bytes) -> Found:
        told = {match.lastgroup or "": match[match.lastgroup or 0] for match in _LISTED.finditer(line)}
        received = _instant(told.get("date", b"").decode("ascii", "replace"))
        if received is None or "uid" not in told or "size" not in told:
            raise imaplib.IMAP4.abort("a mail was listed without its number, size or date")
        # Numbers are good for one validity only: after another one every mail is looked at anew.
        path = f"{self._validity}/{told['uid'].decode()}.eml"
        return Found(path, int(told["size"]) or 1, self._validity, received, whole=True)

    def _read(self, connection: imaplib.IMAP4_SSL, found: Found) -> bytes:
        validity, _, uid = found.path.removesuffix(".eml").partition("/")
        if validity != self._validity or not uid.isdecimal():
            raise changed()
        said, parts = connection.uid("FETCH", uid, "(UID BODY.PEEK[])")
        bodies = [part for part in parts or [] if isinstance(part, tuple)]
        if said != "OK" or len(bodies) != 1 or f"UID {uid}".encode() not in b" ".join(_flat(parts)):
            raise changed()
        return bytes(bodies[0][1])


def allowed(server: str, listed: Iterable[str]) -> None:
    """Raise Broken for a server that is neither known nor the operator's: nobody can make us call another host."""
    if server not in KNOWN and f"imaps://{server}" not in set(listed):
        raise Broken(
            "this mail server is not set up here; whoever runs Tidings can add it (NETSUITE_ENDPOINTS)",
            code="endpoint_unknown",
        )


def _leave(connection: imaplib.IMAP4_SSL) -> None:
    with contextlib.suppress(OSError, EOFError, imaplib.IMAP4.error):
        connection.logout()
    _hang_up(connection)


def _hang_up(connection: imaplib.IMAP4_SSL) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown()


def _refused(said: str) -> ConnectorError:
    if _LATER.search(said):
        return Retry(300, "the mail server lets nobody in just now")
    return Reconnect("the mailbox refuses the password or access that it is read with", code="grant_refused")


def _number(said: list[Any]) -> str:
    text = said[-1].decode("ascii", "replace") if said and isinstance(said[-1], bytes) else ""
    if not text.isdecimal() or len(text) > _DIGITS:
        raise imaplib.IMAP4.abort("a number is missing")
    return text


def _flat(lines: list[Any]) -> list[bytes]:
    """Return the lines of an answer; what came as a literal stands beside its line."""
    return [one[0] if isinstance(one, tuple) else one for one in lines or [] if one and one != b")"]


def _was_read(line: bytes) -> bool:
    flags = next((match["flags"] for match in _LISTED.finditer(line) if match.lastgroup == "flags"), b"")
    return rb"\seen" in flags.lower().split()


def _instant(said: str) -> datetime | None:
    match = _DATE.fullmatch(said)
    if match is None or match[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    off = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(off)
        at = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=zone)
    except ValueError:
        return None
    return at.astimezone(UTC)
