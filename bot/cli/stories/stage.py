"""Where a story is played: the whole product and all stand-ins, real HTTP between them, and a line per step."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from bot.cli.demo_ground import Ground, Wishes, prepared
from bot.cli.say import Mark, line, marked
from bot.cli.stories.several import several
from bot.cli.stories.within import OneProcess, Within
from bot.logs import configure_logging, own_secrets
from bot.main import App
from jobs.build import Jobs
from jobs.ground import Warehouses
from jobs.status import statuses
from sandbox.journal import Entry
from sandbox.providers.serve import serve
from sandbox.slack import Answer, Message, SlackWorkspace
from sandbox.world import Sandbox, SandboxThread
from storage.facts.clock import Clock
from storage.facts.status import SourceStatus
from storage.records import seeds, sources
from storage.sessions import Database, Session, open_database
from storage.warehouse import Warehouse
from templates.notices import try_again

T = TypeVar("T")

#: How long a story waits for one thing; generous, since machines are busy, and nothing sleeps for it.
PATIENCE = 180.0
_LOOK_SECONDS = 0.2
#: How Slack calls an answer that did not come in three seconds.
_TOO_LATE = "operation_timeout"
#: What Tidings answers where nothing came of a press, because a busy machine could not write it down in time.
_PRESS_AGAIN = try_again().summary
_LAST_LOG_LINES = 25


class StoryError(AssertionError):
    """Something that should be seen is not; the text says what."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What a story looks up beside what people are shown, whichever processes the product runs as."""

    database: Database
    warehouses: Warehouses
    clock: Clock
    #: the reads at QuickBooks that the product may make in a month
    read_budget: int

    @classmethod
    def of(cls, app: App) -> "Witness":
        """Look where a process in this one looks."""
        return cls(app.database, app.jobs.ground.warehouses, app.clock, app.settings.quickbooks_monthly_reads)


