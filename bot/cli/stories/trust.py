"""The story of trust: what does not end is called about until it does, no silence lasts, and every claim is proved."""

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting import calls, chain


async def story(stage: Stage) -> None:
    """Play it as Maya and Daniel of Temerity Goods, and as Sam of support."""
    await stage.first_reads()
    stage.told("first reads are ready by themselves")
    await calls.called(stage)
    await chain.proved(stage)
