"""Plays a plan: the provider is a stand-in, all else is what production runs, from the waiting run to the lake.

Runs are started, claimed, read, loaded, made ready and ended by the jobs' own code, on a real database and a real lake.
Only the engine is a list of waiting work, which starts again what was under way and repeats no step that it recorded.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any, cast

from sqlalchemy import text

from bot.cli.stories.comparing import compared
from connectors.wire import HttpLimits
from jobs.engine import WorkContext
from jobs.ground import Ground, Warehouses
from jobs.notify.notifier import Notifier
from jobs.provider_settings import provider_settings
from jobs.refresh.handler import RunHandler
from jobs.refresh.retry import RetryPlan
from jobs.schedule import start_catch_up
from jobs.work import Work
from storage.credentials import Place, seal_credentials
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.records import runs, seeds, sources
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.settings import Settings
from tests.sequences.meddled import Killed, Meddled, Spoil, as_it_is
from tests.sequences.plans import Plan, Step
from tests.sequences.sides import Connection, Side

#: what nothing tells of is looked for once in that time
_DAY = timedelta(hours=25)
#: some providers tell of what happened some minutes late, and as-of says so
_SETTLES = timedelta(minutes=15)
#: Nothing waits: the clock is moved on instead.
_LIMITS = HttpLimits(connect=10, read=20, total=60, attempts=3, retry_total=60, longest_wait=30, body=8 << 20)
_PLAN = RetryPlan(first=15.0, cap=60.0, attempts=3)
_BATCHES = {"batch": 2, "later batch": 6}
_SHOWN = 12

MakeWarehouses = Callable[[str], Warehouses]


@dataclass(frozen=True)
class Deployment:
    """Where it runs; each play is an organization of its own there."""

    database: Database
    warehouse_url: str
    numbers: "count[int]" = field(default_factory=count)


class NotEqualError(AssertionError):
    """The warehouse is not as the provider is."""


@dataclass(frozen=True)
class _Recorded:
    """A piece of work, whose steps are recorded as the engine records them."""

    work: Work
    results: dict[tuple[str, str], Any]

    @property
    def subject(self) -> str:
        return self.work.subject

    @property
    def attempt(self) -> int:
        return self.work.attempt

    async def step(self, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        if (self.work.id, name) not in self.results:
            self.results[self.work.id, name] = await fn(*args)
        return self.results[self.work.id, name]


async def play(
    there: Deployment, side: Side, plan: Plan, *, spoil: Spoil = as_it_is, warehouses: MakeWarehouses = Warehouses
) -> None:
    """Play it and compare after each round (NotEqualError); `spoil` and `warehouses` are a twin's."""
    organization_id = f"org_{next(there.numbers)}"
    # The time begins anew with each play, and what an account was asked in the play before lies in the future.
    there.database.in_write(lambda session: session.connection().execute(text("DELETE FROM buckets")))
    async with side.served(organization_id) as connection:
        stage = _Stage(there, side, Meddled(side.connector(), spoil), warehouses(there.warehouse_url))
        stage.connect(organization_id, connection)
        for steps in plan:
            for step in steps:
                await stage.step(step)
            await stage.compare(await stage.good())


@contextmanager
def _alive() -> Iterator[list[Work]]:
    """Give a list of the work that is done; the death of the process ends the block, and nothing else."""
    try:
        yield []
    except* Killed:
        pass


