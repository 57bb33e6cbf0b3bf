"""The product with ROLE=all in a process of its own: `python -m bench.product FOLDER`; its settings come in STDIN.

It is what `tidings serve` runs, on an empty folder that is migrated and seeded first, in a process that ends before.
With `--marks FILE` each named point of the work is written down with its time and the processor time so far, as are
the arrival of each request of Slack, its ack, and the moment at which an answer is handed to Slack.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Mark = Callable[[str], None]


def marker(path: Path) -> Mark:
    """Return what writes a line of time, name and processor time of the process, whole, from any thread."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def mark(name: str) -> None:
        os.write(handle, f"{time.time():.6f} {name} {time.process_time():.6f}\n".encode())

    return mark


class Arrivals:
    """Marks the arrival of each request at the product, and its ack: `http.said` where that holds the words."""

    def __init__(self, app: ASGIApp, mark: Mark) -> None:
        self._app = app
        self._mark = mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = False

        async def sending(message: Message) -> None:
            nonlocal said
            said = said or bool(message.get("body"))
            await send(message)

        self._mark("http.arrived")
        await self._app(scope, receive, sending)
        if said:
            self._mark("http.said")
        self._mark("http.answered")


def handing(app: Any, mark: Mark) -> None:
    """Let the product mark what it hands to Slack as an answer; before it is started."""
    from bot.agent import Agent
    from bot.show import Shower
    from bot.slack import TRIES, Slack

    class Handing(Slack):
        async def call(
            self, team_id: str, method: str, arguments: Mapping[str, Any], *, tries: int = TRIES
        ) -> dict[str, Any]:
            if method.startswith(("chat.post", "views.")):
                mark("slack.handed")
            return await super().call(team_id, method, arguments, tries=tries)

        async def respond(self, url: Any, body: Mapping[str, Any]) -> None:
            mark("slack.handed")
            await super().respond(url, body)

    app.surface.slack = Handing(app.settings.slack_api_url, app.surface.tokens)
    app.surface.shower = Shower(app.surface.slack, Agent(app.surface.slack, app.clock))


def settings_for(folder: Path, said: Mapping[str, Any], key: str) -> Any:
    """Return the settings of a product in that folder."""
    from bot.cli.isolated import isolated_settings

    return isolated_settings(
        {
            **said["environment"],
            "DATABASE_URL": f"sqlite:///{folder / 'tidings.db'}",
            "WAREHOUSE_URL": str(folder / "warehouse"),
            "SECRET_KEYS": key,
            "PORT": "0",
        }
    )


def prepare(folder: Path, said: Mapping[str, Any], key: str, more_sources: int) -> None:
    """Make, migrate and seed the database."""
    from bot.cli.seed import modes
    from storage.facts.clock import SystemClock
    from storage.facts.secret import Secret
    from storage.migrate import migrate
    from storage.seal import Seal
    from storage.seed_file import load_seed
    from storage.seeding import Seeding, write_seed
    from storage.sessions import open_database

    settings = settings_for(folder, said, key)
    # Found without importing the stand-ins.
    spec = find_spec("sandbox")
    assert spec is not None
    assert spec.origin is not None
    seed = load_seed(Path(spec.origin).with_name("temerity_goods.yaml"), said["credentials"])
    database = open_database(settings.database_url)
    migrate(database)
    how = Seeding(Seal([Secret(key)]), SystemClock().now(), modes())
    with database.write() as session:
        organization = write_seed(session, seed, how).organization_id
        add_sources(session, organization, more_sources)
    database.close()


def add_sources(session: Any, organization: str, count: int) -> None:
    """Add sources with a day of runs each; their schedule is off, so that the clock leaves them alone."""
    from storage.facts.runs import RunState, Trigger
    from storage.facts.sources import CollectMode, ConnectionState
    from storage.tables import ConnectionRow, RunRow, SourceRow

    now = datetime.now(UTC)
    for number in range(count):
        source = f"src_more_{number}"
        session.add(
            SourceRow(id=source, organization_id=organization, provider="shopify",
                      account=f"more-{number}.myshopify.com", label=f"more-{number}.myshopify.com",
                      company=f"Shop {number}", mode=CollectMode.ON_DEMAND, schedule_minutes=60, schedule_rule="off",
                      updated_at=now, created_at=now)
        )  # fmt: skip
        session.flush()
        session.add(
            ConnectionRow(source_id=source, organization_id=organization, state=ConnectionState.CONNECTED, since=now)
        )
        for hour in range(24):
            at = now - timedelta(hours=hour, minutes=5)
            session.add(
                RunRow(id=f"run_more_{number}_{hour}", organization_id=organization, source_id=source,
                       trigger=Trigger.SCHEDULE, slot_key=f"s{hour}", state=RunState.READY, generation=1,
                       requested_at=at, started_at=at, source_as_of=at, loaded_at=at, ready_at=at, finished_at=at,
                       rows=100)
            )  # fmt: skip
    session.flush()


async def run(settings: Any, mark: Mark | None, log: Path) -> None:
    """Serve until SIGTERM; says where on the first line."""
    from bot.logs import configure_logging
    from bot.main import Options, build_app, serve

    configure_logging("INFO", log)
    app = build_app(settings, Options() if mark is None else Options(checkpoint=mark))
    if mark is not None:
        app.asgi = Arrivals(app.asgi, mark)
        handing(app, mark)

    def ready(address: str) -> None:
        # As `tidings serve` does.
        gc.freeze()
        gc.enable()
        sys.stdout.write(json.dumps({"url": address, "request_url": f"{address}/slack/events"}) + "\n")
        sys.stdout.flush()

    await serve(app, ready)


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--outside", type=Path, required=True, help="file with what the stand-ins said")
    parser.add_argument("--marks", type=Path)
    parser.add_argument("--more-sources", type=int, default=0)
    parser.add_argument("--prepare", metavar="KEY", help="only make the database, sealed with that key")
    asked = parser.parse_args()
    said = json.loads(asked.outside.read_text())
    if asked.prepare:
        prepare(asked.folder, said, asked.prepare, asked.more_sources)
        return
    from storage.seal import new_key

    key = new_key()
    # A key may begin with a dash, which an argument of its own would take for an option.
    # What this imports must not count as memory of the product, which is migrated by a command of its own, too.
    subprocess.run([sys.executable, "-m", "bench.product", *sys.argv[1:], f"--prepare={key}"], check=True)
    gc.disable()
    settings = settings_for(asked.folder, said, key)
    asyncio.run(run(settings, marker(asked.marks) if asked.marks else None, asked.folder / "tidings.log"))


if __name__ == "__main__":
    main()
