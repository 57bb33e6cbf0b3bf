"""How fast Slack gets its ack: ours against a bare bolt app that only acks, interleaved in one run.

Each server runs in a process of its own pinned to one CPU; the load and the sink of response_urls run on the other.
`/data` shows the status of four sources, asked by fifty members of one organization, and by members of 300. A confirmed
refresh is one durable commit; behind the acks each starts a run of its own (the web side alone: nothing is collected).
Run: python -m bench.ack [--rounds 3] [--requests 300]
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

SECRET = "sandbox-signing-secret"
ORGANIZATIONS = 300
SOURCES = 4
CONCURRENCY = 50
#: What follows the acks of a turn is over when the server rested that long; waited for this long at most (seconds).
REST, MOST_REST = 0.3, 30.0
RESULTS = Path(__file__).parent / "results"
Request = bytes


# The servers, each in a process of its own


def main_bare() -> None:
    """Run a bolt app that verifies, finds its listener and acks."""
    from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
    from slack_bolt.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from starlette.applications import Starlette
    from starlette.requests import Request as Incoming
    from starlette.routing import Route

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-bare", bot_user_id="U1", bot_id="B1")

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=True)

    @app.command("/data")
    async def command(ack: Any) -> None:
        await ack()

    @app.action("refresh_confirm")
    async def action(ack: Any) -> None:
        await ack()

    handler = AsyncSlackRequestHandler(app)

    async def endpoint(request: Incoming) -> Any:
        return await handler.handle(request)

    serve(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])]))


def main_tidings(folder: str, api_url: str) -> None:
    """Run the web side of Tidings on a database of its own."""
    import logging

    import structlog
    from starlette.applications import Starlette

    from bot.guard import Verifier
    from bot.surface import Surface
    from bot.web import build_web
    from jobs.build import build_jobs
    from jobs.engine import Engine
    from storage.facts.clock import SystemClock
    from storage.facts.secret import Secret
    from storage.migrate import migrate
    from storage.seal import new_key
    from storage.sessions import open_database
    from storage.settings import Settings

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    database = open_database(f"sqlite:///{folder}/tidings.db")
    migrate(database)
    seed(database)
    settings = Settings(
        database_url=database.url,
        warehouse_url=f"{folder}/warehouse",
        secret_keys=[new_key()],
        slack_bot_token="xoxb-bench",
        slack_signing_secret=SECRET,
        slack_api_url=api_url,
    )
    clock = SystemClock()
    jobs = build_jobs(settings, database, clock)
    engine = Engine(database, clock, role="web")
    jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
    surface = Surface(jobs.services, jobs.tokens.token, api_url, clock)

    async def ready() -> bool:
        return True

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await engine.launch()
        await surface.start()
        yield
        await surface.close()
        await engine.close()
        await jobs.close()

    serve_as_product(build_web(surface.take, Verifier(Secret(SECRET), clock), ready, lifespan=lifespan))


def seed(database: Any) -> None:
    """Write organizations with one refresher and four sources each."""
    from datetime import UTC, datetime

    from storage.facts.sources import CollectMode, ConnectionState
    from storage.tables import ConnectionRow, MemberRow, OrganizationRow, SourceRow, WorkspaceRow

    now = datetime.now(UTC)
    with database.write() as session:
        for number in range(ORGANIZATIONS):
            org = f"org_{number}"
            session.add(OrganizationRow(id=org, name=f"Company {number}", timezone="UTC", created_at=now))
            session.flush()
            session.add(WorkspaceRow(team_id=f"T{number}X", organization_id=org, name=org))
            session.flush()
            for user in people(number):
                session.add(MemberRow(id=f"mem_{user}", organization_id=org, team_id=f"T{number}X", user_id=user,
                                      name="Maya", role="refresher"))  # fmt: skip
            for index in range(SOURCES):
                session.add(
                    SourceRow(
                        id=f"src_{number}_{index}",
                        organization_id=org,
                        provider="shopify",
                        account=f"shop-{number}-{index}.myshopify.com",
                        label=f"shop-{number}-{index}.myshopify.com",
                        company=f"Shop {index}",
                        mode=CollectMode.ON_DEMAND,
                        schedule_minutes=60,
                        updated_at=now,
                        created_at=now,
                    )
                )
                session.flush()
                session.add(
                    ConnectionRow(
                        source_id=f"src_{number}_{index}",
                        organization_id=org,
                        state=ConnectionState.CONNECTED,
                        since=now,
                    )
                )


def people(organization: int) -> list[str]:
    """Return the members of an organization: fifty in the first one, one in each other."""
    return [f"U{organization}X{number}" for number in range(CONCURRENCY if organization == 0 else 1)]


def serve_as_product(app: Any) -> None:
    """Serve on a free port, which is printed, as the product does."""
    import gc

    from bot.server import Server
    from bot.wire import server_config

    os.sched_setaffinity(0, {0})

    def listens(url: str) -> None:
        gc.collect()
        gc.freeze()
        print(url.rpartition(":")[2], flush=True)

    asyncio.run(Server(server_config(app, host="127.0.0.1", port=0), listens).serve())


def serve(app: Any) -> None:
    """Serve on a free port, which is printed."""
    import socket

    import uvicorn

    os.sched_setaffinity(0, {0})
    # With the protocol named, as uvicorn's own listener has it: asyncio sends without delay only on such sockets, and
    # an answer in two writes (ours has a body) would wait 40 ms for the other side's delayed TCP acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


# The load


def wire(port: int, body: bytes, content_type: str) -> Request:
    """Return one signed request, ready to be written to a connection."""
    at = int(time.time())
    mac = hmac.new(SECRET.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nX-Slack-Request-Timestamp: {at}\r\nX-Slack-Signature: v0={mac}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Makes the requests of one run; no two are equal."""

    def __init__(self, sink: int) -> None:
        self._sink = sink
        self._number = 0
        self._source = 0

    def response_url(self) -> str:
        return f"http://127.0.0.1:{self._sink}/response/{self._number}"

    def company(self, port: int, count: int) -> Iterator[Request]:
        """Make commands of fifty members of one organization."""
        for _ in range(count):
            yield self._command(port, 0, people(0)[self._number % CONCURRENCY])

    def everybody(self, port: int, count: int) -> Iterator[Request]:
        """Make commands of one member of each organization."""
        for _ in range(count):
            org = self._number % ORGANIZATIONS
            yield self._command(port, org, people(org)[0])

    def _command(self, port: int, org: int, user: str) -> Request:
        self._number += 1
        fields = {
            "token": "x", "team_id": f"T{org}X", "team_domain": "d", "channel_id": "C1", "channel_name": "c",
            "user_id": user, "user_name": "u", "command": "/data", "text": "", "api_app_id": "A1",
            "is_enterprise_install": "false", "response_url": self.response_url(), "trigger_id": f"1.{self._number}",
        }  # fmt: skip
        return wire(port, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def confirmations(self, port: int, count: int) -> Iterator[Request]:
        for _ in range(count):
            self._number += 1
            org, index = self._source % ORGANIZATIONS, self._source // ORGANIZATIONS % SOURCES
            self._source += 1
            value = json.dumps({"c": f"card_{self._number}", "s": [f"src_{org}_{index}"]}, separators=(",", ":"))
            button = {
                "type": "button",
                "action_id": "refresh_confirm",
                "block_id": "b",
                "value": value,
                "action_ts": "1.2",
            }
            payload: dict[str, Any] = {
                "type": "block_actions",
                "user": {"id": people(org)[0], "username": "u", "name": "u", "team_id": f"T{org}X"},
                "api_app_id": "A1",
                "token": "x",
                "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1", "is_ephemeral": True},
                "trigger_id": f"1.{self._number}",
                "team": {"id": f"T{org}X", "domain": "d"},
                "enterprise": None,
                "is_enterprise_install": False,
                "channel": {"id": "C1", "name": "c"},
                "state": {"values": {}},
                "response_url": self.response_url(),
                "actions": [button],
            }
            body = f"payload={quote_plus(json.dumps(payload))}".encode()
            yield wire(port, body, "application/x-www-form-urlencoded")

    def profiles(self, port: int) -> Iterator[Request]:
        """Tell who everybody is, as Slack does when an account changes."""
        for org, person in ((number, person) for number in range(ORGANIZATIONS) for person in people(number)):
            self._number += 1
            user = {"id": person, "team_id": f"T{org}X", "name": "maya", "tz": "UTC", "profile": {"real_name": "Maya"}}
            payload = {"type": "event_callback", "team_id": f"T{org}X", "event_id": f"Ev{self._number}",
                       "event": {"type": "user_change", "user": user}}  # fmt: skip
            yield wire(port, json.dumps(payload).encode(), "application/json")


