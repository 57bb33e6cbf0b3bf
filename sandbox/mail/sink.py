"""The SMTP server that keeps everything."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sandbox.mail.messages import Mail
from storage.facts.clock import Clock, SystemClock

T = TypeVar("T")
Kind = Literal[
    "refuse_connection", "refuse_recipient", "tempfail", "drop_after_data", "accept_drop", "hang", "accept_hang",
    "late_accept",
]  # fmt: skip
#: A message of more bytes is refused (552), as mail servers do.
MOST_BYTES = 25_000_000
_AT_RECIPIENT = {"refuse_connection": "421 4.3.2 Service not available", "refuse_recipient": "550 5.1.1 No such user"}


@dataclass(slots=True)
class MailLie:
    """One scripted fault; `recipient` narrows it to the messages for one address."""

    kind: Kind
    #: how many messages it meets; None means all
    times: int | None = 1
    recipient: str | None = None
    #: how late a late_accept is kept
    seconds: float = 0.0


class MailSink:
    """Takes every message on 127.0.0.1; a test reads `messages`, the page shows them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._script: list[MailLie] = []
        self._closing = asyncio.Event()
        self._late: set[asyncio.Task[None]] = set()
        self.messages: list[Mail] = []
        self.host = "127.0.0.1"
        self.port = 0
        #: connections that were opened, for tests of reuse
        self.connections = 0
        #: called after each accepted message
        self.watchers: list[Callable[[], None]] = []

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator["MailSink"]:
        """Listen while the block runs."""
        listener = _bound(self.host, port)
        server = await asyncio.get_running_loop().create_server(self._protocol, sock=listener)
        self.port = listener.getsockname()[1]
        try:
            yield self
        finally:
            self._closing.set()
            for task in list(self._late):
                task.cancel()
            server.close()

    @property
    def smtp_url(self) -> str:
        """The address as `SMTP_URL` takes it."""
        return f"smtp://{self.host}:{self.port}"

    def to(self, address: str) -> list[Mail]:
        """Return what was accepted for that address, oldest first."""
        return [mail for mail in self.messages if address in mail.recipients]

    def duplicates(self) -> dict[str, int]:
        """Return each Message-ID that was accepted more than once for one recipient, with its count."""
        counted = Counter((mail.message_id, recipient) for mail in self.messages for recipient in mail.recipients)
        return {message_id: times for (message_id, _), times in counted.items() if times > 1}

    def lie(self, kind: Kind, **how: Any) -> None:
        """Script a fault for the next messages; see `MailLie`."""
        if kind not in get_args(Kind):
            raise ValueError(f"no such lie: {kind} (known: {', '.join(get_args(Kind))})")
        self._script.append(MailLie(kind, **how))

    def stop_lying(self) -> None:
        """Behave from now on."""
        self._script.clear()

    async def wait_for(self, look: Callable[[], T], timeout: float = 60.0) -> T:  # noqa: ASYNC109 - the message of the error is the point
        """Look until there is something; TimeoutError tells which mail is there instead."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := look()):
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"no such mail; there is {[(m.recipients, m.subject) for m in self.messages]}")
            await asyncio.sleep(0.01)
        return found

    # What aiosmtpd calls; the names are its own.

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd passes it by position
        session: Session,  # noqa: ARG002 - aiosmtpd passes it by position
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take a recipient, unless the script says otherwise."""
        lie = self._peek(address)
        if lie is not None and lie.kind in _AT_RECIPIENT:
            self._count(lie)
            return _AT_RECIPIENT[lie.kind]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002 - aiosmtpd passes it by position
        envelope: Envelope,
    ) -> str:
        """Keep the message, unless the script says otherwise."""
        recipients = tuple(envelope.rcpt_tos)
        lie = next((found for found in map(self._peek, recipients) if found), None)
        if lie is not None:
            self._count(lie)
        kind = lie.kind if lie else None
        if kind == "tempfail":
            return "451 4.7.1 Greylisted, try again later"
        if kind in {None, "accept_drop", "accept_hang"}:
            self._keep(envelope)
        if kind is None:
            return "250 2.0.0 OK: queued"
        if lie is not None and kind == "late_accept":
            self._start_late(envelope, lie.seconds)
        if kind in {"hang", "accept_hang", "late_accept"}:
            await self._closing.wait()
        if isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "421 4.4.2 Connection dropped"

    def _protocol(self) -> SMTP:
        self.connections += 1
        return SMTP(
            self, hostname="sandbox.example", data_size_limit=MOST_BYTES, enable_SMTPUTF8=True,
            authenticator=lambda *_: AuthResult(success=True), auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )  # fmt: skip

    def _peek(self, address: str) -> MailLie | None:
        return next((lie for lie in self._script if lie.times != 0 and lie.recipient in {None, address}), None)

    def _count(self, lie: MailLie) -> None:
        if lie.times is not None:
            lie.times -= 1

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        sender = str(envelope.mail_from or "")
        self.messages.append(Mail(len(self.messages) + 1, sender, tuple(envelope.rcpt_tos), content, self._clock.now()))
        for watcher in self.watchers:
            watcher()

    def _start_late(self, envelope: Envelope, seconds: float) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            self._keep(envelope)

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket on that port; OSError, and nothing left open, when it is taken."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
