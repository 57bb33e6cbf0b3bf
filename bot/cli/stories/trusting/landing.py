"""Did my change land? Not yet, and it is watched; then the word that it has, and the same answer for whoever asks."""

from bot.cli.stories.connecting import newest
from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.people import (
    ADDRESS,
    FINANCE,
    MAYA,
    MAYA_DM,
    asks_for,
    first_line,
    is_ready,
)
from bot.cli.stories.trusting.quiet import quiet, undisturbed
from bot.cli.stories.trusting.reasons import why
from sandbox.providers import catalogue
from templates import actions


async def landed(stage: Stage) -> None:
    """Play it as Maya, who also says where mail may go."""
    await undisturbed(stage)
    number = await stage.outside(lambda: _sells(stage))
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", f"landed {number} shopify"))
    not_yet = await stage.see(
        "the answer before", lambda: newest(stage, f"{number} is not in yet", "You are told", viewer=MAYA)
    )
    stage.told(f"a new order {number}: {first_line(not_yet)!r}, and it is watched")
    await is_ready(stage, await asks_for(stage))
    told = await stage.see("the DM", lambda: newest(stage, f"{number} has landed", channel=MAYA_DM, viewer=MAYA))
    stage.told(f"after the next collection Maya is told by DM: {first_line(told)!r}")
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", f"landed {number} shopify"))
    found = await stage.see("the answer after", lambda: newest(stage, f"{number} is in,", "receipt", viewer=MAYA))
    await quiet(stage)
    directs = await stage.outside(
        lambda: [one for one in stage.messages(MAYA_DM, MAYA) if f"{number} has landed" in one.everything]
    )
    stage.expect(len(directs) == 1, f"it was told {len(directs)} times")
    stage.told(f"whoever asks now hears {first_line(found)!r}; the watch told once")


async def takes_mail(stage: Stage) -> None:
    """Let Maya say that mail may go to the address that Slack has of her."""
    await why(stage, "shopify", "The data is ready", "was deliberately not sent", "no confirmed e-mail address")
    question = await stage.see(
        "the question about the mail address", lambda: newest(stage, viewer=MAYA, action=actions.EMAIL_YES)
    )
    await stage.act(lambda: stage.slack.click(MAYA, question, actions.EMAIL_YES))
    await stage.see("the word that the address is confirmed", lambda: _confirmed(stage))
    stage.told(f"why? names the mail that was not sent, for want of an address; Maya says yes to {ADDRESS}")


def _confirmed(stage: Stage) -> bool | None:
    seen = [one for one in stage.messages(FINANCE, MAYA) if ADDRESS in one.everything and "?" not in one.text]
    return True if seen else None


def _sells(stage: Stage) -> str:
    """Let the shop sell something; return the order's number."""
    shop = stage.sandbox.shopify.shops[catalogue.SHOP]
    before = {order["name"] for order in shop.truth("Order")}
    shop.mutate(stage.sandbox.draw(), new=1)
    (name,) = {order["name"] for order in shop.truth("Order")} - before
    return str(name).lstrip("#")
