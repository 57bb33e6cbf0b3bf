"""The composition root: everything is built here, from settings, and nothing happens before `start`."""

from bot.without_rich import imports_are_over, structlog  # isort: skip  # before anything else imports it, see there

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from bot.api import Api
from bot.asks import KIND, ask_handler
from bot.guard import Verifier
from bot.health import Health
from bot.pages.metric_file import MetricFilePages
from bot.pages.sheet import SheetPages
from bot.pages.site import pages
from bot.surface import Surface
from bot.web import build_web
from bot.web_connector import WebConnectorPages
from bot.webhooks import endpoints
from jobs.build import Jobs, Tuning, build_jobs
from jobs.clock import Clockwork, SubmitSlots, Sweep
from jobs.crashpoints import crash_point
from jobs.engine import Engine, Timings
from jobs.expectations.lookout import LedgerThread
from storage.facts.clock import Clock, SystemClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.sessions import Database, DatabaseBusyError, DatabaseUnavailableError, open_database
from storage.settings import ProcessRole, Settings
from storage.shape import is_current

if TYPE_CHECKING:
    from bot.metrics import MetricsServer
    from bot.socket_mode import SocketMode

imports_are_over()
log = structlog.get_logger("bot.main")

_READY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What tests and the demo choose besides the settings."""

    clock: Clock | None = None
    tuning: Tuning | None = None
    timings: Timings | None = None
    checkpoint: Callable[[str], None] = crash_point
    drain_seconds: float = 5.0
    #: put around what the clock submits slots to
    slots: Callable[[SubmitSlots], SubmitSlots] = lambda submit: submit
    #: put around everything that is wired up; tests build a product that breaks its word
    variant: Callable[[Jobs], Jobs] = lambda jobs: jobs


class App:
    """One process of Tidings: web side, worker side or both."""

    def __init__(self, settings: Settings, database: Database, jobs: Jobs, options: Options) -> None:
        self.settings = settings
        self.database = database
        self.jobs = jobs
        self.clock = options.clock or SystemClock()
        self._options = options
        self.surface = Surface(
            jobs.services, jobs.tokens.token, settings.slack_api_url, self.clock, learns=not self.works
        )
        self.engine = self._engine()
        clicks = Sweep("clicks", 1.0, self.surface.play_clicks)
        homes = Sweep("homes", 2.0, self.surface.draw_homes)
        self.clockwork = Clockwork(
            jobs.load_schedules,
            options.slots(jobs.submit_slots),
            [*jobs.sweeps, clicks, homes],
            self.clock,
            figures=jobs.ground.figures,
        )
        self._lookout = LedgerThread(jobs.ledger)
        self._metrics = self._metrics_server()
        self.health = Health(database, self.clock, jobs.beat)
        self._socket: SocketMode | None = None
        self._running = False
        #: why it did not start: the server only logs that
        self.refusal: BaseException | None = None
        self.asgi: ASGIApp = self._web()

    @property
    def works(self) -> bool:
        """Whether this process runs refreshes, the clock and deliveries."""
        return self.settings.role is not ProcessRole.WEB

    @property
    def listens(self) -> bool:
        """Whether this process takes what Slack brings."""
        return self.settings.role is not ProcessRole.WORKER

    async def start(self) -> None:
        """Start everything, on the running loop; what cannot start stops what has."""
        try:
            if self._metrics is not None:
                self._metrics.start()
            await self.surface.start()
            if self.works:
                await asyncio.to_thread(self.jobs.ground.warm)
            await self.engine.launch()
            if self.works:
                await self.clockwork.start()
                self._lookout.start()
            if self.listens and self.settings.socket_mode:
                from bot.socket_mode import SocketMode

                token = Secret(self.settings.slack_app_token.get_secret_value())
                self._socket = SocketMode(self.surface.intake, self.surface.slack, token, self.clock)
                await self._socket.start()
        except BaseException as error:
            self.refusal = error
            await self.close()
            raise
        self._running = True
        log.info("started", role=self.settings.role.value, socket_mode=self._socket is not None)

    async def close(self) -> None:
        """Stop taking requests, let running work end for a while, park the rest, close."""
        self._running = False
        async with contextlib.AsyncExitStack() as closing:
            closing.callback(self.database.close)
            if self._metrics is not None:
                closing.push_async_callback(asyncio.to_thread, self._metrics.stop)
            closing.push_async_callback(self.jobs.close)
            closing.push_async_callback(self.engine.close, self._options.drain_seconds)
            if self.works:
                closing.push_async_callback(self._clock_stops)
                closing.push_async_callback(self.clockwork.stop)
                closing.push_async_callback(asyncio.to_thread, self._lookout.stop)
            closing.push_async_callback(self.surface.close, self._options.drain_seconds)
            if self._socket is not None:
                closing.push_async_callback(self._socket.close)

    async def _clock_stops(self) -> None:
        # What ends in order is not missed; a database that cannot take that now finds it missing, and says so.
        with contextlib.suppress(DatabaseBusyError):
            await self.jobs.beat.stopped()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["App"]:
        """Run everything but the HTTP server while the block runs."""
        await self.start()
        try:
            yield self
        finally:
            await self.close()

    async def ready(self) -> bool:
        """Whether the process can do its work now: database, engine, and Slack's socket where there is one."""
        if not self._running or not self.engine.may_act():
            return False
        if self._socket is not None and not await self._socket.alive():
            return False
        try:
            async with asyncio.timeout(_READY_SECONDS):
                return await asyncio.to_thread(is_current, self.database.engine)
        except Exception as error:  # noqa: BLE001 - whatever the driver raises, the answer is no
            log.warning("not_ready", reason=type(error).__name__)
            return False

    async def _standing(self) -> list[str]:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                return await self.health.standing()
        except Exception as error:  # noqa: BLE001 - whatever the driver raises, it cannot be seen
            log.warning("health_not_seen", reason=type(error).__name__)
            return ["not to be seen"]

    def _metrics_server(self) -> "MetricsServer | None":
        if not self.settings.metrics_port:
            return None
        from bot.metrics import Collected, MetricsServer

        collected = Collected(self.database, self.clock, self.jobs.ground.figures)
        return MetricsServer(collected, self.settings.metrics_host, self.settings.metrics_port)

    def _engine(self) -> Engine:
        services = self.jobs.services
        handlers = {**self.jobs.handlers, KIND: ask_handler(services, self.surface.front, self.surface.shower)}

        async def on_error(kind: str, subject: str, attempt: int, reference: str, error: Exception) -> None:
            told = self.jobs.on_error(kind, subject, attempt, reference, error)
            if inspect.isawaitable(told):
                await told

        engine = Engine(
            self.database,
            self.clock,
            role=self.settings.role.value,
            handlers=handlers,
            crash=self._options.checkpoint,
            timings=self._options.timings,
            on_error=on_error,
        )
        self.jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
        return engine

    def _web(self) -> ASGIApp:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self.running():
                yield

        seen: dict[str, Any] = {"alive": self.health.alive, "standing": self._standing}
        if not self.listens:
            return build_web(None, None, self.ready, lifespan=lifespan, **seen)
        shopify = self.jobs.ground.providers[Provider.SHOPIFY]
        services = self.jobs.services
        shown = pages(self.settings, services.connect, services.installs, services.mail_off, shopify, self.clock)
        shown += [*MetricFilePages(services.files).routes(), *SheetPages(services.pages).routes()]
        shown += WebConnectorPages(
            services.web_connector, services.desktops, self.clock, self.settings.public_url
        ).routes()
        shown += Api(services.api_keys, services.metrics, services.files, self.clock).routes()
        hooks = endpoints(self.settings, self.jobs.webhooks.take)
        if self.settings.socket_mode:
            return build_web(None, None, self.ready, lifespan=lifespan, pages=shown, webhooks=hooks, **seen)
        verifier = Verifier(Secret(self.settings.slack_signing_secret.get_secret_value()), self.clock)
        return build_web(
            self.surface.take, verifier, self.ready, lifespan=lifespan, pages=shown, webhooks=hooks, **seen
        )


