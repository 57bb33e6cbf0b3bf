"""The two servers whose acks are measured, each in a process of its own: a bare bolt app, and Tidings' web side."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.ack_load import ORGANIZATIONS, SECRET, SOURCES, people


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


if __name__ == "__main__":
    if sys.argv[1] == "bare":
        main_bare()
    else:
        main_tidings(sys.argv[2], sys.argv[3])
