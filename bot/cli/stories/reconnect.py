"""The story of connections: connect, lose, be warned, refuse the wrong company, reconnect, catch up, deny, erase."""

import contextlib
from datetime import timedelta

from bot.cli.stories.browser import StoryBrowser
from bot.cli.stories.connecting import DANIEL, DIRECT, FINANCE, agree, chosen, newest, proven
from bot.cli.stories.stage import Stage
from sandbox.providers import catalogue
from storage.facts.sources import ConnectionState, Provider
from storage.facts.status import SourceStatus
from templates import actions

PRIYA = "U0PRIYA"


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
    ready = await chosen(stage, browser, Provider.SHOPIFY)
    await stage.outside(lambda: setattr(stage.sandbox.shopify.oauth, "choice", catalogue.OUTLET_SHOP))
    asked = await browser.send(ready, "/go", {"hint": catalogue.OUTLET_SHOP})
    await agree(stage, browser, asked, catalogue.OUTLET)
    found = await stage.first_reads()
    outlet = _of(found, catalogue.OUTLET_SHOP)
    rows = outlet.last_ready.rows if outlet.last_ready else 0
    stage.told(f"a second shop is connected through the browser and read by itself: {rows} rows")


async def _loses_quickbooks(stage: Stage) -> None:
    await stage.outside(lambda: stage.sandbox.quickbooks.oauth.revoke(catalogue.REALM))
    # Its timer finds out.
    await stage.outside(lambda: stage.sandbox.pass_time(timedelta(minutes=61)))
    warned = await stage.see("the warning", lambda: newest(stage, "is disconnected", "What stops"))
    stage.expect(actions.RECONNECT in warned.actions, "the warning has no button to reconnect")
    direct = await stage.see("the same for Daniel", lambda: newest(stage, "is disconnected", channel=DIRECT))
    stage.expect(direct is not None, "nobody was told directly")
    stage.told(f"QuickBooks took the grant back; #finance and Daniel were told once: {warned.text.splitlines()[0]!r}")


async def _chooses_the_wrong_company(stage: Stage, browser: StoryBrowser) -> None:
    await stage.outside(lambda: setattr(stage.sandbox.quickbooks.oauth, "choice", catalogue.HARBOUR_REALM))
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "reconnect quickbooks"))
    refused = await browser.send(await proven(stage, browser, "reconnect"), "/go")
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
    asked = await browser.send(await proven(stage, browser, "reconnect"), "/go")
    done = await browser.send(asked, "/connect/confirm")
    stage.expect(done.status == 200 and "is connected" in done.text, f"not reconnected: {done.text}")
    await stage.see("the warning's last edit", lambda: newest(stage, "is reconnected"))

    async def caught_up() -> bool:
        now = _of(await stage.statuses(), catalogue.REALM).last_data_refresh
        return before is not None and now is not None and now > before

    await stage.until("the catch-up", caught_up)
    stage.told("reconnected through the browser; the warning says so, and the data was caught up by itself")


async def _is_denied(stage: Stage) -> None:
    await stage.act(lambda: stage.slack.command(PRIYA, FINANCE, "/data", "reconnect quickbooks"))
    denied = await stage.see("the denial", lambda: newest(stage, "You need the role admin", viewer=PRIYA))
    stage.expect("Daniel" in denied.everything, "the denial does not say who can")
    stage.told("a viewer was denied, and told who can do it")


async def _disconnects(stage: Stage) -> None:
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", f"disconnect {catalogue.OUTLET_SHOP}"))
    asked = await stage.see("what disconnecting affects", lambda: newest(stage, "Disconnect", action=_FORM))
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


def _of(found: list[SourceStatus], account: str) -> SourceStatus:
    return next(one for one in found if one.source.account == account)
