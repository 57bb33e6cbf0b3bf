"""Connections in a real browser, as an admin of the demo meets them; leaves screenshots in tests/screenshots."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from templates.notices import try_again
from tests.scenarios.test_page import ARGUMENTS, HOW_TO_ALLOW, SCREENSHOTS, SOON, chromium_path, demo_addresses

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def context() -> Iterator[BrowserContext]:
    chromium = chromium_path()
    if chromium is None:
        pytest.skip(HOW_TO_ALLOW)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        opened = browser.new_context(viewport={"width": 1440, "height": 1000})
        opened.set_default_timeout(SOON)
        expect.set_options(timeout=SOON)
        yield opened
        browser.close()


def test_an_admin_connects_loses_and_reconnects_in_the_browser(context: BrowserContext) -> None:
    with demo_addresses() as (workspace, backstage):
        SCREENSHOTS.mkdir(exist_ok=True)
        slack = context.new_page()
        slack.goto(f"{workspace}/as/U0DANIEL/C0FINANCE")

        _say(slack, "/data connect")
        expect(slack.get_by_text("New connection")).to_be_visible()
        slack.screenshot(path=SCREENSHOTS / "catalogue.png")
        page = _proven(context, slack, workspace, slack.get_by_role("button", name="Connect Shopify").last.click)
        page.get_by_label("Shop").fill("temerityoutlet")
        page.screenshot(path=SCREENSHOTS / "connect-shop.png")
        page.get_by_role("button", name="Continue to Shopify").click()
        # A picture of a page that is just being left for another server's may never be done.
        expect(page.get_by_role("button", name="Install app")).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "consent.png")
        page.get_by_role("button", name="Install app").click()
        expect(page.get_by_role("heading", name=re.compile("You are connecting Temerity Outlet"))).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "connect-confirm.png")
        page.get_by_role("button", name="Connect Temerity Outlet").click()
        expect(page.get_by_role("heading", name="Temerity Outlet is connected")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\d\d:\d\d [A-Z]{2,4}"))).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "connect-done.png")
        page.close()

        _behind(backstage, {"act": "revoke", "provider": "quickbooks"})
        lost = slack.get_by_text("QuickBooks · Temerity Goods is disconnected").first
        _behind(backstage, {"act": "pass", "minutes": 61})
        expect(lost).to_be_visible()
        slack.screenshot(path=SCREENSHOTS / "disconnected.png")

        page = _proven(context, slack, workspace, slack.get_by_role("button", name="Reconnect QuickBooks").last.click)
        page.get_by_role("button", name="Continue to QuickBooks").click()
        page.get_by_text("Harbour & Pine LLC").click()
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("heading", name=re.compile("You chose Harbour & Pine LLC"))).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "wrong-company.png")
        page.get_by_role("button", name=re.compile("^Keep")).click()
        expect(page.get_by_role("heading", name="Nothing was connected")).to_be_visible()
        page.close()

        page = _proven(context, slack, workspace, partial(_say, slack, "/data reconnect quickbooks"))
        page.get_by_role("button", name="Continue to QuickBooks").click()
        page.get_by_text("Temerity Goods", exact=True).first.click()
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("button", name=re.compile("^Connect Temerity Goods")).click()
        expect(page.get_by_role("heading", name=re.compile("is connected"))).to_be_visible()
        page.close()
        expect(slack.get_by_text("is reconnected").first).to_be_visible()
        slack.screenshot(path=SCREENSHOTS / "reconnected.png")

        _say(slack, "/data disconnect temerityoutlet.myshopify.com")
        expect(slack.get_by_role("heading", name=re.compile("^Disconnect Shopify"))).to_be_visible()
        slack.screenshot(path=SCREENSHOTS / "disconnect.png")
        slack.get_by_role("button", name=re.compile("^Disconnect")).last.click()
        form = slack.locator("dialog.modal")
        form.get_by_text("Keep the data as it is").click()
        form.get_by_role("textbox").fill("temerityoutlet.myshopify.com")
        slack.screenshot(path=SCREENSHOTS / "disconnect-form.png")
        form.get_by_role("button", name="Disconnect").click()
        expect(form.get_by_text("Temerity Outlet is disconnected.")).to_be_visible()
        slack.screenshot(path=SCREENSHOTS / "disconnected-on-purpose.png")
        form.get_by_role("button", name="Close").last.click()
        slack.goto(f"{workspace}/as/U0DANIEL/D0DANIEL")
        expect(slack.get_by_text(re.compile("disconnected Shopify · Temerity Outlet")).first).to_be_visible()


def _say(slack: Page, words: str) -> None:
    box = slack.locator("textarea, input[name=text]").first
    box.fill(words)
    box.press("Enter")


def _proven(context: BrowserContext, slack: Page, workspace: str, ask: Callable[[], None]) -> Page:
    """Ask for a link, press it when it is there, have the code sent, read it in the direct message, and type it."""
    links = slack.get_by_role("link", name="Open the connect page")
    again = slack.get_by_text(try_again().summary)
    before = {one.get_attribute("href") for one in links.all()}
    told = again.count()
    ask()
    for _ in range(120):
        if links.count() and links.last.get_attribute("href") not in before:
            break
        if again.count() > told:
            # A busy machine says so, and a person presses again.
            told = again.count()
            ask()
        slack.wait_for_timeout(500)
    with context.expect_page() as opened:
        links.last.click()
    page = opened.value
    codes = _codes(context, workspace)
    page.get_by_role("button", name="Send me a code in Slack").click()
    expect(page.get_by_label("Code")).to_be_visible()
    for _ in range(60):
        found = _codes(context, workspace)
        if len(found) > len(codes):
            page.get_by_label("Code").fill(found[-1])
            page.get_by_role("button", name="Go on").click()
            return page
        page.wait_for_timeout(500)
    pytest.fail("no code came")


def _codes(context: BrowserContext, workspace: str) -> list[str]:
    direct = context.new_page()
    direct.goto(f"{workspace}/as/U0DANIEL/D0DANIEL")
    found = re.findall(r"Your code to connect \w+: *(\d{4} \d{4})", direct.inner_text("body"))
    direct.close()
    return [str(code) for code in found]


def _behind(backstage: str, act: dict[str, object]) -> None:
    import json

    request = urllib.request.Request(
        f"{backstage}/act", data=json.dumps(act).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
