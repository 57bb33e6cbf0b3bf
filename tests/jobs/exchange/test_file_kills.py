"""Killed at named points and at random: each file arrives once and whole, and whoever reads finds the old or the new one."""

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from sqlmodel import select

from connectors.pocketadvantage.transfer.opening import open_remote
from connectors.pocketadvantage.transfer.port import LARGEST, AbsentError
from connectors.pocketadvantage.transfer.publishing import KEPT
from sandbox.exchange.faults import Faults
from sandbox.exchange.ftp import FtpServer
from sandbox.exchange.sftp import SftpServer
from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.facts.outgoing import EventType
from storage.records import outgoing
from storage.sessions import Database, Session
from storage.tables import OutgoingMessageRow, SendRow
from tests.forks import begin
from tests.jobs.exchange.files_worker import Served, Shared, serve
from tests.jobs.exchange.inventiv import LISTS, Inventiv
from tests.jobs.exchange.nights import CUST_ID, FILES, ORGANIZATION, Company, company
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_nights import edited
from tests.jobs.exchange.test_runs import POINTS, TWO

SOAK = bool(os.environ.get("SOAK"))
#: of five files each; the last one is a calm one
NIGHTS = 40 if SOAK else 2
LATEST, ARCHIVE = f"latest{CUST_ID}", f"archive{CUST_ID}"
EVENTS = (
    EventType.EXCHANGE_STARTED,
    EventType.EXCHANGE_COMPLETED,
    EventType.EXCHANGE_ERRORED,
    EventType.EXCHANGE_CHANGED,
)
_PATIENCE = 180.0
#: a point and at which pass of it a process dies, or how many seconds after it was ready; "" lives on
Death = str | float
_BETWEEN = frozenset({RunState.QUEUED, RunState.BUILDING, RunState.PUBLISHING, RunState.WAITING})

log = structlog.get_logger()


@dataclass
class Watch:
    """Sees what lies under the five names at every command and every piece of a file that the server takes or gives."""

    folder: Path
    #: what lay there, one after the other; "" is no file
    seen: dict[Pair, list[str]] = field(default_factory=lambda: {pair: [""] for pair in FILES})
    #: what a reader was given by the server, and how often
    read: Counter[tuple[Pair, str]] = field(default_factory=Counter)

    def look(self) -> None:
        for pair, name in FILES.items():
            found = ""
            with contextlib.suppress(FileNotFoundError):
                found = hashlib.sha256((self.folder / LATEST / name).read_bytes()).hexdigest()
            if self.seen[pair][-1] != found:
                self.seen[pair].append(found)

    async def poll(self, served: Served) -> None:
        """Read all five again and again through the server, as Inventiv would."""
        async with open_remote(served.place, served.operator) as remote:
            while True:
                for pair, name in FILES.items():
                    parts: list[bytes] = []
                    with contextlib.suppress(AbsentError):
                        await remote.read(f"{LATEST}/{name}", parts.append, LARGEST)
                    self.read[pair, hashlib.sha256(b"".join(parts)).hexdigest() if parts else ""] += 1
                await asyncio.sleep(0.5)

    def complaints(self, runs: Sequence[ExchangeRun], *, gap: bool) -> list[str]:
        """Say what lay there that no run had decided on, or not in the order of the nights, or no file where one should be."""
        pair, found = runs[0].pair, []
        wanted = [sha256 for sha256, _ in groupby(run.sha256 for run in runs)]
        there = self.seen[pair][1:]
        if not gap and "" in there:
            found.append(f"{pair}: at some moment there was no file")
        if [one for one, _ in groupby(filter(None, there))] != wanted:
            found.append(f"{pair}: what lay there is not the file of each night, one after the other")
        if odd := {one for kind, one in self.read if kind is pair} - {"", *wanted}:
            found.append(f"{pair}: a reader was given {len(odd)} files that nobody made")
        return found


class Life:
    """One worker, and how it is to die."""

    def __init__(self, said: dict[str, Any], death: Death, folder: Path) -> None:
        self.death = death
        self._ready = folder / f"ready-{time.monotonic_ns()}"
        self._errors = self._ready.with_suffix(".errors")
        variables = {"TIDINGS_CRASH_AT": death} if isinstance(death, str) and death else {}
        self._process = begin(serve, said, self._ready, variables=variables, errors=self._errors)
        self._since: float | None = None

    def ended(self) -> bool:
        """Whether it has; one that is to die at random is killed when its time has come."""
        if isinstance(self.death, float) and self._ready.exists():
            self._since = self._since or time.monotonic()
            if time.monotonic() - self._since >= self.death:
                self._process.kill()
                self._process.join()
        if self._process.is_alive():
            return False
        assert self._process.exitcode == -9, self._errors.read_text()[-3000:]
        return True

    def kill(self) -> None:
        """End it, if it has not died yet."""
        self._process.kill()
        self._process.join()


