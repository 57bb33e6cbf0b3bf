"""Who plays, where, and what each of them asks for and sees."""

from bot.cli.stories.connecting import newest
from bot.cli.stories.stage import Stage
from sandbox.mail import Mail
from sandbox.slack import Message
from templates import actions

MAYA, DANIEL, SAM = "U0MAYA", "U0DANIEL", "U0SAM"
FINANCE, SUPPORT = "C0FINANCE", "C0DATASUP"
MAYA_DM = "D0MAYA"
ADDRESS, SUPPORT_ADDRESS = "maya@temeritygoods.example", "data-support@tidings.example"


async def asks_for(stage: Stage, source: str = "shopify") -> Message:
    """Let Maya ask for a refresh and confirm it; return its living card."""
    before = await stage.outside(lambda: {one.ts for one in stage.messages(FINANCE, MAYA)})
    await stage.act(lambda: stage.slack.command(MAYA, FINANCE, "/data", f"refresh {source}"))
    asked = await stage.see("a card that asks", lambda: _fresh(before, _offers(stage)))
    await stage.act(lambda: stage.slack.click(MAYA, asked, actions.REFRESH_CONFIRM))
    return await stage.see("the living card", lambda: _fresh(before, cards(stage)))


async def is_ready(stage: Stage, card: Message) -> Message:
    """Wait for the confirmation in the card's thread."""
    return await stage.see("the confirmation in Maya's thread", lambda: reply(stage, card, "is ready"))


def cards(stage: Stage) -> list[Message]:
    """Return the cards of refreshes in #finance, oldest first."""
    return [one for one in stage.messages(FINANCE, MAYA) if one.metadata and not one.is_reply and _is_card(one)]


def reply(stage: Stage, card: Message, word: str) -> Message | None:
    """Return the first answer below a card with that word."""
    replies = stage.slack.replies(FINANCE, card.ts, viewer=MAYA)
    return next((one for one in replies[1:] if word in one.everything), None)


def for_support(stage: Stage, *words: str, action: str | None = None) -> Message | None:
    """Return the newest message in #data-support with these words, as Sam sees it."""
    return newest(stage, *words, channel=SUPPORT, viewer=SAM, action=action)


def mails(stage: Stage, address: str, *words: str) -> list[Mail]:
    """Return the mails for that address with these words in their subject or text, oldest first."""
    return [one for one in stage.sandbox.mail.to(address) if all(word in one.subject + one.text for word in words)]


def first_line(message: Message) -> str:
    """Return how a message begins, for a line of the story."""
    return message.text.splitlines()[0][:140]


def _is_card(message: Message) -> bool:
    return any("refresh" in one.text or "ready to import" in one.text for one in (message, *message.versions))


def _offers(stage: Stage) -> list[Message]:
    return [one for one in stage.messages(FINANCE, MAYA) if actions.REFRESH_CONFIRM in one.actions]


def _fresh(before: set[str], found: list[Message]) -> Message | None:
    return next((one for one in reversed(found) if one.ts not in before), None)
