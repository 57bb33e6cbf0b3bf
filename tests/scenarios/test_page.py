"""The demo in a real browser, as a newcomer meets it; leaves screenshots in tests/screenshots."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect, sync_playwright  # noqa: A004 - Playwright's own

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOW_TO_ALLOW = "no Chromium: install Debian's package chromium"
SOON = 240_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = chromium_path()
    if chromium is None:
        pytest.skip(HOW_TO_ALLOW)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        opened = browser.new_page(viewport={"width": 1440, "height": 1000})
        opened.set_default_timeout(SOON)
        expect.set_options(timeout=SOON)
        yield opened
        browser.close()


def chromium_path() -> str | None:
    """Return Debian's browser."""
    return shutil.which("chromium")


@contextmanager
def demo() -> Iterator[str]:
    """Start the demo as a person does, and return the address of its page."""
    with demo_addresses("--size", "20") as (workspace, _):
        yield workspace


@contextmanager
def demo_addresses(*options: str) -> Iterator[tuple[str, str]]:
    """Start the demo as a person does, and return the addresses of its page and of what is behind the scenes."""
    command = [sys.executable, "-m", "bot.cli", "demo", "--no-open", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        told = []
        try:
            for line in process.stdout:
                told.append(line)
                if found := re.search(r"scenes\s+(http://127\.0\.0\.1:\d+)", line):
                    workspace = re.search(r"workspace\s+(http://127\.0\.0\.1:\d+)", "".join(told))
                    assert workspace is not None
                    yield workspace.group(1), found.group(1)
                    break
            else:
                pytest.fail(f"the demo told no address: {''.join(told)}")
        finally:
            process.terminate()
            process.stdout.read()


def test_a_newcomer_asks_refreshes_watches_and_reads_the_mail(page: Page) -> None:
    with demo() as address:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.goto(address)
        _until_first_reads_are_done(page)
        page.screenshot(path=SCREENSHOTS / "status.png")

        _say(page, "/data refresh all")
        expect(page.get_by_text("Refresh both sources?")).to_be_visible(timeout=SOON)
        page.screenshot(path=SCREENSHOTS / "confirm.png")
        page.get_by_role("button", name="Confirm").last.click()
        page.get_by_role("button", name="Yes", exact=True).last.click(timeout=SOON)
        expect(page.get_by_text("Confirmations go to maya@temeritygoods.example")).to_be_visible(timeout=SOON)

        ready = "Temerity Goods: QuickBooks and Shopify data is ready to import"
        expect(page.get_by_role("heading", name=ready).first.or_(page.get_by_text(ready).first)).to_be_visible(
            timeout=SOON
        )
        page.get_by_text("1 reply").last.wait_for(timeout=SOON)
        page.get_by_role("button", name="Cancel refresh").wait_for(state="detached", timeout=SOON)
        page.screenshot(path=SCREENSHOTS / "refresh.png")
        assert page.locator(".red").count() == 0


def _until_first_reads_are_done(page: Page) -> None:
    """Ask again and again, as an impatient person does; until then the answer says that the first reads are running."""
    fresh = page.get_by_text("Temerity Goods: both sources are fresh").first
    for _ in range(SOON // 3000):
        _say(page, "/data")
        try:
            fresh.wait_for(timeout=3000)
        except TimeoutError:
            continue
        return
    pytest.fail("the first reads were not done in time")


def _say(page: Page, text: str) -> None:
    box = page.locator("textarea, input[name=text]").first
    box.fill(text)
    box.press("Enter")
