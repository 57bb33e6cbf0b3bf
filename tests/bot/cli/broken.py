"""Stories that a broken product must fail, each at the word that it breaks, and what makes a product broken."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.cli.demo_ground import Wishes
from bot.cli.stories.stage import Stage, play
from jobs.build import Jobs
from jobs.clock import Sweep

#: Seconds for what a broken product never does; a busy machine must have done all else by then.
IN_VAIN = 40.0


@dataclass(frozen=True)
class Twin:
    """A story of one step, and the product that breaks its word there."""

    story: Callable[[Stage], Awaitable[None]]
    #: what is said where it fails
    words: str
    variant: Callable[[Jobs], Jobs] = lambda jobs: jobs
    #: whether there is a PocketAdvantage
    exchange: bool = False


@dataclass
class Halting:
    """A product of which some regular work is done by nobody from when the story says so."""

    names: Sequence[str]
    halted: list[bool] = field(default_factory=list)

    def halt(self) -> None:
        self.halted.append(True)

    def __call__(self, jobs: Jobs) -> Jobs:
        known = {one.name for one in jobs.sweeps}
        assert known.issuperset(self.names)
        sweeps = [self._until(one) if one.name in self.names else one for one in jobs.sweeps]
        return replace(jobs, sweeps=sweeps)

    def _until(self, sweep: Sweep) -> Sweep:
        async def run() -> None:
            if not self.halted:
                await sweep.run()

        return replace(sweep, run=run)


def fails(twin: Twin, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Play the story, and see that it fails at that word."""
    wishes = Wishes(size=size, exchange=twin.exchange, documents=4 if twin.exchange else 0)
    assert not play("broken", twin.story, wishes, variant=twin.variant)
    told = capsys.readouterr().out
    assert f"fail  {twin.words}" in told, told