class Stage:
    """What a story can do and see; everything outside happens in the stand-ins' own thread."""

    def __init__(
        self, outside: SandboxThread, witness: Witness, patience: float = PATIENCE, within: Within | None = None
    ) -> None:
        self._outside = outside
        self._witness = witness
        self._patience = patience
        self._within = within
        self._began = time.monotonic()
        self._step = self._began
        self._late = 0
        #: what was done last in Slack, and how much had been said there before
        self._acted: Callable[[], Awaitable[Answer]] | None = None
        self._said = 0
        #: what was written at QuickBooks because an admin allowed it
        self.written: set[str] = set()

    @property
    def sandbox(self) -> Sandbox:
        """The stand-ins; touch their state by `outside` only."""
        return self._outside.sandbox

    @property
    def slack(self) -> SlackWorkspace:
        """The workspace."""
        return self.sandbox.slack

    @property
    def within(self) -> Within:
        """The inside of the product; StoryError where whoever plays the story keeps it to himself."""
        if self._within is None:
            raise StoryError("this is played only where the inside of the product can be reached")
        return self._within

    @property
    def database(self) -> Database:
        """Where the product keeps what it knows; for looking only."""
        return self._witness.database

    def may_write(self, entity: str) -> None:
        """Take it for no fault that records of that kind were written at QuickBooks."""
        self.written.add(entity)

    def told(self, what: str) -> None:
        """Print a step that was seen, with the seconds it took."""
        now = time.monotonic()
        line(marked(Mark.OK, f"{now - self._step:6.2f} s  {what}"))
        self._step = now

    async def outside(self, work: Callable[[], T]) -> T:
        """Do something among the stand-ins, in their thread."""

        async def there() -> T:
            return work()

        return await self._outside.run(there())

    async def act(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Let a person do something in Slack, and again when the answer comes later than Slack's three seconds.

        That is what a person does whom Slack tells so; how often it was is told in the end.
        """

        async def there() -> Answer:
            self._acted, self._said = act, len(self.slack.entries)
            return await act()

        deadline = time.monotonic() + self._patience
        answer = await self._outside.run(there())
        while answer.error == _TOO_LATE and time.monotonic() < deadline:
            self._late += 1
            answer = await self._outside.run(there())
        self.expect(answer.ok, f"Slack was not answered in time: {answer.error} after {answer.seconds:.2f} s")
        return answer

    async def brought(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Let a person ask the product for something from outside, and return what it brings."""

        async def there() -> T:
            return await ask()

        return await self._outside.run(there())

    def impatient(self, seconds: float) -> None:
        """Wait no longer than that for one thing from now on."""
        self._patience = seconds

    @property
    def late_answers(self) -> int:
        """How often Slack was answered too late, as happens on a machine that is far too busy."""
        return self._late

    def _is_asked_again(self) -> bool:
        """Whether the answer to what was done last is that nothing came of it; for use outside."""
        return self._acted is not None and any(one.text == _PRESS_AGAIN for one in self.slack.entries[self._said :])

    async def _again(self) -> None:
        """Do once more what was done last: that is what people do who are told so."""
        if self._acted is not None:
            self._late += 1
            await self.act(self._acted)

    async def see(self, what: str, look: Callable[[], T | None]) -> T:
        """Wait until there is something to see outside; StoryError names what was missing and what is there.

        Whoever is told meanwhile to press again does.
        """
        deadline = time.monotonic() + self._patience
        found: list[T] = []

        def seen() -> bool:
            if one := look():
                found.append(one)
            return bool(found) or self._is_asked_again()

        async def there() -> None:
            await self.slack.wait_for(seen, max(0.0, deadline - time.monotonic()))

        while not found:
            try:
                await self._outside.run(there())
            except TimeoutError as error:
                raise StoryError(f"{what} was not seen within {self._patience:.0f} s: {error}") from None
            if not found:
                self.expect(time.monotonic() < deadline, f"{what} was not seen: all that is said is to press again")
                await self._again()
        return found[0]

    async def until(
        self, what: str, true: Callable[[], Awaitable[bool]], instead: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait until something is true; `instead` tells what is there when it never is.

        Whoever is told meanwhile to press again does.
        """
        deadline = time.monotonic() + self._patience
        while not await true():
            if time.monotonic() > deadline:
                raise StoryError(f"{what} did not come true within {self._patience:.0f} s{instead()}")
            if await self.outside(self._is_asked_again):
                await self._again()
            await asyncio.sleep(_LOOK_SECONDS)

    def expect(self, truth: object, what: str) -> None:
        """Go on only when that is so."""
        if not truth:
            raise StoryError(what)

    async def statuses(self) -> list[SourceStatus]:
        """Return the status of every source, from the database: a witness beside what people are shown."""

        def work(session: Session) -> list[SourceStatus]:
            listed = [each for one in seeds.organizations(session) for each in sources.sources_of(session, one.id)]
            return statuses(session, listed, self._witness.clock.now(), budget=self._witness.read_budget)

        return await self._witness.database.reading(work)

    async def rows(self, status: SourceStatus) -> Mapping[str, int]:
        """Return how many rows each table of the warehouse holds of a source."""
        return await asyncio.to_thread(self.warehouse(status).counts, status.source.id)

    def warehouse(self, status: SourceStatus) -> Warehouse:
        """Return the warehouse that a source is read into."""
        return self._witness.warehouses.of(status.source.organization_id)

    def messages(self, channel: str, viewer: str) -> list[Message]:
        """Return what that person sees in a channel; for use inside `see` and `outside`."""
        return self.slack.messages(channel, viewer=viewer)

    async def first_reads(self) -> list[SourceStatus]:
        """Wait for the first read of every source, which starts by itself."""

        async def done() -> bool:
            return all(one.last_ready is not None and one.active is None for one in await self.statuses())

        await self.until("the first read of every source", done)
        return await self.statuses()

    async def hours_pass(self, hours: float) -> None:
        """Let time pass at once, for everybody."""
        await self.outside(lambda: self.sandbox.pass_time(timedelta(hours=hours)))


def play(
    name: str,
    story: Callable[[Stage], Awaitable[None]],
    wishes: Wishes,
    *,
    patience: float = PATIENCE,
    variant: Callable[[Jobs], Jobs] = lambda jobs: jobs,
) -> bool:
    """Play a story on a fresh product; print what was seen and return whether that was all of it.

    `variant` is put around everything that is wired up, where the product is this very process.
    """
    began = time.monotonic()
    line(f"story: {name}")
    with prepared(wishes) as ground:
        configure_logging("INFO", ground.log, own_secrets(ground.settings))
        try:
            if wishes.workers:
                asyncio.run(_play_several(ground, story, began, patience))
            else:
                asyncio.run(_play(ground, ground.app(variant), story, began, patience))
        except StoryError as error:
            line(marked(Mark.FAIL, str(error)))
            _show_log(ground)
            return False
    line(marked(Mark.OK, f"{time.monotonic() - began:6.2f} s  in all"))
    return True


async def _play(
    ground: Ground, app: App, story: Callable[[Stage], Awaitable[None]], began: float, patience: float
) -> None:
    async with app.running(), contextlib.AsyncExitStack() as stack:
        served = await stack.enter_async_context(serve(app.asgi, port=app.settings.port))
        if not app.settings.socket_mode:
            ground.deliver_to(served.url)
        stage = Stage(ground.outside, Witness.of(app), patience, OneProcess(app, ground.forgotten))
        await _seen(stage, story, began)


async def _play_several(
    ground: Ground, story: Callable[[Stage], Awaitable[None]], began: float, patience: float
) -> None:
    settings = ground.settings
    database = open_database(settings.database_url)
    try:
        async with several(ground) as running:
            if not settings.socket_mode:
                ground.deliver_to(running.url)
            warehouses = Warehouses(settings.warehouse_url)
            witness = Witness(database, warehouses, ground.outside.sandbox.clock, settings.quickbooks_monthly_reads)
            await _seen(Stage(ground.outside, witness, patience, running), story, began)
    finally:
        database.close()


async def _seen(stage: Stage, story: Callable[[Stage], Awaitable[None]], began: float) -> None:
    stage.told(f"started {time.monotonic() - began:.2f} s after the command; page at {stage.slack.url}")
    await story(stage)
    await nothing_was_wrong(stage)


async def nothing_was_wrong(stage: Stage) -> None:
    """Look at the stand-ins' own records: nothing undrawable, refused, doubled or written at a provider."""
    sandbox = stage.sandbox
    found = await stage.outside(
        lambda: {
            "blocks that the page cannot draw": list(sandbox.slack.red),
            "calls that Slack refused": [f"{one.method}: {one.error}" for one in sandbox.slack.refused],
            "mails that came twice": list(sandbox.mail.duplicates()),
            # The one thing that Tidings ever changes there: its own access, when a person takes it away.
            "writes at a provider": [
                *(one for one in sandbox.quickbooks.journal.mutating() if not _allowed(one, stage.written)),
                *(one for one in sandbox.shopify.journal.mutating() if one.entity != "appUninstall"),
            ],
        }
    )
    for what, entries in found.items():
        stage.expect(not entries, f"{what}: {entries}")
    late = f"; {stage.late_answers} answers to Slack came too late" if stage.late_answers else ""
    but = " but what an admin allowed" if stage.written else ""
    stage.told(f"nothing undrawable, nothing refused, nothing twice, nothing written at a provider{but}{late}")


def _allowed(entry: Entry, kinds: Collection[str]) -> bool:
    """Whether all that came of a request is of kinds that may be written."""
    return bool(entry.effects) and all(effect.split()[1] in kinds for effect in entry.effects)


def _show_log(ground: Ground) -> None:
    for log in sorted(ground.folder.glob("*.log")):
        line(f"the end of {log.name}:")
        for entry in log.read_text(encoding="utf-8").splitlines()[-_LAST_LOG_LINES:]:
            line(f"  {entry}")
