"""The pages of consent in a real browser: from a button in Slack to the yes; screenshots go to SCREENSHOTS_DIR when set."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.backstage import Backstage
from sandbox.providers import catalogue
from sandbox.providers.serve import serve
from sandbox.world import Plan, Sandbox, open_sandbox

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 800}


@dataclass
class Product:
    """Takes callbacks as Tidings does: cleans the address by a redirect."""

    url: str = ""
    came: list[dict[str, str]] = field(default_factory=list)

    async def callback(self, request: Request) -> Response:
        self.came.append(dict(request.query_params))
        return RedirectResponse("/connect/confirm", 303)

    async def confirm(self, _: Request) -> Response:
        return HTMLResponse("<!doctype html><title>Tidings</title><h1>You are connecting</h1>")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(Plan(size=5)) as found:
        yield found


@pytest.fixture
async def product() -> AsyncIterator[Product]:
    found = Product()
    routes = [Route("/connect/{provider}/callback", found.callback), Route("/connect/confirm", found.confirm)]
    async with serve(Starlette(routes=routes)) as served:
        found.url = served.url
        yield found


@pytest.fixture
async def browser() -> AsyncIterator[BrowserContext]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        context = await chromium.new_context(viewport=WIDE)  # type: ignore[arg-type] # two literal keys
        context.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        context.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        yield context
        await chromium.close()
    # The icon that a browser asks every new address for is not there, which is nothing to complain about.
    assert [said for said in complaints if "404" not in said] == []


async def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS_DIR"):
        for end, size in (("", WIDE), ("_phone", NARROW)):
            await page.set_viewport_size(size)  # type: ignore[arg-type] # as above
            await page.screenshot(path=Path(folder) / f"{name}{end}.png", full_page=True)
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type] # as above


def consent(sandbox: Sandbox, product: Product, provider: str) -> str:
    query = {"state": "s-1", "redirect_uri": f"{product.url}/connect/{provider}/callback"}
    match provider:
        case "quickbooks":
            query |= {"client_id": "sandbox-quickbooks-client", "response_type": "code"}
            query |= {"scope": "com.intuit.quickbooks.accounting"}
            page = f"{sandbox.quickbooks_url}/connect/oauth2"
        case "shopify":
            query |= {"client_id": "sandbox-shopify-client", "scope": "read_orders,read_all_orders,read_customers"}
            page = f"{sandbox.shopify_url}/{catalogue.OUTLET_SHOP}/admin/oauth/authorize"
        case "amazon":
            query |= {"application_id": "amzn1.sp.solution.sandbox"}
            page = f"{sandbox.amazon_urls['na']}/apps/authorize/consent"
        case _:
            query |= {"client_id": "sandbox-client", "response_type": "code", "scope": "openid", "team": "T0TEMERITY"}
            page = f"{sandbox.slack.url}/openid/connect/authorize"
    return f"{page}?{urlencode(query)}"


async def test_from_a_button_in_slack_to_the_other_company(
    sandbox: Sandbox, product: Product, browser: BrowserContext
) -> None:
    link = {"type": "button", "action_id": "open_link", "text": {"type": "plain_text", "text": "Reconnect"}}
    link |= {"url": consent(sandbox, product, "quickbooks"), "style": "primary"}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "QuickBooks is disconnected."}, "accessory": link}]
    async with httpx.AsyncClient(base_url=sandbox.slack.api_url) as http:
        headers = {"Authorization": f"Bearer {sandbox.slack.app.bot_token('T0TEMERITY')}"}
        body = {"channel": "C0FINANCE", "text": "QuickBooks is disconnected.", "blocks": blocks}
        assert (await http.post("chat.postMessage", json=body, headers=headers)).json()["ok"]
    page = await browser.new_page()
    await page.goto(f"{sandbox.slack.url}/as/U0DANIEL/C0FINANCE")
    async with browser.expect_page() as opened:
        await page.get_by_role("link", name="Reconnect").click()
    tab = await opened.value
    await expect(tab.get_by_role("heading", name="Connect Tidings to QuickBooks")).to_be_visible()
    await expect(tab.get_by_text("This page stands in for")).to_be_visible()
    await shot(tab, "consent_quickbooks")
    await tab.get_by_text("Harbour & Pine LLC").click()
    await tab.get_by_role("button", name="Connect").click()
    await expect(tab.get_by_role("heading", name="You are connecting")).to_be_visible()
    assert [each["realmId"] for each in product.came] == [catalogue.HARBOUR_REALM]
    # The app was told of the press too (nobody takes it here).
    await sandbox.slack.wait_for(lambda: [each for each in sandbox.slack.deliveries if each.kind == "block_actions"])


async def test_cancel_and_enter(sandbox: Sandbox, product: Product, browser: BrowserContext) -> None:
    page = await browser.new_page()
    await page.goto(consent(sandbox, product, "shopify"))
    await shot(page, "consent_shopify")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading", name="You are connecting")).to_be_visible()
    assert product.came[-1]["error"] == "access_denied"
    await page.goto(consent(sandbox, product, "shopify"))
    await page.get_by_role("radio", name="Temerity Outlet").press("Enter")
    await expect(page.get_by_role("heading", name="You are connecting")).to_be_visible()
    assert product.came[-1]["shop"] == catalogue.OUTLET_SHOP


async def test_amazon_and_sign_in_with_slack(sandbox: Sandbox, product: Product, browser: BrowserContext) -> None:
    page = await browser.new_page()
    await page.goto(consent(sandbox, product, "amazon"))
    await shot(page, "consent_amazon")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("heading", name="You are connecting")).to_be_visible()
    assert product.came[-1]["selling_partner_id"] == "A2TEMERITYUS01"
    await page.goto(consent(sandbox, product, "slack"))
    await shot(page, "sign_in_with_slack")
    await page.get_by_text("Somebody else").click()
    await page.get_by_text("Sam Keller").click()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="You are connecting")).to_be_visible()
    assert [each.user for each in sandbox.slack.oauth.witness if each.kind == "signed_in"] == ["U0SAM"]
    query = urlencode({"client_id": "sandbox-client", "scope": "chat:write,commands", "redirect_uri": product.url})
    await page.goto(f"{sandbox.slack.url}/oauth/v2/authorize?{query}")
    await shot(page, "install_in_slack")


async def test_behind_the_scenes(sandbox: Sandbox, browser: BrowserContext) -> None:
    sandbox.credentials()
    page = await browser.new_page()
    async with serve(Backstage(sandbox).app()) as backstage:
        await page.goto(backstage.url)
        await expect(page.get_by_text("Tidings has access to Temerity Goods.")).to_have_count(2)
        await page.get_by_role("button", name="Disconnect QuickBooks at Intuit's side").click()
        await expect(page.get_by_role("status")).to_have_text("Done: the access to quickbooks was taken back.")
        await expect(page.get_by_text("Tidings has access to Temerity Goods.")).to_have_count(1)
        await shot(page, "behind_the_scenes")
