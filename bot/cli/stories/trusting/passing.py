"""Minutes that pass as minutes do: every clock and every ledger of the product looks again and again meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from bot.cli.stories.stage import Stage, StoryError
from bot.cli.stories.trusting.quiet import delivered

#: A ledger that looks later than a minute after its last look takes it that everything slept, and a clock that has
#: not beaten for a minute is missed: what this leaves of the minute is for a busy machine.
_STEP = timedelta(seconds=20)
#: How long it is gone on where something is waited for.
_MOST = timedelta(minutes=30)


async def passes(stage: Stage, until: datetime, then: timedelta) -> None:
    """Let it become that time at once, then go on in steps; clocks and ledgers look at each, as they always do."""
    await _becomes(stage, until)
    for step in range(1, then // _STEP + 2):
        await _becomes(stage, until + step * _STEP)


async def passes_until(stage: Stage, what: str, true: Callable[[], Awaitable[bool]]) -> None:
    """Go on in steps until it is true; what each look brings about is sent before it is asked."""
    began = stage.sandbox.clock.now()
    for step in range(_MOST // _STEP):
        await _becomes(stage, began + step * _STEP)
        await stage.until("that every message is sent", partial(delivered, stage))
        if await true():
            return
    raise StoryError(f"{what} did not come true in {_MOST}")


async def _becomes(stage: Stage, then: datetime) -> None:
    """Let it be that time, or leave it later than that where so much has passed by itself."""
    left = max(then - stage.sandbox.clock.now(), timedelta(0))
    await stage.outside(partial(stage.sandbox.pass_time, left))
    since = stage.sandbox.clock.now()
    await stage.until("a look of every clock and every ledger", partial(stage.within.has_looked, since))
