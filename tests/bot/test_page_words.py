"""**See this as a page** below a history: a link of one's own, and none to what is others'."""

from bot.interaction import Kind
from storage.facts.messages import Button, Buttons, Message
from templates import actions
from tests.bot.test_why_words import answer
from tests.bot.twins.world import OTHERS, SHOP


def buttons(message: Message) -> list[Button]:
    """Return everything that can be pressed."""
    return [one for part in message.parts if isinstance(part, Buttons) for one in part.buttons]


async def test_a_history_leads_to_a_page_of_its_own() -> None:
    shown = buttons(await answer(Kind.COMMAND, "history shopify"))
    assert [(one.text, one.value) for one in shown if one.action == actions.PAGE_LINK] == [
        ("See this as a page", SHOP.id)
    ]
    told = await answer(Kind.ACTION, name=actions.PAGE_LINK, value=SHOP.id)
    (link,) = buttons(told)
    assert (link.action, link.url) == (actions.OPEN_LINK, f"https://tidings.example/page?ticket={SHOP.id}")
    assert told.summary.startswith("The history of Shopify")
    for value in (OTHERS.id, "met_rival", ""):
        assert (await answer(Kind.ACTION, name=actions.PAGE_LINK, value=value)).kind == "not_found"
    assert not [one for one in buttons(await answer(Kind.COMMAND, "history all")) if one.action == actions.PAGE_LINK]
