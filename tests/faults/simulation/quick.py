"""What makes a simulation quick: no threads, no sockets to Slack, and no wait for the disk.

Everything here stands where the outside begins: the loop's own executor, the session of HTTP below Slack's own client,
the file below SQLite. What Tidings does is the same; one piece of it is done after the other anyway.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from types import TracebackType
from typing import Any, TypeVar, cast
from unittest.mock import patch
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from sqlalchemy import event
from starlette.requests import Request
from starlette.responses import Response

from jobs.desk import Desk
from jobs.errors import unavailable
from sandbox.slack import SlackWorkspace
from sandbox.slack.api import WebApi
from storage.facts.clock import Clock
from storage.sessions import Database, DatabaseBusyError, Session

T = TypeVar("T")


class Here(ThreadPoolExecutor):
    """Does at once, on the loop's own thread, what is given to it."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, also the death of a process
            done.set_exception(error)
        return done


class Straight:
    """The desk's transactions, each by itself and at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, work: Callable[[Session], T], *, plain: bool = False) -> T:
        return self._done(lambda: self._database.in_write(work))

    async def write_behind(self, work: Callable[[Session], T]) -> T:
        return self._done(lambda: self._database.in_write(work))

    async def read(self, work: Callable[[Session], T]) -> T:
        return self._done(lambda: self._database.in_read(work))

    def close(self) -> None:
        """Nothing waits."""

    def _done(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except DatabaseBusyError as error:
            raise unavailable(error) from error


def straighten(desk: Desk, database: Database) -> None:
    """Let the desk work on the caller's thread."""
    assert desk._together is not None
    desk._together.close()
    desk._readers.close()
    straight = Straight(database)
    desk._together = cast("Any", straight)
    desk._readers = cast("Any", straight)


@contextmanager
def same_again(seed: int, clock: Clock) -> Iterator[None]:
    """Draw ids from the seed and let the machine's own clock show the simulated time: a seed then replays exactly."""
    with (
        patch("time.time", lambda: clock.now().timestamp()),
        patch("secrets.randbits", Random(f"ids {seed}").getrandbits),
    ):
        yield


def begin_here() -> None:
    """Let this loop do everything on one thread."""
    asyncio.get_running_loop().set_default_executor(Here(1))


def forget_the_disk(database: Database) -> None:
    """Let commits be in memory when they are said to be done: this machine does not lose its power in a simulation."""

    def relax(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA wal_autocheckpoint=20000")

    for engine in (database.engine, database._readers):
        event.listen(engine, "connect", relax)


class Answered:
    """An answer of the stand-in, as Slack's client reads it."""

    def __init__(self, response: Response) -> None:
        self.status = response.status_code
        self.headers = CIMultiDict(response.headers.items())
        self.content_type = response.headers.get("content-type", "").partition(";")[0]
        self._body = bytes(response.body)

    async def json(self) -> Any:
        return json.loads(self._body)

    async def text(self) -> str:
        return self._body.decode()


class Asked:
    """One call under way."""

    def __init__(self, wire: "Wire", url: str, arguments: dict[str, Any]) -> None:
        self._wire, self._url, self._arguments = wire, url, arguments

    async def __aenter__(self) -> Answered:
        return await self._wire.answer(self._url, self._arguments)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""


class Line:
    """The connection of one call, which the stand-in may cut."""

    def __init__(self) -> None:
        self.cut = False

    def get_extra_info(self, _name: str) -> "Line":
        return self

    def setsockopt(self, *_options: Any) -> None:
        """There is no socket to be set."""

    def abort(self) -> None:
        self.cut = True


class Wire:
    """A session of HTTP that ends in the Slack stand-in, without sockets."""

    closed = False

    def __init__(self, slack: SlackWorkspace) -> None:
        self._api = WebApi(slack.core)

    def request(self, _verb: str, url: str, **arguments: Any) -> Asked:
        return Asked(self, url, arguments)

    async def close(self) -> None:
        """Nothing is open."""

    async def answer(self, url: str, arguments: dict[str, Any]) -> Answered:
        """Hand a call to the stand-in; ServerDisconnectedError when it hangs up."""
        line = Line()
        headers = {name.lower(): value for name, value in (arguments.get("headers") or {}).items()}
        headers["content-type"] = "application/json"
        body = json.dumps(arguments.get("json") or {}).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        scope = {
            "type": "http",
            "method": "POST",
            "path": url,
            "query_string": urlencode(arguments.get("params") or {}).encode(),
            "headers": [(name.encode(), str(value).encode()) for name, value in headers.items()],
            "path_params": {"method": url.rpartition("/")[2]},
            "state": {"transport": line},
        }
        response = await self._api.handle(Request(scope, receive))
        if line.cut:
            raise aiohttp.ServerDisconnectedError
        return Answered(response)


def at_hand(slack: SlackWorkspace) -> Wire:
    """Return a session that ends in the stand-in; what the page would show, and echoes to the app, are left out."""
    slack.core.url = "https://slack.invalid"
    slack.core.rooms.own = lambda _message: None
    slack.core.rooms._undrawable = lambda _blocks, _kind: []
    return Wire(slack)