async def fire(port: int, requests: list[Request], concurrency: int = CONCURRENCY) -> list[float]:
    """Send the requests over that many connections; give the seconds until each answer, refusing anything but 200."""
    waiting, seconds = list(reversed(requests)), []

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while waiting:
            request = waiting.pop()
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            seconds.append(time.perf_counter() - started)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{head!r} {body!r}")
            if b"nothing was started" in body or b"One moment" in body:
                raise RuntimeError(f"not the answer that is measured: {body[:300]!r}")
        writer.close()

    await asyncio.gather(*(connection() for _ in range(concurrency)))
    return seconds


@asynccontextmanager
async def response_sink() -> AsyncIterator[tuple[int, list[int]]]:
    """Take posts to response_urls; give the port and a count."""
    taken = [0]

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(length)
                taken[0] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], taken


@dataclass(frozen=True)
class Served:
    """A server under measurement."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Return the processor seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(*arguments: str) -> Iterator["Served"]:
    """Run one of the servers in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "bench.ack", *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Served(int(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Figures:
    """Latencies of one kind of request, all rounds."""

    seconds: list[float] = field(default_factory=list)
    #: of the server until the last ack
    acked: float = 0.0
    #: with what follows the acks
    cpu: float = 0.0

    def add(self, measured: list[float], acked: float, cpu: float) -> None:
        self.seconds += measured
        self.acked += acked
        self.cpu += cpu

    def row(self) -> dict[str, float]:
        return {"p50_ms": quantile(self.seconds, 0.5) * 1000, "p99_ms": quantile(self.seconds, 0.99) * 1000,
                "acked_cpu_ms": self.acked / len(self.seconds) * 1000,
                "cpu_ms": self.cpu / len(self.seconds) * 1000, "requests": len(self.seconds)}  # fmt: skip


def quantile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measure(rounds: int, requests: int) -> dict[str, Any]:
    """Run the rounds and return the figures; ours and the bare app's turns alternate."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures = {name: Figures() for name in ("bare /data", "/data", "/data, many", "bare click", "confirmed refresh")}
    with tempfile.TemporaryDirectory() as folder:
        async with response_sink() as (sink, taken):
            with server("bare") as bare, server("tidings", folder, f"http://127.0.0.1:{sink}/api/") as tidings:
                load, throwaway = Load(sink), Load(sink)
                turns = (
                    ("bare /data", bare, throwaway.company),
                    ("/data", tidings, load.company),
                    ("/data, many", tidings, load.everybody),
                    ("bare click", bare, throwaway.confirmations),
                    ("confirmed refresh", tidings, load.confirmations),
                )
                for served in (bare, tidings):
                    await ready(served.port)
                for number in range(rounds + 1):
                    await fire(tidings.port, list(load.profiles(tidings.port)))
                    for name, served, made in turns:
                        before = served.cpu()
                        made_now = list(made(served.port, requests if number else CONCURRENCY))
                        measured = await fire(served.port, made_now)
                        acked = served.cpu() - before
                        # What follows the acks belongs to these requests, not to the next turn's.
                        await rest(served, folder)
                        if number:
                            figures[name].add(measured, acked, served.cpu() - before)
                await asyncio.sleep(1)
                commits = count(folder, "refreshes")
    return summary({name: measured.row() for name, measured in figures.items()}) | {
        "refreshes": commits,
        "answers_shown": taken[0],
    }


def count(folder: str, table: str) -> int:
    """Return how many rows a table has."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"{folder}/tidings.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def rest(served: Served, folder: str) -> None:
    """Wait until the server has done what follows its acks."""
    deadline = time.monotonic() + MOST_REST
    before = -1.0
    # A server that gets no processor looks as if it rested; what it has accepted and not played tells.
    while (served.cpu() - before > 0.02 or count(folder, "clicks")) and time.monotonic() < deadline:
        before = served.cpu()
        await asyncio.sleep(REST)


async def ready(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def summary(rows: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return rows and ratios."""

    def ratio(ours: str, bare: str, figure: str) -> float:
        return rows[ours][figure] / rows[bare][figure]

    pairs = (("/data", "bare /data", 3), ("/data, many", "bare /data", None), ("confirmed refresh", "bare click", 8))
    ratios = {
        ours: {
            "p99": ratio(ours, bare, "p99_ms"),
            "p50": ratio(ours, bare, "p50_ms"),
            "cpu": ratio(ours, bare, "acked_cpu_ms"),
            "at_most": most,
        }
        for ours, bare, most in pairs
    }
    return {"concurrency": CONCURRENCY, "rows": rows, "ratios": ratios}


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"ack of signed requests, {result['concurrency']} at once, one core per server")
    for name, row in result["rows"].items():
        times = f"p50 {row['p50_ms']:7.1f} ms   p99 {row['p99_ms']:7.1f} ms"
        cpu = f"CPU {row['acked_cpu_ms']:5.2f} ms each until acked, {row['cpu_ms']:5.2f} with what follows"
        print(f"  {name:<20} {times}   {cpu}   ({row['requests']:.0f} requests)")
    for name, ratio in result["ratios"].items():
        most = f" (at most {ratio['at_most']})" if ratio["at_most"] else ""
        rest = f"{ratio['p50']:5.2f} x the bare p50, {ratio['cpu']:5.2f} x its CPU until acked"
        print(f"  {name:<20} {ratio['p99']:5.2f} x the bare p99{most}, {rest}")
    print(f"  refreshes committed {result['refreshes']}, answers shown by response_url {result['answers_shown']}")


def run(rounds: int = 3, requests: int = 300) -> dict[str, Any]:
    """Measure, print, and write bench/results/ack.json."""
    result = asyncio.run(measure(rounds, requests))
    show(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ack.json").write_text(json.dumps(result, indent=2))
    return result


def main() -> None:
    """Start a server, or the measurement."""
    if sys.argv[1:2] == ["bare"]:
        main_bare()
    elif sys.argv[1:2] == ["tidings"]:
        main_tidings(sys.argv[2], sys.argv[3])
    else:
        options = argparse.ArgumentParser(description=__doc__)
        options.add_argument("--rounds", type=int, default=3)
        options.add_argument("--requests", type=int, default=300)
        chosen = options.parse_args()
        run(chosen.rounds, chosen.requests)


if __name__ == "__main__":
    main()
