"""A stand-in of a mailbox: enough of IMAP4rev1 over TLS to list and fetch, and a script of what goes wrong."""

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Mailbox:
    """One user, one folder, and every command that came."""

    user: str = "reports@temeritygoods.example"
    password: str = "sandbox-mailbox-secret"
    #: a token that XOAUTH2 takes, instead of the password
    token: str = ""
    folder: str = "INBOX"
    validity: int = 7
    #: number -> when it was received, and the mail
    mails: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)
    #: numbers of mails that were marked as read
    seen: set[int] = field(default_factory=set)
    #: commands without their secrets
    asked: list[str] = field(default_factory=list)
    #: capabilities beside IMAP4rev1
    can: str = "AUTH=PLAIN AUTH=XOAUTH2"
    #: what the next login is answered with instead, once each
    trouble: list[str] = field(default_factory=list)
    #: size that literals are said to have, instead of the true one
    lie: int = 0
    #: connections end instead of a fetched mail, so many times
    drops: int = 0
    #: what lists and mails are answered with instead; over and over, without end, where `endless`
    instead: str = ""
    endless: bool = False
    port: int = 0

    @property
    def tokens(self) -> Starlette:
        """A service that gives tokens for it to an app with the right secret, each once: ``app-id``, ``app-secret``."""

        async def give(request: Request) -> Response:
            said = parse_qs((await request.body()).decode())
            self.asked.append(f"TOKEN {said['grant_type'][0]}")
            if said.get("client_id") != ["app-id-of-the-sandbox"] or said.get("client_secret") != [self.password]:
                return JSONResponse({"error": "invalid_client"}, 401)
            if said["grant_type"] == ["refresh_token"] and said.get("refresh_token") != ["sandbox-refresh"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            self.token = f"token-{len(self.asked)}"
            return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": self.token})

        return Starlette(routes=[Route("/token", give, methods=["POST"])])

    def put(self, raw: bytes, received: datetime) -> int:
        """Let a mail arrive."""
        number = max(self.mails, default=0) + 1
        self.mails[number] = (received, raw)
        return number

    @contextlib.asynccontextmanager
    async def serve(self, context: ssl.SSLContext) -> AsyncIterator["Mailbox"]:
        """Listen on this machine."""
        open_ones: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_ones.add(task)
            with contextlib.suppress(
                ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                await _Talk(self, reader, writer).go()
            open_ones.discard(task)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(open_ones):
                task.cancel()


@dataclass
class _Talk:
    box: Mailbox
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    inside: bool = False
    tag: str = "*"

    async def go(self) -> None:
        self.say(f"* OK [CAPABILITY IMAP4rev1 {self.box.can}] ready")
        while line := await self.reader.readline():
            self.tag, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            name, _, said = rest.partition(" ")
            if name.upper() == "LOGOUT":
                self.box.asked.append("LOGOUT")
                self.say("* BYE")
                self.end("OK")
                await self.writer.drain()
                return
            await self._answer(name.upper(), said)
            await self.writer.drain()

    async def _answer(self, name: str, said: str) -> None:
        secret = name in {"LOGIN", "AUTHENTICATE"}
        self.box.asked.append(f"{name} {said.split(' ', maxsplit=1)[0]}" if secret else f"{name} {said}".strip())
        if name == "CAPABILITY":
            self.say(f"* CAPABILITY IMAP4rev1 {self.box.can}")
            self.end("OK")
        elif name == "NOOP":
            self.end("OK")
        elif name == "LOGIN":
            self._enter(said.replace('"', "") == f"{self.box.user} {self.box.password}")
        elif name == "AUTHENTICATE":
            await self._authenticate(said)
        elif not self.inside:
            self.end("BAD log in first")
        elif name in {"EXAMINE", "SELECT"}:
            self._select(said.strip('"'), "READ-ONLY" if name == "EXAMINE" else "READ-WRITE")
        elif name == "UID" and self.box.instead:
            self.writer.write(self.box.instead.encode())
            while self.box.endless:
                await self.writer.drain()
                await asyncio.sleep(0)
                self.writer.write(self.box.instead.encode())
            self.end("OK")
        elif name == "UID":
            self._fetch(said)
        else:
            self.end("BAD what?")

    async def _authenticate(self, kind: str) -> None:
        self.say("+ ")
        await self.writer.drain()
        came = base64.b64decode((await self.reader.readline()).strip()).decode()
        if kind.startswith("PLAIN"):
            self._enter(came == f"\0{self.box.user}\0{self.box.password}")
            return
        good = bool(self.box.token) and came == f"user={self.box.user}\x01auth=Bearer {self.box.token}\x01\x01"
        if not good:
            self.say("+ eyJzdGF0dXMiOiI0MDAifQ==")
            await self.writer.drain()
            await self.reader.readline()
        self._enter(good)

    def _enter(self, good: bool) -> None:  # noqa: FBT001 - the one thing that is asked
        if self.box.trouble:
            self.end(f"NO {self.box.trouble.pop(0)}")
        elif good:
            self.inside = True
            self.end("OK")
        else:
            self.end("NO [AUTHENTICATIONFAILED] Invalid credentials")

    def _select(self, folder: str, how: str) -> None:
        if folder != self.box.folder:
            self.end("NO no such folder")
            return
        self.say(f"* {len(self.box.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.box.validity}]")
        self.end(f"OK [{how}]")

    def _fetch(self, said: str) -> None:
        if stored := re.fullmatch(r"STORE ([0-9,]+) \+FLAGS\.SILENT \(\\Seen\)", said):
            self.box.seen |= {int(uid) for uid in stored[1].split(",")}
            self.end("OK")
            return
        match = re.fullmatch(r"FETCH (1:\*|[0-9]+) \((.*)\)", said)
        if match is None:
            self.end("BAD what?")
            return
        for order, (uid, (received, raw)) in enumerate(sorted(self.box.mails.items()), 1):
            if match[1] == "1:*":
                date = f"{received.day:2d}-{received:%b-%Y %H:%M:%S %z}"
                read = "\\Seen" if uid in self.box.seen else ""
                flags = f"FLAGS ({read}) " if "FLAGS" in match[2] else ""
                self.say(f'* {order} FETCH (UID {uid} {flags}RFC822.SIZE {len(raw)} INTERNALDATE "{date}")')
            elif match[1] == str(uid):
                if self.box.drops:
                    self.box.drops -= 1
                    self.writer.transport.abort()
                    return
                self.say(f"* {order} FETCH (UID {uid} BODY[] {{{self.box.lie or len(raw)}}}")
                self.writer.write(raw + b")\r\n")
        self.end("OK")

    def say(self, line: str) -> None:
        self.writer.write(f"{line}\r\n".encode())

    def end(self, how: str) -> None:
        self.say(f"{self.tag} {how} done.")
