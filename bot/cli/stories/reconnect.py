"""The story of connections: connect, lose, be warned, refuse the wrong company, reconnect, catch up, deny, erase."""

import contextlib
import re
from datetime import timedelta

from bot.cli.stories.browser import Shown, StoryBrowser
from bot.cli.stories.stage import Stage
from sandbox.providers import catalogue
from sandbox.slack import Message
from storage.facts.sources import ConnectionState, Provider
from storage.facts.status import SourceStatus
from templates import actions

DANIEL, PRIYA, FINANCE, DIRECT = "U0DANIEL", "U0PRIYA", "C0FINANCE", "D0DANIEL"
_CODE = re.compile(r"\b(\d{4}) (\d{4})\b")


async def story(stage: Stage) -> None:
    """Play it as Daniel, the admin, in #finance and in his browser."""
    await stage.first_reads()
    async with contextlib.AsyncExitStack() as stack:
        browser = StoryBrowser()
        stack.push_async_callback(browser.close)
        await _connects_a_shop(stage, browser)
        await _loses_quickbooks(stage)
        await _chooses_the_wrong_company(stage, browser)
        await _reconnects(stage, browser)
    await _is_denied(stage)
    await _disconnects(stage)


async def _connects_a_shop(stage: Stage, browser: StoryBrowser) -> None:
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "connect"))
    offered = await stage.see("the catalogue", lambda: _newest(stage, "New connection"))
    shopify = next(name for name, one in offered.actions.items() if one.get("value") == Provider.SHOPIFY.value)
    await stage.act(lambda: stage.slack.click(DANIEL, offered, shopify))
    ready = await _proven(stage, browser, "connect")
    await stage.outside(lambda: setattr(stage.sandbox.shopify.oauth, "choice", catalogue.OUTLET_SHOP))
    asked = await browser.send(ready, "/go", {"hint": catalogue.OUTLET_SHOP})
    stage.expect("You are connecting Temerity Outlet" in asked.text, f"no question before connecting: {asked.text}")
    done = await browser.send(asked, "/connect/confirm")
    stage.expect("is connected" in done.text, f"not connected: {done.text}")
    found = await stage.first_reads()
    outlet = _of(found, catalogue.OUTLET_SHOP)
    rows = outlet.last_ready.rows if outlet.last_ready else 0
    stage.told(f"a second shop is connected through the browser and read by itself: {rows} rows")


async def _loses_quickbooks(stage: Stage) -> None:
    await stage.outside(lambda: stage.sandbox.quickbooks.oauth.revoke(catalogue.REALM))
    # Its timer finds out.
    await stage.outside(lambda: stage.sandbox.pass_time(timedelta(minutes=61)))
    warned = await stage.see("the warning", lambda: _newest(stage, "is disconnected", "What stops"))
    stage.expect(actions.RECONNECT in warned.actions, "the warning has no button to reconnect")
    direct = await stage.see("the same for Daniel", lambda: _newest(stage, "is disconnected", channel=DIRECT))
    stage.expect(direct is not None, "nobody was told directly")
    stage.told(f"QuickBooks took the grant back; #finance and Daniel were told once: {warned.text.splitlines()[0]!r}")


async def _chooses_the_wrong_company(stage: Stage, browser: StoryBrowser) -> None:
    await stage.outside(lambda: setattr(stage.sandbox.quickbooks.oauth, "choice", catalogue.HARBOUR_REALM))
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "reconnect quickbooks"))
    refused = await browser.send(await _proven(stage, browser, "reconnect"), "/go")
    stage.expect(f"You chose {catalogue.HARBOUR}" in refused.text, f"another company passed: {refused.text}")
    kept = await browser.send(refused, "/connect/give-up")
    stage.expect("Nothing was connected" in kept.text, f"unexpected: {kept.text}")
    books = _of(await stage.statuses(), catalogue.REALM)
    stage.expect(books.source.connection is ConnectionState.DISCONNECTED, "the wrong company was connected")
    stage.told("another company was refused; the source stayed as it was")


async def _reconnects(stage: Stage, browser: StoryBrowser) -> None:
    before = _of(await stage.statuses(), catalogue.REALM).last_data_refresh
    await stage.outside(lambda: setattr(stage.sandbox.quickbooks.oauth, "choice", catalogue.REALM))
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "reconnect quickbooks"))
    asked = await browser.send(await _proven(stage, browser, "reconnect"), "/go")
    done = await browser.send(asked, "/connect/confirm")
    stage.expect("is connected" in done.text, f"not reconnected: {done.text}")
    await stage.see("the warning's last edit", lambda: _newest(stage, "is reconnected"))

    async def caught_up() -> bool:
        now = _of(await stage.statuses(), catalogue.REALM).last_data_refresh
        return before is not None and now is not None and now > before

    await stage.until("the catch-up", caught_up)
    stage.told("reconnected through the browser; the warning says so, and the data was caught up by itself")


async def _is_denied(stage: Stage) -> None:
    await stage.act(lambda: stage.slack.command(PRIYA, FINANCE, "/data", "reconnect quickbooks"))
    denied = await stage.see("the denial", lambda: _newest(stage, "You need the role admin", viewer=PRIYA))
    stage.expect("Daniel" in denied.everything, "the denial does not say who can")
    stage.told("a viewer was denied, and told who can do it")


async def _disconnects(stage: Stage) -> None:
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", f"disconnect {catalogue.OUTLET_SHOP}"))
    asked = await stage.see("what disconnecting affects", lambda: _newest(stage, "Disconnect", action=_FORM))
    await stage.act(lambda: stage.slack.click(DANIEL, asked, _FORM))
    view = await stage.see("the form", lambda: stage.slack.modal(DANIEL))
    answers: dict[str, object] = {"name": catalogue.OUTLET_SHOP, "data": "erase"}
    await stage.act(lambda: stage.slack.submit_view(DANIEL, answers, view))

    async def gone() -> bool:
        outlet = _of(await stage.statuses(), catalogue.OUTLET_SHOP)
        return outlet.source.connection is ConnectionState.DISCONNECTED and not any((await stage.rows(outlet)).values())

    await stage.until("the erasure", gone)
    stage.told("the shop was disconnected, its grant given up and its data erased")


_FORM = actions.DISCONNECT_FORM


async def _proven(stage: Stage, browser: StoryBrowser, verb: str) -> Shown:
    """Open the newest link, prove that it is Daniel's browser by the code in Slack, and return the next page."""
    told = await stage.see("the link", lambda: _newest(stage, f"Your link to {verb}", action=actions.OPEN_LINK))
    page = await browser.open(str(told.actions[actions.OPEN_LINK]["url"]))
    codes = len(await stage.outside(lambda: _codes(stage)))
    page = await browser.send(page, "/code")
    code = await stage.see("the code", lambda: found[-1] if len(found := _codes(stage)) > codes else None)
    return await browser.send(page, "/prove", {"code": code})


def _codes(stage: Stage) -> list[str]:
    said = "\n".join(message.text for message in stage.messages(DIRECT, DANIEL))
    return ["".join(found) for found in _CODE.findall(said)]


def _newest(
    stage: Stage, *words: str, channel: str = FINANCE, viewer: str = DANIEL, action: str | None = None
) -> Message | None:
    for message in reversed(stage.messages(channel, viewer)):
        if all(word in message.everything for word in words) and (action is None or _has(message, action)):
            return message
    return None


def _has(message: Message, action: str) -> bool:
    return any(name.split(":")[0] == action for name in message.actions)


def _of(found: list[SourceStatus], account: str) -> SourceStatus:
    return next(one for one in found if one.source.account == account)
