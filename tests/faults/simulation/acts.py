"""What happens to the world while time passes: seeded, so that a seed plays the same story again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.faults.simulation.oracle import Oracle
from tests.faults.simulation.provider import NAMES, Account
from tests.faults.simulation.world import Simulated

Act = Callable[["Acts"], Awaitable[None]]
_KEYS = 25


class Acts:
    """Draws what happens next."""

    def __init__(self, world: Simulated, oracle: Oracle) -> None:
        self.world, self.oracle, self.dice = world, oracle, world.dice
        for account in world.providers.accounts.values():
            for _ in range(5):
                self._change(account)
            account.meanwhile = self._meanwhile(account)

    async def play(self, days: float) -> None:
        """Let so many days pass."""
        world = self.world
        end = world.clock.now() + timedelta(days=days)
        while world.clock.now() < end:
            await self.act()
            await world.step(end)
            if self.dice.random() < 0.2:
                await self.oracle.answers(self.dice.choice(world.companies))

    async def act(self) -> None:
        """Let something happen."""
        self._change(self._some())

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
