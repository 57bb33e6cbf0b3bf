"""What happens to the world while time passes: seeded, so that a seed plays the same story again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.errors import RequestError
from jobs.refresh.ask import Joined, LeftOut, Place, Scope, TriggerKey
from sandbox.slack.lies import Kind
from tests.faults.simulation.engine import DiedError
from tests.faults.simulation.oracle import Oracle
from tests.faults.simulation.people import People
from tests.faults.simulation.provider import NAMES, Account, Mood
from tests.faults.simulation.standing import Standing
from tests.faults.simulation.world import Simulated

_KEYS = 25
#: Moods, and how often an account falls into each of them.
_MOODS = [Mood.DOWN, Mood.THROTTLED, Mood.THROTTLED, Mood.BROKEN, Mood.PARTLY, Mood.PARTLY, Mood.REVOKED, Mood.EMPTY]
_SLACK: tuple[Kind, ...] = ("server_error", "ratelimited", "reset", "accept_reset")
_MAIL = ("tempfail", "refuse_connection", "accept_drop")


@dataclass(frozen=True, slots=True)
class Cure:
    """Something is well again at that instant."""

    at: datetime
    act: Callable[[], Awaitable[None]]


class EndlessError(RuntimeError):
    """Time stands still: there is always something to be done."""


class Acts(People):
    """Draws what happens next."""

    def __init__(self, world: Simulated, oracle: Oracle) -> None:
        self.world, self.oracle, self.dice = world, oracle, world.dice
        self._cures: list[Cure] = []
        self._asked = 0
        self._steps_left = 0
        for account in world.providers.accounts.values():
            for _ in range(5):
                self._change(account)
            account.meanwhile = self._meanwhile(account)

    async def play(self, days: float, only: Sequence[str] = (), often: float = 4) -> None:
        """Let so many days pass; then let everything be well until nothing is under way. `only`: nothing else happens.

        Without it the machine sleeps now and then. `often`: how many things happen to a company in a day. A product
        that does work without end is stopped (EndlessError).
        """
        world = self.world
        end = world.clock.now() + timedelta(days=days)
        acts = (
            [self.change] * 12
            + [self.mood] * 3
            + [self.request] * 6
            + [self.cancel, self.crash, self.crash, self.stand, self.stand]
        )
        acts += [self.slack, self.mail, self.disconnect, self.schedule, self.promise, self.mute, self.snooze]
        if only:
            acts = [getattr(self, name) for name in only]
        each = timedelta(days=1) / (often * len(world.companies))
        self._steps_left = int((days + 1) * (2000 + 400 * len(world.providers.accounts)))
        following, sleeps = world.clock.now(), world.clock.now() + timedelta(days=self.dice.uniform(1, 3))
        while world.clock.now() < end:
            if following <= world.clock.now():
                await self._surely(self.dice.choice(acts))
                # What a person changed is looked at within a second.
                await self._surely(self._look)
                await self.oracle.answers(self.dice.choice(world.companies))
                following = world.clock.now() + each * (2 * self.dice.random())
            if not only and sleeps <= world.clock.now():
                await self.jump()
                sleeps = world.clock.now() + timedelta(days=self.dice.uniform(2, 6))
            await self._cure()
            await self._step(min(end, following))
            await self.oracle.listen()
        await self._settled()

    async def _step(self, until: datetime) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise EndlessError(f"too many steps by {self.world.clock.now()}")
        await self.world.step(until)

    async def _settled(self) -> None:
        world = self.world
        for cure in self._cures:
            await self._surely(cure.act)
        self._cures.clear()
        world.dies_in = None
        end = world.clock.now() + timedelta(hours=4)
        while world.clock.now() < end:
            await self._step(end)
        await self.oracle.listen()
        await self.oracle.end()

    async def _surely(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except RequestError:
            # What a person asked for is refused with words: nobody believes anything false.
            return
        except DiedError:
            await self.world.die()

    async def _look(self) -> None:
        await self.world.look("deadlines", "changed_schedules")

    async def _cure(self) -> None:
        now = self.world.clock.now()
        over = [cure for cure in self._cures if cure.at <= now]
        self._cures = [cure for cure in self._cures if cure.at > now]
        for cure in over:
            await self._surely(cure.act)

    # What may happen

    async def change(self) -> None:
        self._change(self._some())

    async def mood(self) -> None:
        """An account falls ill for some hours; a grant that is dead is mended by a person."""
        self._ill(self.dice.choice(_MOODS))

    async def down(self) -> None:
        self._ill(Mood.DOWN)

    async def broken(self) -> None:
        self._ill(Mood.BROKEN)

    async def empty(self) -> None:
        self._ill(Mood.EMPTY)

    async def partly(self) -> None:
        self._ill(Mood.PARTLY)

    async def revoked(self) -> None:
        self._ill(Mood.REVOKED)

    async def throttled(self) -> None:
        self._ill(Mood.THROTTLED)

    def _ill(self, mood: Mood) -> None:
        account = self._some()
        if account.mood is not Mood.WELL:
            return
        account.fall(mood, self.world.clock.now())

        async def well() -> None:
            revoked = account.mood is Mood.REVOKED
            account.fall(Mood.WELL, self.world.clock.now())
            company, source_id = self.world.owner(account)
            if revoked and not self.oracle.promised[source_id].stopped:
                await self.world.jobs.services.help.test(self.world.actor(company), source_id)

        self._later(self.dice.uniform(0.5, 12), well)

    async def request(self) -> None:
        """Somebody asks for a refresh."""
        company = self.dice.choice(self.world.companies)
        some = () if self.dice.random() < 0.4 else (self.dice.choice(company.sources),)
        self._asked += 1
        key = TriggerKey(company.team, f"asked-{self._asked}")
        outcome = await self.world.jobs.services.refresh.request(
            self.world.actor(company),
            Scope(everything=not some, source_ids=some),
            key,
            Place(company.team, company.channel),
        )
        if not isinstance(outcome, LeftOut | Joined):
            self.oracle.asked(company, outcome.refresh_id, some or company.sources)

    async def cancel(self) -> None:
        """Somebody stops what was asked for last."""
        if self.oracle.requests:
            last = self.oracle.requests[-1]
            self.oracle.cancelled_at = self.world.clock.now()
            await self.world.jobs.services.refresh.cancel(
                self.world.actor(last.company), last.id, TriggerKey(last.company.team, f"stop-{last.id}")
            )

    async def crash(self) -> None:
        """The process will die soon, wherever it is then."""
        self.world.dies_in = self.dice.randrange(20)

    async def stand(self) -> None:
        """A process will stand still soon, wherever it is then; another one does what it was at."""
        if isinstance(self.world, Standing):
            until = self.world.clock.now() + timedelta(hours=self.dice.uniform(0.05, 2))
            self.world.stand_still(self.dice.randrange(8), until, dies=self.dice.random() < 0.3)

    async def slack(self) -> None:
        """Slack is ill for a while, in one way."""
        self._slack(self.dice.choice(_SLACK))

    async def doubt(self) -> None:
        """Slack accepts the next message, and nobody hears of it."""
        self.world.slack.lie("chat.postMessage", "accept_reset")

    async def lost(self) -> None:
        """Slack breaks off before it accepts the next message."""
        self.world.slack.stop_lying()
        self.world.slack.lie("chat.postMessage", "reset")

    def _slack(self, kind: Kind) -> None:
        self.world.slack.lie("*", kind, times=None, retry_after=30)
        self.oracle.silent = True

        async def well() -> None:
            self.world.slack.stop_lying()
            self.oracle.silent, self.oracle.speaks_since = False, self.world.clock.now()

        # Not longer: what is in doubt is looked for every five seconds meanwhile.
        self._later(self.dice.uniform(0.05, 0.5), well)

    async def mail(self) -> None:
        """The mail server is ill for a while."""
        self.world.mail.lie(self.dice.choice(_MAIL), times=None)

        async def well() -> None:
            self.world.mail.stop_lying()

        self._later(self.dice.uniform(0.1, 2), well)

    async def jump(self) -> None:
        """The machine sleeps."""
        # No message is sent later than a day after what it tells.
        hours = self.dice.choice((0.5, 3, 18))
        self.world.clock.advance_to(self.world.clock.now() + timedelta(hours=hours))
        self.oracle.speaks_since = self.oracle.awake_since = self.world.clock.now()

    def _later(self, hours: float, act: Callable[[], Awaitable[None]]) -> None:
        self._cures.append(Cure(self.world.clock.now() + timedelta(hours=hours), act))

    def _some(self) -> Account:
        return self.dice.choice(list(self.world.providers.accounts.values()))

    def _change(self, account: Account) -> None:
        record, gone = f"r{self.dice.randrange(_KEYS)}", self.dice.random() < 0.15
        account.change(self.world.clock.now(), self.dice.choice(NAMES), record, gone=gone)

    def _meanwhile(self, account: Account) -> Callable[[], Awaitable[None]]:
        async def happens() -> None:
            if self.dice.random() < 0.5:
                self._change(account)

        return happens