class _Stage:
    """One source of one organization."""

    def __init__(self, there: Deployment, side: Side, connector: Meddled, warehouses: Warehouses) -> None:
        self._database, self._side, self._connector, self._warehouses = there.database, side, connector, warehouses
        self._seal = Seal([Secret(new_key())])
        self._waiting: list[Work] = []
        self._results: dict[tuple[str, str], Any] = {}
        self._slots = count()
        #: the checkpoint at which the process dies
        self._dies = ""

    def connect(self, organization_id: str, connection: Connection) -> None:
        """Store the source and its grant, and build what runs it."""
        settings = Settings.model_validate(
            {
                "secret_keys": [new_key()],
                "slack_bot_token": "xoxb-nobody",
                "slack_signing_secret": "signs-nothing-here",
                **{name.lower(): value for name, value in connection.environment.items()},
            }
        )
        provider = self._side.provider
        ground = Ground(
            self._database, self._side.clock, self._seal, self._warehouses,
            {provider: provider_settings(settings, provider, _LIMITS)},
            lambda _provider: self._connector, settings.quickbooks_monthly_reads, self._checkpoint,
        )  # fmt: skip
        notifier = Notifier(self._enqueue, support_channel="", support_email="")
        self._handler = RunHandler(ground, notifier, self._enqueue, _PLAN)
        self._source_id = f"src_{organization_id}"
        self._database.in_write(lambda session: self._stored(session, organization_id, connection))

    def _stored(self, session: Session, organization_id: str, connection: Connection) -> None:
        now, state, source_id = self._side.clock.now(), ConnectionState.CONNECTED, self._source_id
        provider = self._side.provider.value
        seeds.put_organization(session, organization_id, now, name="Temerity Goods", timezone="UTC")
        seeds.put_source(
            session, source_id, organization_id, now, provider, connection.account, schedule_minutes=60,
            label=connection.account, company="Temerity Goods", mode=self._connector.mode.value,
        )  # fmt: skip
        seeds.add_connection(
            session, source_id, organization_id, now, state=state, reason=None, region=connection.region
        )
        place = Place(organization_id, provider, connection.account, 1)
        seeds.put_credentials(
            session, source_id, now, sealed=seal_credentials(self._seal, place, connection.grant), version=1,
            scopes="", access_expires_at=connection.grant.expires_at, state=state, reason=None,
        )  # fmt: skip

    def _enqueue(self, session: Session, work: Work) -> None:
        _ = session
        if work.kind == "run":
            self._waiting.append(work)

    def _checkpoint(self, name: str) -> None:
        if name == self._dies:
            self._dies = ""
            raise Killed

    async def step(self, step: Step) -> None:
        """Let something happen, and a run come, whatever becomes of it."""
        side, connector = self._side, self._connector
        side.happens(step.chance("happens"))
        side.clock.advance(timedelta(minutes=step.minutes))
        if step.fails:
            side.fails(step.chance("fails"))
        connector.chance = step.chance("busy")
        connector.happens = self._goes_on if step.busy else None
        connector.left, self._dies = _BATCHES.get(step.dies, 0), step.dies
        await self._run()
        connector.happens, connector.left, self._dies = None, 0, ""

    def _goes_on(self, chance: Random) -> None:
        self._side.clock.advance(timedelta(seconds=1))
        self._side.happens(chance)

    async def good(self) -> Run:
        """Let a day pass, and something happen, and return the run of that night, which must be whole."""
        side = self._side
        side.heals()
        side.clock.advance(_DAY)
        side.happens(Random(f"{side.clock.now()}"))
        side.clock.advance(_SETTLES)
        side.arrives()
        run = await self._run()
        if (run.state, run.partly) != (RunState.READY, None):
            raise NotEqualError(f"a good run did not become ready: {run.failure} {run.partly}")
        # Some is read from the second collection on, and none of the first is a night's.
        return run if run.trigger is Trigger.SCHEDULE else await self.good()

    async def _run(self) -> Run:
        """Start a run as the clock does, and return the last of those that followed from it."""
        self._database.in_write(self._starts)
        while self._waiting:
            work = self._waiting[0]
            if work.delay is not None:
                self._side.clock.advance(work.delay)
            # The engine starts again what was under way when a process died.
            with _alive() as lives:
                await self._handler.handle(cast("WorkContext", _Recorded(work, self._results)))
                lives.append(work)
            self._waiting = [one for one in self._waiting if one not in lives]
        found = self._database.in_read(lambda session: runs.history(session, [self._source_id], 1))
        return found[0]

    def _starts(self, session: Session) -> None:
        source = sources.source(session, self._source_id)
        start_catch_up(session, source, f"slot {next(self._slots)}", self._side.clock.now(), self._enqueue)

    async def compare(self, run: Run) -> None:
        """Compare every row that is live with the provider's (NotEqualError)."""
        wrong = await asyncio.to_thread(self._wrong, run)
        if wrong:
            raise NotEqualError("\n".join([f"{len(wrong)} differences", *wrong[:_SHOWN]]))

    def _wrong(self, run: Run) -> list[str]:
        source = self._database.in_read(lambda session: sources.source(session, self._source_id))
        until = run.clocks.source_as_of
        assert until is not None
        streams = list(self._side.truth(until))
        left = {one.name for one in self._connector.streams} - {one.stream for one in streams} - self._side.beside
        warehouse = self._warehouses.of(source.organization_id)
        with warehouse.reader(snapshot=warehouse.snapshot()) as reader:
            wrong, _ = compared(reader, source, streams)
            wrong += self._side.wrong(reader, source.id)
        return [*wrong, *(f"nobody compares {name}" for name in sorted(left))]
