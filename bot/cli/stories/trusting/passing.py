"""Minutes that pass as minutes do: every clock and every ledger of the product looks again and again meanwhile."""

from datetime import datetime, timedelta
from functools import partial

from bot.cli.stories.stage import Stage

#: A ledger that looks later than a minute after its last look takes it that everything slept.
_STEP = timedelta(seconds=45)
#: After so long whatever did not happen is told.
NOTICED = timedelta(minutes=3.5)


async def passes(stage: Stage, until: datetime, then: timedelta) -> None:
    """Let it become that time at once, then go on in steps; clocks and ledgers look at each, as they always do."""
    now = stage.sandbox.clock.now()
    for step in (max(until - now, timedelta(0)), *(_STEP for _ in range(then // _STEP + 1))):
        await stage.outside(partial(stage.sandbox.pass_time, step))
        since = stage.sandbox.clock.now()
        await stage.until("a look of every clock and every ledger", partial(stage.within.has_looked, since))
