"""The story of trust: what does not end is called about until it does, no silence lasts, and every claim is proved."""

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting import calls, chain, landing, outages, reasons, silence
from bot.cli.stories.trusting.quiet import quiet


async def story(stage: Stage) -> None:
    """Play it as Maya and Daniel of Temerity Goods, and as Sam of support."""
    await stage.first_reads()
    await reasons.why(stage, "shopify", "all is well", never="support of Tidings")
    stage.told("first reads are ready by themselves, and why? says that all is well")
    await calls.called(stage)
    await silence.heard(stage)
    await landing.landed(stage)
    await landing.takes_mail(stage)
    await outages.survived(stage)
    await reasons.named(stage)
    await quiet(stage)
    await chain.proved(stage)
