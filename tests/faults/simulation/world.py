"""Everything that stands around the product in a simulation, and the product's processes, one after the other."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

from sqlalchemy import text

from jobs.build import Jobs, Tuning, build_jobs
from jobs.clock import Clockwork
from jobs.ground import Warehouses
from jobs.refresh.retry import RetryPlan
from sandbox.mail import MailSink
from sandbox.slack import SlackWorkspace
from sandbox.slack.world import Channel, Installation, Person, SlackApp, Team, World
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider, Source
from storage.records import organizations, sources
from storage.seal import Seal, new_key
from storage.seed_file import Seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database
from storage.settings import Settings
from tests.faults.simulation.clock import BEGINNING, VirtualClock
from tests.faults.simulation.engine import DiedError, SmallEngine
from tests.faults.simulation.lake import SmallLakes
from tests.faults.simulation.provider import Account, Ledger, Providers, Revoking
from tests.faults.simulation.quick import Wire, at_hand, begin_here, forget_the_disk, same_again, straighten

SUPPORT_TEAM, SUPPORT_CHANNEL = "T0SUPPORT", "C0SUPPORT"
SUPPORT_MAIL = "support@tidings.example"
PROVIDER_NAMES = {Provider.SHOPIFY: "Shopify", Provider.QUICKBOOKS: "QuickBooks"}
MODES = {Provider.SHOPIFY: CollectMode.ON_DEMAND, Provider.QUICKBOOKS: CollectMode.TIMER}
#: How often sources are collected, in minutes: most of them once a day.
INTERVALS = (1440, 360, 1440, 1440, 1440, 1440, 1440, 1440)
#: A look at what is due at least that often.
STRIDE = timedelta(minutes=30)
#: Sweeps that are run whenever anything happens; the others once in a stride.
_ALWAYS = ("due_slots", "deadlines")
_DEADLINE = text("SELECT min(due_at) FROM deadlines WHERE state = 'open'")
#: A living message is looked at every three seconds while its refresh runs; here when work was done, and once in a
#: stride.
#: What is due and stays so is looked at again after that.
_AGAIN = timedelta(minutes=10)
#: The first two cost much for every organization and say nothing about time; a beat would be missed between strides.
_LEFT_OUT = frozenset({"warehouses", "rights", "clock_beat"})
#: These are run at every stride, all others so seldom: they would be most of the work.
_OFTEN = frozenset({"cards", "catch_up", "changed_schedules", "escalations", "fleet", "stranded"})
_SELDOM = timedelta(hours=4)


class Even(RetryPlan):
    """The same wait whatever the run is called, so that a seed replays exactly."""

    def delay(self, run_id: str, attempt: int, after: float | None) -> timedelta:
        return timedelta(seconds=max(min(self.cap, self.first * 2 ** (attempt - 1)), after or 0.0))


@dataclass(frozen=True)
class Company:
    """A customer: who is there, and where."""

    number: int
    id: str
    team: str
    channel: str
    user: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Build:
    """How the product is put together; a twin puts it together wrongly."""

    jobs: Callable[["Simulated"], Jobs] = field(default=lambda world: world.built())
    ledger: type[Ledger] = Ledger


@dataclass
class Simulated:
    """The whole of it."""

    dice: Random
    clock: VirtualClock
    database: Database
    settings: Settings
    tuning: Tuning
    providers: Providers
    slack: SlackWorkspace
    wire: Wire
    mail: Any
    companies: list[Company]
    #: a small one, or what stands before the real one
    engine: Any
    small_lakes: SmallLakes
    lakes: Warehouses
    build: Build
    jobs: Jobs = field(init=False)
    clockwork: Clockwork = field(init=False)
    #: the process dies at that many more points from now; None: it lives
    dies_in: int | None = None
    deaths: int = 0
    #: source -> its interval, as people know it
    minutes: dict[str, int] = field(default_factory=dict)
    #: source -> how messages name it
    titles: dict[str, str] = field(default_factory=dict)
    _looked: datetime = BEGINNING
    #: work was done since the living messages were looked at
    _worked: bool = False
    _accounts: dict[str, Account] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)

    def built(self, **wrong: Any) -> Jobs:
        """Build the product; `wrong` replaces arguments."""
        arguments: dict[str, Any] = {
            "checkpoint": self.point,
            "connectors": self.connector,
            "grants": lambda provider: cast("Any", Revoking(provider)),
            "tuning": self.tuning,
            "warehouses": self.lakes,
            **wrong,
        }
        return build_jobs(self.settings, self.database, self.clock, **arguments)

    def connector(self, provider: Provider) -> Any:
        return self.build.ledger(self.providers, provider, MODES[provider])

    def account(self, source: Source) -> Account:
        return self.providers.accounts[source.account]

    def source(self, source_id: str) -> Source:
        return self.database.in_read(lambda session: sources.source(session, source_id))

    def owner(self, account: Account) -> tuple[Company, str]:
        """Return whose account it is, and the id of the source."""
        for company in self.companies:
            for source_id in company.sources:
                if self.account_of(source_id) is account:
                    return company, source_id
        raise LookupError(account.name)

    def account_of(self, source_id: str) -> Account:
        if source_id not in self._accounts:
            self._accounts[source_id] = self.account(self.source(source_id))
        return self._accounts[source_id]

    def actor(self, company: Company) -> Actor:
        """Return the company's admin, as the product knows them; Slack need not answer for it."""
        identity = SlackIdentity(company.team, company.user)
        return Actor(
            identity, self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        )

    # The process

    async def begin(self) -> None:
        """Start a process."""
        self.jobs = self.build.jobs(self)
        self.jobs.sender._session = cast("Any", self.wire)
        await self.bind()
        self.clockwork = Clockwork(self.jobs.load_schedules, self.jobs.submit_slots, self.jobs.sweeps, self.clock)
        await self.clockwork.prepare()

    async def die(self) -> None:
        """End the process as a crash does: what it was at is given back, what it only knew is gone."""
        self.deaths += 1
        self.dies_in = None
        self._last.clear()
        await self.end()
        await self.begin()

    # What the real engine does differently

    @classmethod
    def around(cls, database: Database) -> tuple[VirtualClock, Callable[[Database, VirtualClock], Any]]:
        """Prepare what is around the product; return how time passes, and how the engine is made."""
        begin_here()
        forget_the_disk(database)
        return VirtualClock(), SmallEngine

    async def bind(self) -> None:
        """Connect the process that begins to the engine."""
        straighten(self.jobs.desk, self.database)
        self.jobs.engine.bind(self.engine.enqueue, self.engine.status, lambda: True)

    async def end(self) -> None:
        """End the process."""
        self.engine.give_back()
        await self.jobs.close()

    def point(self, _name: str) -> None:
        """Die here when it is time to."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                raise DiedError

    async def step(self, until: datetime) -> None:
        """Go to the next thing that is due, at most to that instant, and do it."""
        try:
            await self._step(until)
        except DiedError:
            await self.die()

    async def _step(self, until: datetime) -> None:
        found = self.engine.due()
        if found is not None and found[0] <= self.clock.now():
            self._worked = True
            await self.engine.run(found[1], self.jobs.handlers, self.jobs.on_error)
            return
        if self._worked:
            self._worked = False
            await self.look("cards")
            return
        self.clock.advance_to(min(until, self._next(), *([found[0]] if found is not None else [])))
        await self.look(*_ALWAYS)
        if self.clock.now() >= self._looked + STRIDE:
            self._looked = self.clock.now()
            await self.look(*self._regular())

    def _regular(self) -> list[str]:
        """Return the other sweeps whose time has come."""
        now, found = self.clock.now(), []
        for sweep in self.clockwork.sweeps:
            every = max(timedelta(seconds=sweep.every_seconds), timedelta(0) if sweep.name in _OFTEN else _SELDOM)
            if sweep.name not in {*_LEFT_OUT, *_ALWAYS} and now >= self._last.get(sweep.name, BEGINNING) + every:
                self._last[sweep.name] = now
                found.append(sweep.name)
        return found

    def _next(self) -> datetime:
        """Return when something is due that is no work of the engine's; at most a stride from now."""
        with self.database.read() as session:
            deadline = session.connection().execute(_DEADLINE).scalar_one()
        now = self.clock.now()
        # What is due and stays so, because what it waits for is under way, is looked at again later.
        known = [at if at > now else now + _AGAIN for at in (self.clockwork.next_due, _instant(deadline)) if at]
        return min([now + STRIDE, *known])

    async def look(self, *names: str) -> None:
        """Run these sweeps."""
        for sweep in self.clockwork.sweeps:
            if sweep.name in names:
                await self.clockwork.look_after(sweep)


