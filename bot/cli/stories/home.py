"""The story of the App Home: the index of data sources, what may be done beside each, and that it follows by itself."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from bot.cli.stories.asking import questions
from bot.cli.stories.pictures import pictures
from bot.cli.stories.stage import Stage
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.slack.views import View
from templates import actions

MAYA, PRIYA, DANIEL = "U0MAYA", "U0PRIYA", "U0DANIEL"
#: What each role finds in the menu of a source that is fresh.
_MENUS = {
    DANIEL: ["Refresh", "History", "Schedule", "Disconnect …", "More …"],
    MAYA: ["Refresh", "History", "Schedule", "Why?", "More …"],
    PRIYA: ["History", "Schedule", "Why?", "More …"],
}
_ADMIN = (
    "Administration",
    "Members and roles",
    "Escalation",
    "QuickBooks Online integration settings",
    "Last synchronization",
    "Datasets available",
)


async def story(stage: Stage) -> None:
    """Play all parts, as Maya, Priya, and Daniel, the admin."""
    await stage.first_reads()
    for part in PARTS:
        await part(stage)


async def _index(stage: Stage) -> None:
    found = await opened(stage, MAYA)
    rows = text(found)
    realm, shop = f"quickbooks_{catalogue.REALM}", catalogue.SHOP
    for words in (realm, shop, "Data: *fresh*", "Connection: *connected*", "Run: *nothing running*",
                  "Last data refresh: ", "is QuickBooks' own company id", "Refresh all data sources"):  # fmt: skip
        stage.expect(words in rows, f"the index does not say {words!r}: {rows}")
    stage.expect("Administration" not in rows, "Maya is shown what only admins see")
    stage.told(f"App Home lists {realm} and {shop}, each with data, connection, run and last data refresh")


async def _menus(stage: Stage) -> None:
    for user, wanted in _MENUS.items():
        offered = [option["text"]["text"] for option in _menu(await opened(stage, user), 0)]
        stage.expect(offered == wanted, f"{user} is offered {offered}, not {wanted}")
    stage.told("the menu beside a source has for each role the most useful things, and nothing that they may not do")


async def _modal(stage: Stage) -> None:
    home = await opened(stage, MAYA)
    more = next(option["value"] for option in _menu(home, 1) if option["value"].startswith(actions.SOURCE_MORE))
    await stage.act(lambda: stage.slack.click(MAYA, home, "menu:2", more))
    form = await stage.see("all about Shopify", lambda: _open(stage, "Last data refresh", "Next collection"))
    await stage.act(lambda: stage.slack.click(MAYA, form, actions.HISTORY))
    told = await stage.see("its history in the same place", lambda: _open(stage, "istory"))
    stage.expect(told.id == form.id, "the history is somewhere else")
    stage.told("More … opens all about Shopify; its history is shown in the same place")


async def _filters(stage: Stage) -> None:
    home = await opened(stage, MAYA)
    await stage.act(lambda: stage.slack.click(MAYA, home, f"{actions.HOME_SHOW}:3", "disconnected 1"))
    await stage.see("that nothing is disconnected", lambda: "Every source is connected." in text(home) or None)
    await stage.act(lambda: stage.slack.click(MAYA, home, f"{actions.HOME_SHOW}:4", "running 1"))
    await stage.see("that nothing is running", lambda: "Nothing is running now." in text(home) or None)
    await stage.act(lambda: stage.slack.click(MAYA, home, f"{actions.HOME_SHOW}:3", "disconnected 1"))
    await stage.see("the filter before", lambda: "Every source is connected." in text(home) or None)
    stage.told("the filters say how many sources there are behind each: none is disconnected, nothing runs")


async def _follows(stage: Stage) -> None:
    # Maya looks at what is disconnected, and does nothing.
    home = await stage.see("Maya's page", lambda: stage.slack.home(MAYA))
    await stage.outside(lambda: stage.sandbox.quickbooks.oauth.revoke(catalogue.REALM))
    await stage.outside(lambda: stage.sandbox.pass_time(timedelta(minutes=61)))
    await stage.see("QuickBooks, on top by itself", lambda: "Disconnected (1)" in text(home) or None)
    rows = text(home)
    stage.expect("Next step: an admin" in rows, f"what to do is not said: {rows}")
    stage.expect(catalogue.SHOP not in rows, "the filter was forgotten")
    stage.told("QuickBooks takes its grant back; the page that Maya has open says so by itself, behind her filter")


async def _administration(stage: Stage) -> None:
    home = await opened(stage, DANIEL)
    rows = text(home)
    for words in _ADMIN:
        stage.expect(words in rows, f"admins are not shown {words!r}: {rows}")
    offered = [option["text"]["text"] for option in _menu(home, 0)]
    stage.expect(offered[0] == "Reconnect", f"what is disconnected cannot be reconnected first: {offered}")
    first = next(option["value"] for option in _menu(home, 0))
    await stage.act(lambda: stage.slack.click(DANIEL, home, "menu", first))
    await stage.see("Daniel's own link", lambda: _open(stage, "link to reconnect", user=DANIEL))
    stage.told("Daniel, the admin, sees members, settings and QuickBooks Online; Reconnect gives him a link of his own")


async def _refreshes(stage: Stage) -> None:
    home = await opened(stage, MAYA)
    slow = Rule(Kind.LATENCY, seconds=2.0, times=None, operation="query")
    await stage.outside(lambda: stage.sandbox.shopify.script.add(slow))
    await stage.act(lambda: stage.slack.click(MAYA, home, actions.REFRESH_ASK))
    card = await stage.see("the card that asks", lambda: _open(stage, actions.REFRESH_CONFIRM))
    await stage.act(lambda: stage.slack.click(MAYA, card, actions.REFRESH_CONFIRM))
    await stage.see("the run on the page", lambda: "Running now (1)" in text(home) or None)
    await stage.outside(stage.sandbox.shopify.script.clear)
    await stage.see("its end on the page", lambda: "Running now (0)" in text(home) or None)
    stage.told("Refresh all data sources asks first, in place; the page shows the run, and its end")


#: What is played, in this order.
PARTS: Sequence[Callable[[Stage], Awaitable[None]]] = (
    _index,
    _menus,
    _modal,
    _filters,
    questions,
    _follows,
    _administration,
    _refreshes,
    pictures,
)


async def opened(stage: Stage, user: str) -> View:
    """Open somebody's App Home and return it once it is drawn anew."""
    before = await stage.outside(lambda: _hash(stage, user))
    await stage.act(lambda: stage.slack.open_home(user))
    await stage.see("the page", lambda: _hash(stage, user) != before or None)
    return await stage.see("the page", lambda: stage.slack.home(user))


def text(view: View) -> str:
    """Return everything that a view shows."""
    return str(view.blocks)


def _hash(stage: Stage, user: str) -> str:
    found = stage.slack.home(user)
    return found.hash if found else ""


def _menu(view: View, number: int) -> list[dict[str, Any]]:
    """Return the entries of the menu beside a row, as Slack writes options."""
    found: list[list[dict[str, Any]]] = [block["accessory"]["options"] for block in view.blocks if "accessory" in block]
    return found[number]


def _open(stage: Stage, *words: str, user: str = MAYA) -> View | None:
    found = stage.slack.modal(user)
    return found if found is not None and all(word in text(found) for word in words) else None