def build_app(settings: Settings, options: Options | None = None) -> App:
    """Build a process; DatabaseUnavailableError says what to do when the database cannot be used as it is."""
    options = options or Options()
    database = open_database(settings.database_url)
    try:
        _check(database)
        jobs = options.variant(
            build_jobs(
                settings,
                database,
                options.clock or SystemClock(),
                checkpoint=options.checkpoint,
                tuning=options.tuning,
            )
        )
    except BaseException:
        database.close()
        raise
    return App(settings, database, jobs, options)


def _check(database: Database) -> None:
    database.check()
    if not is_current(database.engine):
        raise DatabaseUnavailableError("the database is not of this version: run `tidings migrate`")


async def serve(app: App, on_ready: Callable[[str], None] = lambda _address: None) -> None:
    """Run the process until it is told to stop (SIGTERM, SIGINT); `on_ready` is given the address.

    What it could not start for is raised.
    """
    from bot.server import Server
    from bot.wire import server_config

    config = server_config(app.asgi, host=app.settings.host, port=app.settings.port)
    server = Server(config, on_ready)
    try:
        await server.serve()
    except SystemExit:
        # How the library ends what did not start.
        if app.refusal is None:
            raise
    if app.refusal is not None:
        raise app.refusal
    if not server.started:
        raise SystemExit(1)
