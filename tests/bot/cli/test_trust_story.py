"""The story of trust fails where the product breaks its word, and says at which one."""

from datetime import datetime

import pytest

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting import calls, silence
from bot.cli.stories.trusting.people import asks_for
from bot.cli.stories.trusting.quiet import quiet
from jobs.build import Jobs
from tests.bot.cli.broken import IN_VAIN, Halting, Twin, fails


class Mute:
    """A reporter that tells nobody."""

    def report(self, _now: datetime) -> None:
        return


def mute(jobs: Jobs) -> Jobs:
    """Let what does not happen be found, and nobody be told."""
    jobs.ledger._reporter = Mute()  # type: ignore[assignment]  # a twin
    return jobs


async def never_reports(stage: Stage) -> None:
    await stage.first_reads()
    await quiet(stage)
    stage.impatient(IN_VAIN)
    await silence.heard(stage)


def never_calls_again() -> Twin:
    """Return a product in which the end of an acknowledgement is looked for by nobody."""
    broken = Halting(("deadlines", "escalations"))

    async def story(stage: Stage) -> None:
        await stage.first_reads()
        await stage.outside(lambda: stage.sandbox.shopify.script.add(calls._DOWN))
        await calls._is_escalated(stage, await asks_for(stage))
        await calls._is_taken_on(stage)
        broken.halt()
        stage.impatient(IN_VAIN)
        await calls._is_called_again(stage)

    return Twin(story, "the next call was not seen", broken)


TWINS = {
    "never reports": lambda: Twin(never_reports, "word of the missed collection did not come true", mute),
    "never calls again": never_calls_again,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_makes_the_story_fail(name: str, capsys: pytest.CaptureFixture[str], logs_restored: None) -> None:
    fails(TWINS[name](), 5, capsys)
