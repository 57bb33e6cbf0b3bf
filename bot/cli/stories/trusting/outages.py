"""Slack is down and the mail goes; the mail server is down and Slack goes; then what waited comes, once."""

from bot.cli.stories.stage import Stage
from bot.cli.stories.trusting.people import ADDRESS, asks_for, is_ready, mails, reply
from bot.cli.stories.trusting.quiet import quiet, undisturbed
from bot.cli.stories.trusting.reasons import why
from sandbox.mail import Mail
from sandbox.misbehave import Kind, Rule
from sandbox.slack import Message

#: Until the outage has begun.
_HELD = Rule(Kind.HOLD, times=None, operation="query")
_STILL = "The mail that says so is still on its way"


async def survived(stage: Stage) -> None:
    """Play it as Maya, who said yes to mail."""
    await _slack_is_down(stage)
    await _mail_is_down(stage)


async def _slack_is_down(stage: Stage) -> None:
    await undisturbed(stage)
    before = await stage.outside(lambda: len(_ready_mails(stage)))
    await stage.outside(lambda: stage.sandbox.shopify.script.add(_HELD))
    card = await asks_for(stage)
    await stage.outside(lambda: stage.slack.lie("*", "server_error", times=None))
    await stage.outside(stage.sandbox.shopify.script.clear)
    mail = await stage.see("the mail, while Slack is down", lambda: _after(_ready_mails(stage), before))
    silent = await stage.outside(lambda: reply(stage, card, "is ready") is None)
    stage.expect(silent, "Slack was not down")
    stage.told(f"Slack is down, and the mail goes: {mail.subject!r}")
    await stage.outside(stage.slack.stop_lying)
    await is_ready(stage, card)
    await _once(stage, card, before)
    stage.told("Slack is back: its word came later, once, and no second mail")


async def _mail_is_down(stage: Stage) -> None:
    await undisturbed(stage)
    before = await stage.outside(lambda: len(_ready_mails(stage)))
    await stage.outside(lambda: stage.sandbox.mail.lie("refuse_connection", times=None))
    card = await asks_for(stage)
    await is_ready(stage, card)
    none = await stage.outside(lambda: len(_ready_mails(stage)) == before)
    stage.expect(none, "the mail server was not down")
    await why(stage, "shopify", _STILL)
    stage.told("the mail server is down, and Slack's word goes; why? names the mail that is still on its way")
    await stage.outside(stage.sandbox.mail.stop_lying)
    await stage.see("the mail, later", lambda: _after(_ready_mails(stage), before))
    await _once(stage, card, before)
    await why(stage, "shopify", "had nothing that is not here", "nobody", never=_STILL)
    stage.told("the mail server is back: the mail came later, once; why? says that nothing had changed at Shopify")


async def _once(stage: Stage, card: Message, before: int) -> None:
    await quiet(stage)

    def told() -> tuple[int, int]:
        replies = stage.slack.replies(card.channel, card.ts, viewer="U0MAYA")[1:]
        return sum("is ready" in one.everything for one in replies), len(_ready_mails(stage)) - before

    found = await stage.outside(told)
    stage.expect(found == (1, 1), f"words in Slack and mails: {found}, not one each")


def _ready_mails(stage: Stage) -> list[Mail]:
    return mails(stage, ADDRESS, "ready")


def _after(found: list[Mail], before: int) -> Mail | None:
    return found[before] if len(found) > before else None
