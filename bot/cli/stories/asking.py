"""Questions in the story of the App Home: in plain words, with what follows them, and none that starts anything."""

from bot.cli.stories.stage import Stage
from sandbox.providers import catalogue
from sandbox.slack import Message
from templates import actions

MAYA, FINANCE, DIRECT = "U0MAYA", "C0FINANCE", "D0MAYA"
_BOT, _ASKED = "U0TIDINGS", "what is disconnected?"
_REALM, _SHOP = f"quickbooks_{catalogue.REALM}", catalogue.SHOP


async def questions(stage: Stage) -> None:
    """Ask about one source and then another, two things at once, with a no, and what nobody can answer."""
    began = [status.last_ready.id if status.last_ready else None for status in await stage.statuses()]
    first = await _asked(stage, "hey, is shopfy fresh?")
    stage.expect(_SHOP in _all(first), f"a misspelt question is not about Shopify: {_all(first)}")
    stage.expect("Checked " in _all(first), f"the answer does not say as of when it is: {_all(first)}")
    second = await _asked(stage, "and the books?")
    stage.expect(_REALM in _all(second) and _SHOP not in _all(second), f"the follow-up is not understood: {second}")
    stage.told("'is shopfy fresh?' and then 'and the books?' are answered with the facts of each")
    both = await _asked(stage, "who refreshed the store last, and when is quickbooks collected next?")
    stage.expect("first time" in _all(both) and "Next collection" in _all(both), f"one of two is missing: {_all(both)}")
    refused = await _asked(stage, "don't refresh anything, just tell me if all is fresh")
    stage.expect(actions.REFRESH_ASK not in _all(refused), f"a no is answered with an offer: {_all(refused)}")
    lost = await _asked(stage, "what will the weather be?")
    stage.expect("is shopify fresh" in _all(lost).casefold() or "You can ask" in _all(lost), _all(lost))
    stage.told("two questions at once have two answers; a no offers nothing; what nobody knows gets what can be asked")
    await _in_a_thread(stage)
    after = [status.last_ready.id if status.last_ready else None for status in await stage.statuses()]
    stage.expect(after == began and not any(one.active for one in await stage.statuses()), "a question started a run")
    stage.told(
        "a mention is answered for whoever asked, and what follows in its thread, there; no question started anything"
    )


async def _in_a_thread(stage: Stage) -> None:
    known = await stage.outside(lambda: len(_told(stage, FINANCE)))
    await stage.act(lambda: stage.slack.mention(MAYA, FINANCE, f"<@{_BOT}> {_ASKED}"))
    await stage.see("an answer for Maya", lambda: _new(stage, known, "connected"))
    asked = await stage.see(
        "her question", lambda: next((one for one in _everything(stage) if _ASKED in one.text), None)
    )
    await stage.act(lambda: stage.slack.mention(MAYA, FINANCE, f"<@{_BOT}> and is shopify running?", asked.ts))
    said = await stage.see("what follows", lambda: _new(stage, known + 1, "running"))
    stage.expect(said.thread_ts == asked.ts, "what is asked in a thread is answered elsewhere")


async def _asked(stage: Stage, text: str) -> Message:
    """Return the answer to a direct message."""
    known = await stage.outside(lambda: len(_told(stage, DIRECT)))
    await stage.act(lambda: stage.slack.dm(MAYA, text))
    return await stage.see(f"an answer to {text!r}", lambda: next(iter(_told(stage, DIRECT)[known:]), None))


def _new(stage: Stage, known: int, word: str) -> Message | None:
    return next((one for one in _told(stage, FINANCE)[known:] if word in _all(one) and one.ephemeral_to == MAYA), None)


def _everything(stage: Stage) -> list[Message]:
    return stage.messages(FINANCE, MAYA)


def _told(stage: Stage, channel: str) -> list[Message]:
    return [one for one in stage.messages(channel, MAYA) if one.user == _BOT]


def _all(message: Message) -> str:
    return f"{message.everything} {message.blocks}"
