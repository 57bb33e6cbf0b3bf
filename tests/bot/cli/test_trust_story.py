"""The story of trust fails where the product breaks its word, and says at which one."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from bot.cli.demo_ground import Wishes
from bot.cli.stories.stage import Stage, play
from bot.cli.stories.trusting import calls, silence
from bot.cli.stories.trusting.people import asks_for
from bot.cli.stories.within import OneProcess
from bot.main import App

#: Seconds for what a broken product never does.
IN_VAIN = 6.0


def product(stage: Stage) -> App:
    assert isinstance(stage.within, OneProcess)
    return stage.within._app


class Mute:
    """Twin: a reporter that tells nobody."""

    def report(self, _now: datetime) -> None:
        return


async def never_reports(stage: Stage) -> None:
    """Twin: what does not happen is found, and nobody is told."""
    await stage.first_reads()
    product(stage).jobs.ledger._reporter = Mute()  # type: ignore[assignment]  # a twin
    stage._patience = IN_VAIN
    await silence.heard(stage)


async def never_calls_again(stage: Stage) -> None:
    """Twin: the end of an acknowledgement is looked for by nobody."""
    await stage.first_reads()
    await stage.outside(lambda: stage.sandbox.shopify.script.add(calls._DOWN))
    await calls._is_escalated(stage, await asks_for(stage))
    await calls._is_taken_on(stage)
    beats = product(stage).clockwork._scheduler
    assert beats is not None
    for sweep in ("deadlines", "escalations"):
        beats.remove_job(sweep)
    stage._patience = IN_VAIN
    await calls._is_called_again(stage)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "broken, words",
    [
        (never_reports, "word of the missed collection did not come true"),
        (never_calls_again, "the next call was not seen"),
    ],
)
def test_a_broken_twin_makes_the_story_fail(
    broken: Callable[[Stage], Awaitable[None]],
    words: str,
    capsys: pytest.CaptureFixture[str],
    logs_restored: None,
) -> None:
    assert not play("broken", broken, Wishes(size=5))
    told = capsys.readouterr().out
    assert f"fail  {words}" in told, told