@asynccontextmanager
async def simulated(
    database: Database,
    folder: Path,
    seed: int,
    *,
    organizations_: int,
    each: int,
    intervals: Sequence[int] = INTERVALS,
    build: Build | None = None,
    lakes: Warehouses | None = None,
    kind: type[Simulated] = Simulated,
) -> AsyncIterator[Simulated]:
    """Set everything up: so many organizations with so many sources each."""
    (clock, engine), dice = kind.around(database), Random(seed)
    async with AsyncExitStack() as stack:
        stack.enter_context(same_again(seed, clock))
        mail = await stack.enter_async_context(MailSink(clock).serve())
        world = _world(organizations_)
        slack = SlackWorkspace(world, clock=clock, mail=mail, rates=False)
        stack.push_async_callback(slack.courier.close)
        wire = at_hand(slack)
        settings = Settings.model_validate(
            {
                "database_url": database.url,
                "warehouse_url": str(folder / "warehouse"),
                "secret_keys": [new_key()],
                "slack_bot_token": "xoxb-simulated-support",
                "slack_signing_secret": "sandbox-signing-secret",
                "slack_api_url": slack.api_url,
                "support_channel": f"{SUPPORT_TEAM}/{SUPPORT_CHANNEL}",
                "support_email": SUPPORT_MAIL,
                "smtp_url": mail.smtp_url,
                "mail_from": "Tidings <tidings@tidings.example>",
            }
        )
        providers, small = Providers(clock), SmallLakes()
        companies = [
            _company(database, settings, clock, providers, number, each, intervals) for number in range(organizations_)
        ]
        made = kind(
            dice=dice,
            clock=clock,
            database=database,
            settings=settings,
            tuning=Tuning(retries=Even(), slack_seconds=2.0, lease_seconds=2.0),
            providers=providers,
            slack=slack,
            wire=wire,
            mail=mail,
            companies=companies,
            engine=engine(database, clock),
            small_lakes=small,
            lakes=lakes or small,
            build=build or Build(),
        )
        made.engine.point = made.point
        for company in companies:
            for source in map(made.source, company.sources):
                made.minutes[source.id] = source.schedule_minutes
                made.titles[source.id] = f"{PROVIDER_NAMES[source.provider]} · {source.company}"
        await made.begin()
        try:
            yield made
        finally:
            await made.end()


