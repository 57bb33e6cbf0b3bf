"""The story of an escalation: a refresh hangs for three hours, support is called once, acts, and it ends well."""

from bot.cli.stories.stage import Stage
from sandbox.mail import Mail
from sandbox.misbehave import Kind, Rule
from sandbox.slack import Message
from templates import actions

MAYA, FINANCE, SAM, SUPPORT = "U0MAYA", "C0FINANCE", "U0SAM", "C0DATASUP"
SUPPORT_ADDRESS = "data-support@tidings.example"


async def story(stage: Stage) -> None:
    """Play it as Maya, then as Sam."""
    await stage.first_reads()
    stage.told("first reads are ready by themselves")
    card = await _waits(stage)
    await _support_is_called(stage, card)
    await _support_acts(stage)
    await _ends(stage, card)


async def _waits(stage: Stage) -> Message:
    down = Rule(Kind.SERVER_ERROR, times=None, operation="query")
    await stage.outside(lambda: stage.sandbox.shopify.script.add(down))
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", "refresh shopify"))
    asked = await stage.see("a card that asks", lambda: _with(stage, FINANCE, MAYA, actions.REFRESH_CONFIRM))
    await stage.act(lambda: stage.slack.click(MAYA, asked, actions.REFRESH_CONFIRM))
    card = await stage.see("the living card", lambda: _card(stage))
    stage.told("Shopify is down; Maya asked for a refresh of it and waits")
    return card


async def _support_is_called(stage: Stage, card: Message) -> None:
    await stage.hours_pass(3.01)
    post = await stage.see("the post in #data-support", lambda: _with(stage, SUPPORT, SAM, actions.ESCALATION_RETRY))
    stage.told(f"three hours later #data-support says {post.text.splitlines()[0][:120]!r}")
    mail = await stage.see("the mail for support", lambda: newest_mail(stage, SUPPORT_ADDRESS, "not finished after"))
    stage.told(f"mail for support: {mail.subject!r}")
    told = await stage.see("the word for Maya", lambda: _reply(stage, card, "support"))
    stage.told(f"Maya's thread says {told.text.splitlines()[0][:120]!r}")


async def _support_acts(stage: Stage) -> None:
    post = await stage.see("the post", lambda: _with(stage, SUPPORT, SAM, actions.ESCALATION_ACKNOWLEDGE))
    await stage.act(lambda: stage.slack.click(SAM, post, actions.ESCALATION_ACKNOWLEDGE))
    await stage.see("the acknowledgement in the post", lambda: _says(stage, "Acknowledged by Sam Keller"))
    stage.told("Sam acknowledged, and the post says so")
    await stage.outside(stage.sandbox.shopify.script.clear)
    post = await stage.see("the post", lambda: _with(stage, SUPPORT, SAM, actions.ESCALATION_RETRY))
    await stage.act(lambda: stage.slack.click(SAM, post, actions.ESCALATION_RETRY))
    stage.told("Shopify is back; Sam pressed Retry")


async def _ends(stage: Stage, card: Message) -> None:
    told = await stage.see("the confirmation in Maya's thread", lambda: _reply(stage, card, "ready"))
    stage.told(f"Maya's thread says {told.text.splitlines()[0][:120]!r}")

    def post_without_buttons() -> Message | None:
        found = posts(stage)
        return found[0] if len(found) == 1 and not found[0].actions else None

    post = await stage.see("the one post, edited to its end", post_without_buttons)
    stage.told(f"the one post in #data-support was edited to its end: {post.text.splitlines()[0][:120]!r}")


def newest_mail(stage: Stage, address: str, words: str) -> Mail | None:
    """Return the newest mail for that address with these words in its subject."""
    return next((one for one in reversed(stage.sandbox.mail.to(address)) if words in one.subject), None)


def posts(stage: Stage) -> list[Message]:
    """Return the posts in #data-support that are about a refresh; it is told of other things there, too."""
    return [
        one
        for one in stage.messages(SUPPORT, SAM)
        if one.metadata and not one.is_reply and "Log reference" in one.everything
    ]


def _with(stage: Stage, channel: str, viewer: str, action: str) -> Message | None:
    return next((one for one in reversed(stage.messages(channel, viewer)) if action in one.actions), None)


def _card(stage: Stage) -> Message | None:
    posted = [one for one in stage.messages(FINANCE, MAYA) if one.metadata and not one.is_reply]
    return posted[-1] if posted else None


def _reply(stage: Stage, card: Message, word: str) -> Message | None:
    replies = stage.slack.replies(FINANCE, card.ts, viewer=MAYA)
    return next((one for one in replies[1:] if word in one.everything), None)


def _says(stage: Stage, words: str) -> Message | None:
    return next((one for one in posts(stage) if words in one.everything), None)