@dataclass
class Play:
    """Everything that stands on the stage."""

    world: Company
    clock: Shared
    watch: Watch
    said: dict[str, Any]
    dice: Random = field(default_factory=lambda: Random(11))
    ever: dict[str, str] = field(default_factory=dict)
    died: Counter[str] = field(default_factory=Counter)
    far: Inventiv = field(init=False)

    def __post_init__(self) -> None:
        self.far = Inventiv(self.world, tuple(LISTS))

    async def night(self, number: int, deaths: Sequence[Death], crew: int) -> list[str]:
        """Let people work by day and processes live and die at night, until all five files are there."""
        self._day(number)
        self.clock.move(TWO + timedelta(days=number - 1, hours=1, minutes=30))
        self.world.collect()
        await self._through(list(deaths), crew)
        self.far.read()
        return [f"night {number}: {one}" for one in self.far.complaints(self.ever)]

    def _day(self, number: int) -> None:
        books = self.world.books
        self.clock.move(TWO + timedelta(days=number - 1, hours=-10))
        if number > 1:
            edited(self.world, self.dice, self.ever)
        books.item(str(number + 9), f"Thing {number}")
        for stream in ("vendors", "employees"):
            for key in (str(number), str(number + 1)):
                books.put(stream, key, DisplayName=f"{stream} {key} on day {number}", Active=True)

    async def _through(self, deaths: list[Death], crew: int) -> None:
        lives: list[Life] = []
        deadline = time.monotonic() + _PATIENCE
        folder = self.clock.path.parent
        try:
            # At a named point whoever gets the run dies, and nobody else has it before.
            first = deaths.pop(0) if deaths else ""
            lives = [Life(self.said, first, folder) for _ in range(crew)]
            while not await asyncio.to_thread(self._is_morning):
                assert time.monotonic() < deadline, "the night does not end"
                for life in [one for one in lives if one.ended()]:
                    self._count(life)
                    lives.remove(life)
                    lives.append(Life(self.said, deaths.pop(0) if deaths else "", folder))
                await asyncio.sleep(0.03)
        finally:
            for life in lives:
                life.kill()

    def _count(self, life: Life) -> None:
        self.died[life.death.partition(":")[0] if isinstance(life.death, str) else "at random"] += 1

    def _is_morning(self) -> bool:
        """Whether each pair had its run of this night, to its end; time passes where one waits for it."""
        now = self.clock.now()
        runs = [self.world.history(pair)[-1:] for pair in FILES]
        tonight = [run for (run,) in filter(None, runs) if run.requested_at >= now - timedelta(hours=2)]
        if waits := [run.next_at for run in tonight if run.state is RunState.WAITING and run.next_at is not None]:
            self.clock.move(max(now, *waits))
        return len(tonight) == len(FILES) and not any(run.state in _BETWEEN for run in tonight)

    def complaints(self) -> list[str]:
        """Say what is wrong after the last, calm night."""
        gap, found = bool(self.said["gap"]), list[str]()
        for pair, name in FILES.items():
            runs = self.world.history(pair)
            if bad := [run.state.value for run in runs if run.state is not RunState.DONE]:
                found.append(f"{pair}: {bad}")
            found += self.watch.complaints(runs, gap=gap)
            reported = [run.gap for run in runs]
            if reported != [False] + [gap] * (len(runs) - 1):
                found.append(f"{pair}: of the moments without a file these are reported: {reported}")
            kept = sorted((self.watch.folder / ARCHIVE).glob(f"{name}.*"))
            versions = [hashlib.sha256(one.read_bytes()).hexdigest() for one in kept]
            if versions != [run.sha256 for run in runs][:-1][-KEPT:]:
                found.append(f"{pair}: {len(versions)} versions are kept, or not those before the last one")
        lie = sorted(one.name for one in (self.watch.folder / LATEST).iterdir())
        if lie != sorted(FILES.values()):
            found.append(f"there lie {lie}")
        return found + self.world.database.in_read(self._events)

    def _events(self, session: Session) -> list[str]:
        """Say which messages to receivers are not there, or not once."""
        rows = session.exec(select(OutgoingMessageRow)).all()
        runs = [run for pair in FILES for run in self.world.history(pair)]
        told = Counter((row.type, row.subject) for row in rows)
        wanted = {(type_.value, run.id): 1 for run in runs for type_ in (EVENTS[0], EVENTS[1], EVENTS[3])}
        found = [] if told == wanted else [f"told: {set(told.items()) ^ set(wanted.items())}"]
        sends = Counter(send.message_id for send in session.exec(select(SendRow)))
        if sends != Counter(row.id for row in rows):
            found.append("not each message goes once")
        new = Counter[tuple[str, str]]()
        for row in rows:
            if row.type == EVENTS[3].value:
                data = json.loads(row.body)["data"]
                new.update((data["pair"], key) for key in data["added"])
        objects = {(Pair.INVOICES.value, key) for key in self.far.invoices}
        objects |= {(pair.value, one["NO"]) for pair, rows_ in self.far.lists.items() for one in rows_}
        if new != Counter(objects):
            found.append(f"told as new: {set(new.items()) ^ {(one, 1) for one in objects}}")
        return found


