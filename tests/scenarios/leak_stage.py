"""What the search for leaks stands on: the whole product with debug logs, forced exceptions, and every place to look."""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pyarrow.parquet as pq
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.cli.demo_ground import Ground
from bot.cli.stories.stage import Stage, Witness
from bot.logs import configure_logging, own_secrets
from bot.main import Options, build_app
from sandbox.providers.serve import serve
from sandbox.slack.journal import Entry
from tests.leaks import Leak, Place, Secrets
from tests.scenarios.leak_stores import Store

#: Whose private messages a flow's link and codes go to.
PERSON, DIRECT = "U0DANIEL", "D0DANIEL"
_LINK = re.compile(r"/connect/l/([\w-]+)")
#: In the page that leads to the provider, and back from there.
_GOES = {"state": {"page", "asked"}, "nonce": {"page"}}
_COMES = {"code": "authorization code", "state": "state"}


class Trips:
    """Checkpoints that raise: once for each name that is armed."""

    def __init__(self) -> None:
        self.armed: list[str] = []
        self.tripped: list[str] = []

    def __call__(self, name: str) -> None:
        if name in self.armed:
            self.armed.remove(name)
            self.tripped.append(name)
            raise RuntimeError(f"forced at {name}")


@dataclass
class Tap:
    """Sees every request to the product and its answer, as a browser, a history or a proxy would."""

    app: ASGIApp
    secrets: Secrets
    places: list[Place] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, answer = bytearray(), bytearray()
        path = scope.get("path", "")
        from_slack = path == "/slack/events"

        async def heard() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                for key, value in message["headers"]:
                    self._header(path, key.decode().lower(), value)
            answer.extend(message.get("body", b""))
            await send(message)

        self._asked(scope)
        await self.app(scope, heard, said)
        self._typed(path, bytes(body))
        self._shown(bytes(answer))
        self.places.append(Place("ack" if from_slack else "page", path, bytes(answer)))

    def _asked(self, scope: Scope) -> None:
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        if "/callback" in path:
            for name, value in parse_qsl(query):
                if name in _COMES:
                    self.secrets.add(_COMES[name], value, allowed={"page", "asked"} if name == "state" else ())
        if found := _LINK.search(path):
            self.secrets.add("link", found[1], allowed={"slack, private", "ack", "page", "location"})

    def _typed(self, path: str, body: bytes) -> None:
        form = dict(parse_qsl(body.decode("latin-1")))
        if path.endswith("/prove"):
            code = form.get("code", "")
            self.secrets.add("code", code)
            self.secrets.add("code as it is shown", f"{code[:4]} {code[4:]}", allowed={"slack, private"})
        self.secrets.add("form mark", form.get("csrf"), allowed={"page"})
        if payload := form.get("payload"):
            form = {"response_url": str(json.loads(payload).get("response_url") or "")}
        self.secrets.add("response_url", form.get("response_url", "").rpartition("/")[2])

    def _shown(self, answer: bytes) -> None:
        for name, allowed in _GOES.items():
            for found in re.findall(rb"[?&;]%b=([^&\"]+)" % name.encode(), answer):
                self.secrets.add(name, unquote(found.decode()), allowed=allowed)

    def _header(self, path: str, name: str, value: bytes) -> None:
        if name == "set-cookie":
            cookie = value.decode("latin-1").partition("=")[2].partition(";")[0]
            self.secrets.add("cookie", cookie, allowed={"set-cookie"})
        kind = name if name in {"set-cookie", "location"} else "header"
        self.places.append(Place(kind, f"{path} {name}", value))


