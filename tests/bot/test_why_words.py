"""`/data why`, `/data landed` and their buttons, through the front: what is named, and whose it is."""

import pytest

from bot.front import Front
from bot.interaction import Interaction, Kind
from storage.facts.messages import Message
from storage.facts.people import SlackIdentity
from templates import actions, mail
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import OTHERS, SHOP

MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")


async def answer(kind: Kind, words: str = "", *, name: str = "", value: str = "") -> Message:
    request = Interaction(kind, MAYA, "T0TEMERITY", "C0FINANCE", "1.2", words=words, name=name, value=value)
    reply = await Front(TwinServices()).answer(request)
    if reply.message is None and reply.then is not None:
        reply = await reply.then()
    assert reply.message is not None
    return reply.message


@pytest.mark.parametrize(
    "words, kind, about",
    [
        ("why shopify", "why", "Shopify"),
        ("why is quickbooks older than my click?", "why", "QuickBooks"),
        ("why", "why", "Temerity Goods"),
        ("why no mail", "why", "Temerity Goods"),
        ("why fees", "metric_why", "Metric Fees: being calculated"),
        ("why is Fees not current?", "metric_why", "not imported yet"),
        ("why netsuite", "unknown_source", "netsuite"),
        ("landed 1042", "landed", "Number 1042"),
        ("landed 1,250.00 shopify", "landed", "1,250.00"),
        ("landed", "landed", "Say what to look for"),
        ("landed <script>", "landed", "names nothing"),
    ],
)
async def test_what_is_typed_is_answered(words: str, kind: str, about: str) -> None:
    message = await answer(Kind.COMMAND, words)
    assert about.casefold() in mail.render(message).text.casefold()
    assert message.kind == kind


async def test_a_button_explains_its_own_source_and_nobody_elses() -> None:
    assert (await answer(Kind.ACTION, name=actions.WHY, value=SHOP.id)).kind == "why"
    for value in (OTHERS.id, "src_none", ""):
        assert (await answer(Kind.ACTION, name=actions.WHY, value=value)).kind == "not_found"
    assert (await answer(Kind.ACTION, name=actions.RECEIPT_SHOW, value="rcp_000000000")).kind == "no_receipt"


async def test_the_button_of_a_metric_explains_that_one_and_no_other() -> None:
    assert (await answer(Kind.ACTION, name=actions.METRIC_WHY, value="met_1")).kind == "metric_why"
    for value in ("met_rival", ""):
        assert (await answer(Kind.ACTION, name=actions.METRIC_WHY, value=value)).kind == "not_found"


async def test_restated_values_are_asked_for_by_the_name_before_them() -> None:
    assert "called fees" in (await answer(Kind.COMMAND, "metric fees restated")).summary


async def test_a_sentence_is_understood_in_a_direct_message() -> None:
    assert (await answer(Kind.DIRECT, "why is shopify late?")).kind == "why"
    assert (await answer(Kind.DIRECT, "why is fees stale?")).kind == "metric_why"
    assert (await answer(Kind.DIRECT, "has invoice 1042 landed?")).kind == "landed"