@contextmanager
def serving(protocol: str, folder: Path) -> Iterator[tuple[dict[str, Any], Faults]]:
    """Serve the folder by SFTP, by FTPS, or by FTP where no file is replaced; yield what a worker is told of it."""
    if protocol == "sftp":
        with SftpServer(folder) as sftp:
            said = {"port": sftp.port, "account": sftp.account, "password": sftp.password, "host_key": sftp.host_key}
            yield {**said, "protocol": protocol, "gap": False}, sftp.faults
        return
    gap = protocol == "ftp"
    with FtpServer(folder, "plain" if gap else "explicit") as ftp:
        ftp.faults.no_replace = gap
        said = {"port": ftp.port, "account": ftp.account, "password": ftp.password, "authority": ftp.authority}
        yield {**said, "protocol": protocol, "host_key": "", "gap": gap}, ftp.faults


@asynccontextmanager
async def staged(database: Database, folder: Path, protocol: str = "sftp", kind: str = "") -> AsyncIterator[Play]:
    """Let everything stand: books, a lake, the five pairs switched on, a server, and somebody who reads there."""
    clock = Shared(path=folder / "clock")
    clock.move(clock.at)
    world = company(database, folder, maps=plain, clock=clock)
    root = folder / "far" / ORGANIZATION
    root.mkdir()
    for number in range(1, 10):
        world.books.customer(str(number), f"Customer {number}")
        world.books.item(str(number), f"Thing {number}")
    world.books.invoice("1", "1", [12.5])
    world.on(*FILES, schedule="nightly 02:00 within 01:00-05:00")
    database.in_write(
        lambda session: outgoing.add_endpoint(
            session, "end_1", ORGANIZATION, "https://receiver.example", EVENTS, b"sealed", "mem_admin", clock.now()
        )
    )
    with serving(protocol, root) as (said, faults):
        said |= {"url": database.url, "lake": str(folder / "lake"), "clock": str(clock.path), "kind": kind}
        play = Play(world, clock, Watch(root), said, ever={"1": "A"})
        faults.watch = play.watch.look
        reader = asyncio.create_task(play.watch.poll(Served(said)))
        yield play
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader
        faults.watch = lambda: None
        play.watch.look()


def dealt(nights: int, dice: Random) -> list[list[Death]]:
    """Return how processes die in each night: at each point of each of its five files, and as often at random."""
    named = [f"{point}:{nth}" for nth in range(1, len(FILES) + 1) for point in POINTS]
    nightly: list[list[Death]] = [[] for _ in range(nights)]
    if nights < len(named):
        # The first passes are reached whatever else happens.
        for place, death in enumerate(named if SOAK else ["exchange.verified:1", "exchange.replaced:1"]):
            nightly[place % nights].append(death)
    for one in nightly:
        one.append(dice.uniform(0.0, 1.5))
    return nightly


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("protocol", ["sftp", "ftp", "ftps"])
async def test_killed_anywhere_each_file_arrives_once_and_whole(
    database: Database, tmp_path: Path, protocol: str
) -> None:
    """On a server that replaces files there is one at any moment; elsewhere each moment without one is reported."""
    nights = NIGHTS if protocol == "sftp" else max(1, NIGHTS // 4)
    crew = 1 if database.is_sqlite else 2
    async with staged(database, tmp_path, protocol) as play:
        wrong = []
        for number, deaths in enumerate(dealt(nights, play.dice), 1):
            wrong += await play.night(number, deaths, crew)
            log.info("night_killed", number=number, died=play.died.total())
        # Whoever is the last one alive finds nothing that others have left.
        wrong += await play.night(nights + 1, [], 1)
    wrong += play.complaints()
    reads, died = play.watch.read, play.died
    log.info("files_killed", files=5 * (nights + 1), died=dict(died), reads=reads.total())
    assert wrong == []
    assert sum(died.values()) >= nights
    if SOAK and protocol == "sftp":
        assert set(died) == {*POINTS, "at random"}, "each point was died at"
    assert {pair for pair, _ in reads} == set(FILES)


@pytest.mark.parametrize(
    "kind, death, said",
    [
        ("straight", "", "what lay there is not the file of each night"),
        ("ledger first", "exchange.decided:5", "told"),
        ("leaves", "exchange.verified:1", "there lie"),
    ],
)
async def test_a_broken_twin_is_caught(
    sqlite_database: Database, tmp_path: Path, kind: str, death: str, said: str
) -> None:
    async with staged(sqlite_database, tmp_path, kind=kind) as play:
        wrong = await play.night(1, [death], 1)
        wrong += await play.night(2, [], 1)
    wrong += play.complaints()
    assert any(said in one for one in wrong), wrong
