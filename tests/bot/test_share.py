"""Share in channel: offered below answers that one person sees in a channel, and refused in words where it may not be."""

from functools import partial

from templates import actions
from tests.bot.stage import Stage, staged


def answer_of(stage: Stage, user: str, channel: str) -> bool:
    """Whether that person has an answer there that can be shared."""
    return any(actions.SHARE in message.actions for message in stage.slack.messages(channel, viewer=user))


async def pressed(stage: Stage, user: str, channel: str, words: str) -> None:
    """Ask for the status, press the button of the answer, and wait for words that only that person sees."""
    assert (await stage.slack.command(user, channel, "/data", "status shopify")).ok
    card = [one for one in stage.slack.messages(channel, viewer=user) if actions.SHARE in one.actions][-1]
    assert (await stage.slack.click(user, card, actions.SHARE)).ok
    assert (await stage.slack.click(user, card, actions.SHARE)).ok
    await stage.slack.wait_for(lambda: any(words in seen for seen in stage.seen(user, channel)), timeout=60)


async def test_an_answer_in_a_channel_can_be_shared_once_and_says_why_where_it_cannot() -> None:
    async with staged() as stage:
        await pressed(stage, "U0PRIYA", "C0FINANCE", "Shared in #finance")
        assert list(stage.services.sharing.done.values()) == [("C0FINANCE", ("src_shop",))]
        await pressed(stage, "U0MAYA", "C0PARTNERS", "People of another company read along")
        assert len(stage.services.sharing.done) == 1


async def test_questions_in_a_channel_have_the_button_and_direct_messages_have_not() -> None:
    async with staged() as stage:
        await stage.slack.mention("U0MAYA", "C0FINANCE", "is shopify fresh?")
        await stage.slack.wait_for(partial(answer_of, stage, "U0MAYA", "C0FINANCE"), timeout=60)
        assert (await stage.slack.dm("U0PRIYA", "is shopify fresh?")).ok
        await stage.slack.wait_for(
            lambda: any("Shopify" in seen for seen in stage.seen("U0PRIYA", "D0PRIYA")), timeout=60
        )
        assert not answer_of(stage, "U0PRIYA", "D0PRIYA")
