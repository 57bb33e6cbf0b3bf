"""Installing in a real browser, at a desk and on a phone; leaves screenshots in tests/screenshots."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from bot.pages.browser import Browsers
from bot.pages.install import PATH, InstallPages
from bot.web import build_web
from sandbox.slack.wire import serving
from storage.facts.secret import Secret
from storage.sessions import Database
from tests.jobs.installs.stage import HARBOUR, staged
from tests.scenarios.test_page import ARGUMENTS, HOW_TO_ALLOW, SCREENSHOTS, SOON, chromium_path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


async def _ready() -> bool:
    return True


async def test_a_workspaces_admin_installs_in_the_browser(sqlite_database: Database, tmp_path: Path) -> None:
    chromium = chromium_path()
    if chromium is None:
        pytest.skip(HOW_TO_ALLOW)
    async with staged(sqlite_database, tmp_path) as stage:
        keys = [Secret(key.get_secret_value()) for key in stage.settings.secret_keys]
        pages = InstallPages(stage.installs, Browsers(keys, secure=False, path=PATH))
        web = build_web(None, None, _ready, pages=pages.routes())
        async with serving(web) as port, async_playwright() as playwright:
            # The stage's address is invented; the browser comes back to where the pages really are.
            here = f"http://127.0.0.1:{port}"
            stage.slack.oauth.registered = frozenset({f"{here}/slack/oauth/callback"})
            object.__setattr__(stage.installs._means, "public_url", here)
            browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            page = await browser.new_page(viewport={"width": 1000, "height": 900})
            page.set_default_timeout(SOON)
            await asyncio.to_thread(SCREENSHOTS.mkdir, exist_ok=True)
            await page.goto(f"{here}/slack/install")
            await page.screenshot(path=SCREENSHOTS / "install.png", full_page=True)
            await page.get_by_role("button", name="Add to Slack").click()
            await page.get_by_text("Harbour & Pine").click()
            stage.slack.oauth.withheld = frozenset({"users:read.email"})
            await page.get_by_role("button", name="Allow").click()
            await expect(page.get_by_role("heading", name=re.compile("Tidings is in Harbour & Pine"))).to_be_visible()
            await expect(page.get_by_text("confirmations by e-mail")).to_be_visible()
            await page.screenshot(path=SCREENSHOTS / "installed.png", full_page=True)
            phone = await browser.new_page(viewport={"width": 360, "height": 740})
            await phone.goto(f"{here}/slack/install")
            wide = await phone.evaluate("document.documentElement.scrollWidth")
            await phone.screenshot(path=SCREENSHOTS / "install-phone.png", full_page=True)
            await browser.close()
        assert wide <= 360
        assert await stage.posts(HARBOUR) == HARBOUR
