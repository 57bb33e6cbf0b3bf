"""Share in channel: offered below answers that one person sees in a channel, and refused in words where it may not be."""

from functools import partial

import pytest

from bot import values
from jobs.errors import NotFoundError
from storage.facts.shared import Answer, Shareable
from templates import actions
from tests.bot.stage import Stage, staged


def answer_of(stage: Stage, user: str, channel: str) -> bool:
    """Whether that person has an answer there that can be shared."""
    return any(actions.SHARE in message.actions for message in stage.slack.messages(channel, viewer=user))


async def pressed(stage: Stage, user: str, channel: str, words: str, asked: str = "status shopify") -> None:
    """Ask, press the button of the answer, and wait for words that only that person sees."""
    assert (await stage.slack.command(user, channel, "/data", asked)).ok
    card = [one for one in stage.slack.messages(channel, viewer=user) if actions.SHARE in one.actions][-1]
    for _ in range(2):
        assert (await stage.slack.click(user, card, actions.SHARE)).ok
    await stage.slack.wait_for(lambda: any(words in seen for seen in stage.seen(user, channel)), timeout=60)


async def test_an_answer_in_a_channel_can_be_shared_once_and_says_why_where_it_cannot() -> None:
    async with staged() as stage:
        await pressed(stage, "U0PRIYA", "C0FINANCE", "Shared in #finance")
        assert list(stage.services.sharing.done.values()) == [("C0FINANCE", Answer(Shareable.STATUS, ("src_shop",)))]
        await pressed(stage, "U0MAYA", "C0PARTNERS", "People of another company read along")
        assert len(stage.services.sharing.done) == 1
        for asked in ("history shopify", "why shopify"):
            await pressed(stage, "U0PRIYA", "C0FINANCE", "Shared in #finance", asked)
        of_shop = [Answer(kind, ("src_shop",)) for kind in (Shareable.STATUS, Shareable.HISTORY, Shareable.WHY)]
        assert [wanted for _, wanted in stage.services.sharing.done.values()] == of_shop


def test_what_the_button_carries_is_read_strictly() -> None:
    for wanted in (
        Answer(Shareable.METRIC, metric_id="met_1"),
        Answer(Shareable.METRIC_WHY, metric_id="met_1"),
        Answer(Shareable.HISTORY),
        Answer(Shareable.WHY, ("s",)),
    ):
        assert values.unpack_shared(values.pack_shared("card_1", wanted)) == ("card_1", wanted)
    # Below answers of before there was only the status to share.
    assert values.unpack_shared('{"c":"card_1","s":["src_1"]}')[1] == Answer(Shareable.STATUS, ("src_1",))
    for wrong in (
        '{"c":"x","s":"all","k":"audit"}',
        '{"c":"x","s":"all","k":7}',
        '{"c":"x","s":"all","m":7}',
        "x",
        "{}",
    ):
        with pytest.raises(NotFoundError):
            values.unpack_shared(wrong)


async def test_questions_in_a_channel_have_the_button_and_direct_messages_have_not() -> None:
    async with staged() as stage:
        await stage.slack.mention("U0MAYA", "C0FINANCE", "is shopify fresh?")
        await stage.slack.wait_for(partial(answer_of, stage, "U0MAYA", "C0FINANCE"), timeout=60)
        assert (await stage.slack.dm("U0PRIYA", "is shopify fresh?")).ok
        await stage.slack.wait_for(
            lambda: any("Shopify" in seen for seen in stage.seen("U0PRIYA", "D0PRIYA")), timeout=60
        )
        assert not answer_of(stage, "U0PRIYA", "D0PRIYA")
