"""One life of the product in a process of its own: the real composition, with short waits and witnessed collections."""

import asyncio
import contextlib
import dataclasses
import faulthandler
import importlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.cli.isolated import isolated_settings
from bot.logs import configure_logging
from bot.main import App, Options
from connectors.amazon.connector import AmazonConnector
from connectors.amazon.spans import Stretch
from connectors.base import Access, Collected, Company, Connector, Progress, Session, Sink
from connectors.past import Slicing
from connectors.registry import connector_for
from connectors.shopify.connector import ShopifyConnector
from connectors.wire import HttpLimits
from jobs.build import Tuning, build_jobs
from jobs.crashpoints import crash_point
from jobs.engine import Timings
from jobs.refresh.retry import RetryPlan
from sandbox.providers.serve import serve
from sandbox.shared_clock import SharedClock
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream
from storage.sessions import open_database
from tests.faults.storm import storm
from tests.faults.twins import TWINS, Parts
from tests.faults.witness import Witness

#: A post is accepted at most that long after the call has timed out (`slack_seconds`), in these tests.
QUIET = timedelta(seconds=2.5)
SLACK_SECONDS = 1.0
TIMINGS = Timings(beat=0.15, dead=1.0, mute=0.7, hang=5.0, reap=0.2)
HTTP = HttpLimits(connect=2, read=1.0, total=3, attempts=2, retry_total=6, longest_wait=20, body=4 << 20)
DRAIN_SECONDS = 0.3


def warm_up() -> None:
    """Import everything that a life would import by and by."""
    for name in (
        "dbos",
        "duckdb",
        "pyarrow",
        "aiosmtplib",
        "psycopg",
        "uvicorn.protocols.http.h11_impl",
        "multiprocessing",
    ):
        importlib.import_module(name)


def live(plan: dict[str, Any], ready: Callable[[str], None]) -> None:
    """Be one life; never returns."""
    code = 1
    try:
        random.seed()
        os.environ.pop("TIDINGS_CRASH_AT", None)
        if plan["crash_at"]:
            os.environ["TIDINGS_CRASH_AT"] = plan["crash_at"]
        log = Path(plan["log"]).open("a", encoding="utf-8")  # noqa: SIM115 - as long as the process
        os.dup2(log.fileno(), 2)
        sys.stderr = log
        faulthandler.register(signal.SIGUSR1, log)
        configure_logging("INFO", log)
        asyncio.run(_STORIES[plan.get("story", "")](plan, ready))
        code = 0
    except BaseException:  # noqa: BLE001 - the edge of the process: into the life's log
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


async def _live(plan: dict[str, Any], ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = compose(plan)
    async with app.running(), serve(app.asgi, port=app.settings.port) as served:
        ready(served.url)
        await stop.wait()


#: What a life does: it is the whole product, or a part of it in a storm.
_STORIES: Mapping[str, Callable[[dict[str, Any], Callable[[str], None]], Coroutine[Any, Any, None]]] = {
    "": _live,
    "storm": storm,
}


def compose(plan: dict[str, Any]) -> App:
    """Put the product together as its composition root does; a twin then changes one thing."""
    settings = isolated_settings(plan["settings"])
    clock = SharedClock(path=Path(plan["clock"]))
    witness = Witness(Path(plan["witness"]))
    retries = RetryPlan(first=0.2, cap=0.5, attempts=plan["attempts"])
    tuning = Tuning(
        retries=retries,
        quiet=QUIET,
        slack_seconds=SLACK_SECONDS,
        http=HTTP,
        audit_every_seconds=1.0,
        lease_seconds=2.0,
    )
    checkpoint = _checkpoint(plan["freeze_at"])
    database = open_database(settings.database_url)
    jobs = build_jobs(
        settings,
        database,
        clock,
        checkpoint=checkpoint,
        connectors=lambda provider: Witnessed(_connector(provider, slices=plan["slices"]), witness),
        tuning=tuning,
    )
    if not plan["scheduled"]:
        jobs = dataclasses.replace(jobs, load_schedules=lambda _since: [])
    options = Options(clock=clock, tuning=tuning, timings=TIMINGS, checkpoint=checkpoint, drain_seconds=DRAIN_SECONDS)
    parts = Parts(settings, database, clock, tuning, checkpoint, options)
    return TWINS[plan["twin"]](parts, jobs)


def _connector(provider: Provider, *, slices: bool) -> Connector:
    """Return the provider's connector; with slices one to which a few records are very many."""
    if slices and provider is Provider.SHOPIFY:
        few = Slicing(above=30, most=20, first=10, by_days=True)
        return ShopifyConnector(bulk_from=10**6, slicing=few, paged=20)
    if slices and provider is Provider.AMAZON:
        return AmazonConnector(past=Stretch(history=timedelta(days=150), little=-1))
    return connector_for(provider)


def _checkpoint(freeze_at: str | None) -> Callable[[str], None]:
    """Die where the environment says, or freeze where the plan says, once."""
    left = [freeze_at]

    def checkpoint(name: str) -> None:
        if name == left[0]:
            left.clear()
            left.append(None)
            os.kill(os.getpid(), signal.SIGSTOP)
        crash_point(name)

    return checkpoint


class Witnessed:
    """A connector whose collections are written down, in a file that outlives every process."""

    def __init__(self, connector: Connector, witness: Witness) -> None:
        self._connector = connector
        self._witness = witness

    @property
    def provider(self) -> Provider:
        return self._connector.provider

    @property
    def mode(self) -> CollectMode:
        return self._connector.mode

    @property
    def label(self) -> str:
        return self._connector.label

    @property
    def streams(self) -> tuple[Stream, ...]:
        return self._connector.streams

    @property
    def ready(self) -> tuple[ReadyTable, ...]:
        return self._connector.ready

    @contextlib.asynccontextmanager
    async def session(self, access: Access) -> AsyncIterator[Session]:
        async with self._connector.session(access) as session:
            yield session

    async def probe(self, session: Session) -> Company:
        return await self._connector.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        self._witness.write("begin", account=session.access.account)
        try:
            return await self._connector.collect(session, cursors, until, sink, progress)
        finally:
            self._witness.write("end", account=session.access.account)
