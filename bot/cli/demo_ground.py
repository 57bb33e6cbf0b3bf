"""What the demo stands on: stand-ins in their own thread, a fresh database and warehouse, a seeded organization."""

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import SystemRandom

from bot.cli.isolated import isolated_settings
from bot.cli.seed import modes, write
from bot.main import App, Options, build_app
from bot.web import SLACK_PATH
from jobs.build import Jobs, Tuning
from jobs.clock import SubmitSlots
from jobs.deliver.handler import QUIET
from jobs.exchange.timing import next_due
from jobs.slots import Slot
from sandbox.shared_clock import SharedClock
from sandbox.world import SEED_FILE, Plan, SandboxThread, sandbox_in_thread
from storage.facts.exchange import FILES
from storage.facts.secret import Secret
from storage.migrate import migrate
from storage.records import exchange
from storage.seal import Seal, new_key
from storage.seed_file import SourceSeed, load_seed
from storage.seeding import Seeding, organization_id
from storage.sessions import Session, open_database
from storage.settings import Settings

#: What is unfinished at the end of a demo is thrown away anyway.
DRAIN_SECONDS = 0.5
#: How long what still writes into the folder is waited for.
_REMOVING_SECONDS = 15.0
#: key of the organization in the seed file
_ORGANIZATION = "temerity-goods"
#: Below what Linux, macOS and Windows give out by themselves.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Wishes:
    """What the caller of the demo chose."""

    #: port of the page; 0 means any free one
    port: int = 0
    #: invoices and orders that are there at first
    size: int = 200
    #: 1 is a change at the providers every 20 seconds, 0 none
    speed: float = 0
    socket_mode: bool = False
    #: whether QuickBooks and Shopify are connected already
    connected: bool = True
    #: documents of each rarer kind at QuickBooks
    documents: int = 0
    #: an empty Postgres database to use instead of a file; None: a file
    database_url: str | None = None
    #: processes that work, beside one that takes what Slack brings; 0: one process does everything
    workers: int = 0
    #: whether a worker is killed in the middle of a refresh, by stories that play that
    kill: bool = False
    #: after a call that nobody confirmed it is waited that long before looking; the stand-ins take nothing that late
    quiet: timedelta = QUIET
    #: whether there is a PocketAdvantage, connected already
    exchange: bool = False
    #: whether its files go by themselves, beginning with last night's
    exchanging: bool = False

    def plan(self, folder: Path) -> Plan:
        """Return what to start; `folder` is for what the stand-ins keep."""
        pause = 20 / self.speed if self.speed else None
        return Plan(
            size=self.size,
            documents=self.documents,
            slack_port=self.port,
            change_seconds=pause,
            exchange_folder=folder / "exchange" if self.exchange else None,
            organization=organization_id(_ORGANIZATION),
        )


@dataclass(frozen=True)
class Ground:
    """Everything that is there before the product starts."""

    folder: Path
    outside: SandboxThread
    settings: Settings
    #: the variables that the settings are made of
    values: Mapping[str, str]
    wishes: Wishes
    #: sources whose slots are lost on their way from the clock, without a word
    forgotten: set[str] = field(default_factory=set)

    @property
    def log(self) -> Path:
        """Where the product logs."""
        return self.log_of("tidings")

    def log_of(self, name: str) -> Path:
        """Where one of several processes logs."""
        return self.folder / f"{name}.log"

    def app(self, variant: Callable[[Jobs], Jobs] = lambda jobs: jobs) -> App:
        """Build the product on it, with the stand-ins' clock; `variant` is put around everything that is wired up."""
        tuning = Tuning(quiet=self.wishes.quiet)
        return build_app(
            self.settings,
            Options(
                clock=self.outside.sandbox.clock,
                tuning=tuning,
                drain_seconds=DRAIN_SECONDS,
                slots=lambda submit: partial(self._submit, submit),
                variant=variant,
            ),
        )

    def _submit(self, submit: SubmitSlots, slots: Sequence[Slot]) -> None:
        submit([slot for slot in slots if slot.source_id not in self.forgotten])

    def deliver_to(self, address: str) -> None:
        """Let Slack send its requests to the product at that address."""
        self.outside.sandbox.slack.request_url = address + SLACK_PATH


@contextmanager
def prepared(wishes: Wishes) -> Iterator[Ground]:
    """Start the stand-ins, make a database and seed it; all of it is gone afterwards."""
    with _folder() as folder:
        clock = SharedClock(path=folder / "clock") if wishes.workers else None
        with sandbox_in_thread(wishes.plan(folder), clock) as outside:
            values = _values(folder, outside, wishes)
            yield Ground(folder, outside, _seeded(values, outside, wishes), values, wishes)


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that is gone afterwards.

    A thread that was loading when the product stopped may end after it, and write into what is being removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="tidings-demo-"))
    try:
        yield folder
    finally:
        until = time.monotonic() + _REMOVING_SECONDS
        shutil.rmtree(folder, ignore_errors=True)
        while folder.exists() and time.monotonic() < until:
            time.sleep(0.1)
            shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    """Return a port that nobody listens on: the address must be known before anything starts.

    It is none that a system gives to whoever connects or asks for any port, which could be taken before it is used.
    """
    for port in SystemRandom().sample(_PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port was found")


def _places(folder: Path, database_url: str | None) -> dict[str, str]:
    data = folder / "warehouse"
    if database_url is None:
        return {"DATABASE_URL": f"sqlite:///{folder / 'tidings.db'}", "WAREHOUSE_URL": str(data)}
    return {"DATABASE_URL": database_url, "WAREHOUSE_URL": f"{database_url.replace('+psycopg', '')}?data={data}"}


def _values(folder: Path, outside: SandboxThread, wishes: Wishes) -> dict[str, str]:
    port = _free_port()
    return {
        **outside.sandbox.environment(),
        **(outside.sandbox.socket_mode() if wishes.socket_mode else {}),
        **_places(folder, wishes.database_url),
        "SECRET_KEYS": new_key(),
        "PORT": str(port),
        # Providers send browsers back to exactly this address.
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


def _seeded(values: Mapping[str, str], outside: SandboxThread, wishes: Wishes) -> Settings:
    settings = isolated_settings(values)
    seed = load_seed(SEED_FILE, outside.sandbox.credentials())
    if not wishes.connected:
        seed = seed.model_copy(update={"sources": ()})
    if (distributor := outside.sandbox.distributor) is not None:
        exchanged = [SourceSeed.model_validate(one) for one in distributor.sources()]
        seed = seed.model_copy(update={"sources": [*seed.sources, *exchanged]})
    database = open_database(settings.database_url)
    try:
        migrate(database)
        write(database, seed, Seeding(Seal([Secret(values["SECRET_KEYS"])]), outside.sandbox.clock.now(), modes()))
        if wishes.exchanging:
            database.in_write(partial(_exchanging, now=outside.sandbox.clock.now()))
    finally:
        database.close()
    return settings


def _exchanging(session: Session, *, now: datetime) -> None:
    """Switch the files on as an admin did it two days ago: last night's are missing, and are made up for."""
    for pair in exchange.pairs_of(session, organization_id(_ORGANIZATION)):
        if pair.pair in FILES:
            due = next_due(pair.schedule, pair.zone, now - timedelta(days=1)).at
            exchange.change_pair(session, pair, on=True, due_at=due)