def _instant(stored: str | datetime | None) -> datetime | None:
    """Return an instant that was read past the layers above the driver: SQLite gives text."""
    if isinstance(stored, datetime):
        return stored
    return datetime.fromisoformat(stored).replace(tzinfo=UTC) if stored else None


def _world(count: int) -> World:
    teams = {SUPPORT_TEAM: Team(SUPPORT_TEAM, "Tidings Support", "support")}
    people = [
        Person("U0SAM", SUPPORT_TEAM, "sam", "Sam Keller", "sam@tidings.example"),
        Person("U0SUPBOT", SUPPORT_TEAM, "tidings", "Tidings", bot_id="B0SUPBOT"),
    ]
    channels = [Channel(SUPPORT_CHANNEL, SUPPORT_TEAM, "support", {"U0SAM", "U0SUPBOT"})]
    installed = {SUPPORT_TEAM: Installation(SUPPORT_TEAM, "U0SUPBOT", "B0SUPBOT", Secret("xoxb-simulated-support"))}
    for number in range(count):
        team, user, bot = f"T0C{number:03}", f"U0C{number:03}", f"U0BOT{number:03}"
        teams[team] = Team(team, f"Company {number}", f"company-{number}")
        people.append(Person(user, team, f"ada{number}", f"Ada {number}", _mail(number), is_admin=True))
        people.append(Person(bot, team, "tidings", "Tidings", bot_id=f"B0BOT{number:03}"))
        channels.append(Channel(f"C0C{number:03}", team, "finance", {user, bot}))
        installed[team] = Installation(team, bot, f"B0BOT{number:03}", Secret(f"xoxb-simulated-{number:03}"))
    app = SlackApp(
        id="A0TIDINGS",
        name="Tidings",
        signing_secret=Secret("sandbox-signing-secret"),
        app_token=Secret("xapp-simulated"),
        client_id="simulated",
        client_secret=Secret("simulated-secret"),
        installations=installed,
    )
    return World(teams, {one.id: one for one in people}, {one.id: one for one in channels}, app, ("U0SAM",))


def _mail(number: int) -> str:
    return f"ada@company{number}.example"


def _company(
    database: Database,
    settings: Settings,
    clock: VirtualClock,
    providers: Providers,
    number: int,
    each: int,
    intervals: Sequence[int],
) -> Company:
    team, user, channel = f"T0C{number:03}", f"U0C{number:03}", f"C0C{number:03}"
    wanted = []
    for index in range(each):
        timer = index % 2 == 1
        account = f"{9_000_000_000 + number * 100 + index}" if timer else f"shop{number}x{index}.myshopify.com"
        providers.accounts[account] = Account(account)
        wanted.append(
            {
                "provider": "quickbooks" if timer else "shopify",
                "account": account,
                "company": f"Company {number}-{index}",
                "schedule": intervals[(number + index) % len(intervals)],
                "credentials": {"access_token": "simulated"},
            }
        )
    seed = Seed.model_validate(
        {
            "format": 1,
            "organization": {"key": f"company-{number}", "name": f"Company {number}", "timezone": "America/New_York"},
            "workspaces": [
                {
                    "team": team,
                    "name": f"Company {number}",
                    "bot_token": f"xoxb-simulated-{number:03}",
                    "channels": [channel],
                    "members": [{"user": user, "name": f"Ada {number}", "role": Role.ADMIN, "email": _mail(number)}],
                }
            ],
            "support": {
                "team": SUPPORT_TEAM,
                "name": "Tidings Support",
                "bot_token": "xoxb-simulated-support",
                "people": [{"user": "U0SAM", "name": "Sam Keller"}],
            },
            "sources": wanted,
        }
    )
    seal = Seal([Secret(key.get_secret_value()) for key in settings.secret_keys])

    def write(session: Any) -> Company:
        how = Seeding(seal, clock.now(), {**dict.fromkeys(Provider, CollectMode.ON_DEMAND), **MODES})
        organization_id = write_seed(session, seed, how).organization_id
        member = organizations.member_by_identity(session, SlackIdentity(team, user))
        assert member is not None
        organizations.set_email(session, member.id, _mail(number), confirmed_at=clock.now(), refused_at=None)
        found = sources.sources_of(session, organization_id)
        return Company(number, organization_id, team, channel, user, tuple(one.id for one in found))

    return database.in_write(write)