@dataclass
class LeakStage:
    """The running product, what is secret, and what was seen so far."""

    stage: Stage
    ground: Ground
    store: Store
    trips: Trips
    secrets: Secrets = field(repr=False)
    tap: Tap = field(repr=False)
    seen: list[Leak] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The data folder: database, lakes and log."""
        return self.ground.folder

    async def gather(self) -> None:
        """Learn every secret that is in the world now: those that rotate are gone later."""
        await self.stage.outside(self._gather)

    async def look(self) -> None:
        """Search the database as it is now: what is in it now is elsewhere, or gone, later."""
        await self.gather()
        self.seen += await asyncio.to_thread(lambda: self.secrets.leaks(self.store.places(self.folder)))

    def _gather(self) -> None:
        sandbox, add = self.stage.sandbox, self.secrets.add
        for name in ("quickbooks", "shopify", "amazon"):
            oauth: Any = getattr(sandbox, name).oauth
            add(f"{name} client secret", oauth.client_secret)
            for code in oauth._codes:
                add("authorization code", code)
            for grant in oauth._grants:
                add(f"{name} refresh token", grant.refresh_token)
                for field_name in ("access", "retired", "retryable", "spent"):
                    for token in getattr(grant, field_name, ()):
                        add(f"{name} {field_name} token", token)
        add("Intuit's webhook verifier", sandbox.quickbooks.oauth.verifier)
        app = sandbox.slack.app
        for name, secret in (("signing", app.signing_secret), ("app", app.app_token), ("client", app.client_secret)):
            add(f"Slack {name} secret", secret.reveal())
        for installed in app.installations.values():
            add("bot token", installed.token.reveal())
            add("bot refresh token", installed.refresh and installed.refresh.reveal())
            for token in installed.former:
                add("bot token", token)
        for token in sandbox.slack.oauth.refreshes:
            add("bot refresh token", token)
        for token in sandbox.slack.oauth.people:
            add("sign-in token", token)

    async def outside(self) -> list[Place]:
        """Return what is in Slack, in the mail and in the providers' own logs."""
        return await self.stage.outside(self._outside)

    def _outside(self) -> list[Place]:
        sandbox = self.stage.sandbox
        places = [_entry(entry) for entry in sandbox.slack.entries]
        places += [Place("mail", mail.message_id, repr(mail).encode()) for mail in sandbox.mail.messages]
        for name in ("quickbooks", "shopify", "amazon"):
            asked = [(one.path, one.detail) for one in getattr(sandbox, name).journal.entries]
            places.append(Place("asked", name, repr(asked).encode()))
        return places


def _entry(entry: Entry) -> Place:
    private = entry.channel == DIRECT or (
        entry.user == PERSON and entry.kind in {"respond", "ephemeral", "ack", "open"}
    )
    content = json.dumps([entry.text, entry.blocks, entry.metadata], ensure_ascii=False)
    return Place("slack, private" if private else "slack", f"{entry.kind} {entry.channel}", content.encode())


def files(folder: Path) -> list[Place]:
    """Return every file below a folder; a table that is packed is read as well."""
    places = []
    for path in sorted(folder.rglob("*")):
        # Compaction may take a file away while we walk.
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                name = str(path.relative_to(folder))
                places.append(Place("file", name, path.read_bytes()))
                if path.suffix == ".parquet":
                    places.append(Place("rows", name, repr(pq.read_table(path).to_pydict()).encode()))
    return places


def debug_everywhere() -> None:
    """Let every library say all it can."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    for name in (*logging.root.manager.loggerDict, "httpx", "httpcore", "authlib", "slack_sdk", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    # Statements and what they are given; the rows of every answer would drown the rest.
    for name in ("sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.pool", "sqlalchemy.pool.impl.QueuePool"):
        logging.getLogger(name).setLevel(logging.INFO)


@contextlib.asynccontextmanager
async def leak_stage(ground: Ground, store: Store) -> AsyncIterator[LeakStage]:
    """Run the product until the block ends; loggers are then as loud as they were."""
    loud = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    try:
        async with _leak_stage(ground, store) as stage:
            yield stage
    finally:
        for name in logging.root.manager.loggerDict:
            logging.getLogger(name).setLevel(loud.get(name, logging.NOTSET))


@contextlib.asynccontextmanager
async def _leak_stage(ground: Ground, store: Store) -> AsyncIterator[LeakStage]:
    configure_logging("DEBUG", ground.log, own_secrets(ground.settings))
    debug_everywhere()
    trips, secrets = Trips(), Secrets()
    for secret, name in store.secrets.items():
        secrets.add(name, secret)
    for key in ground.settings.secret_keys:
        secrets.add("key", key.get_secret_value())
    secrets.add(
        "quickbooks previous client secret", ground.settings.quickbooks_client_secret_previous.get_secret_value()
    )
    app = build_app(ground.settings, Options(clock=ground.outside.sandbox.clock, checkpoint=trips, drain_seconds=0.5))
    debug_everywhere()
    async with app.running():
        tap = Tap(app.asgi, secrets)
        async with serve(tap, port=app.settings.port) as served:
            ground.deliver_to(served.url)
            yield LeakStage(Stage(ground.outside, Witness.of(app)), ground, store, trips, secrets, tap)
