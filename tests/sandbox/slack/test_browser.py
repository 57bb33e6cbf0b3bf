"""The page in a real browser: typing, pressing, watching, reading mail; screenshots go to SCREENSHOTS_DIR when it is set."""

import contextlib
import html
import os
import shutil
from pathlib import Path

import aiosmtplib
import pytest
from playwright.async_api import async_playwright, expect

from tests.sandbox.mail.test_sink import letter

from .conftest import button, modal, option, plain, section, text_input

pytestmark = pytest.mark.browser
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
CONFIRM = {
    "title": plain("Refresh all?"),
    "text": plain("It takes a while."),
    "confirm": plain("Refresh"),
    "deny": plain("Not now"),
}


@contextlib.asynccontextmanager
async def browsing():
    """Open a page; any complaint of the browser (a blocked script, an error, an alert) fails the test."""
    complaints = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = await chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"alert: {dialog.message}"))
        try:
            yield page
        finally:
            await chromium.close()
    assert complaints == []


@pytest.fixture
async def page(slack):
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    async with browsing() as found:
        yield found


async def shot(page, name):
    if folder := os.environ.get("SCREENSHOTS_DIR"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


def composer(page):
    return page.locator(".middle .composer input")


async def test_what_is_typed_is_sent_and_the_page_follows_without_reload(slack, app, client, page):
    await page.goto(slack.url)
    await page.evaluate("window.same = true")
    await composer(page).fill("/data refresh shopify")
    await composer(page).press("Enter")
    await slack.wait_for(lambda: app.taken)
    assert app.taken[0].fields["text"] == "refresh shopify"
    await expect(composer(page)).to_have_value("")
    posted = await client.chat_postMessage(channel="C0FINANCE", text="first words")
    await expect(page.get_by_text("first words")).to_be_visible()
    await composer(page).fill("half a sent")
    await client.chat_update(channel="C0FINANCE", ts=posted["ts"], text="second words")
    await expect(page.get_by_text("second words")).to_be_visible()
    await expect(page.get_by_text("(edited)")).to_be_visible()
    await expect(composer(page)).to_have_value("half a sent")
    await expect(composer(page)).to_be_focused()
    await client.chat_delete(channel="C0FINANCE", ts=posted["ts"])
    await expect(page.get_by_text("second words")).to_have_count(0)
    assert await page.evaluate("window.same")
    await page.get_by_role("button", name="is shopify fresh?").click()
    await slack.wait_for(lambda: len(app.taken) == 2)
    assert app.taken[1].payload["event"]["text"] == "<@U0TIDINGS> is shopify fresh?"


async def test_buttons_menus_and_confirmations(slack, app, client, page):
    options = [option("a", "Alpha"), option("b", "Beta")]
    card = [
        section("Card", accessory={"type": "overflow", "action_id": "more", "options": options}),
        {"type": "actions", "elements": [
            button("go", "all", text=plain("Refresh all"), confirm=CONFIRM, style="primary"),
            {"type": "static_select", "action_id": "pick", "options": options, "placeholder": plain("Which source?")}]},
    ]  # fmt: skip
    await client.chat_postMessage(channel="C0FINANCE", text="card", blocks=card)
    await page.goto(slack.url)
    await page.get_by_role("button", name="Refresh all", exact=True).click()
    await expect(page.get_by_text("It takes a while.")).to_be_visible()
    await shot(page, "confirm")
    await page.get_by_role("button", name="Not now").click()
    await expect(page.get_by_text("It takes a while.")).to_be_hidden()
    assert app.taken == []
    await page.get_by_role("button", name="Refresh all", exact=True).click()
    await page.locator("dialog[open] [data-yes]").click()
    await slack.wait_for(lambda: len(app.taken) == 1)
    assert app.taken[0].payload["actions"][0]["value"] == "all"
    await page.get_by_label("More actions").click()
    await page.get_by_role("button", name="Beta").click()
    await slack.wait_for(lambda: len(app.taken) == 2)
    assert app.taken[1].payload["actions"][0]["selected_option"]["value"] == "b"
    await page.get_by_label("Which source?").select_option("a")
    await slack.wait_for(lambda: len(app.taken) == 3)
    assert app.taken[2].payload["actions"][0]["selected_option"]["value"] == "a"


async def test_a_modal_keeps_what_is_typed_shows_errors_and_submits(slack, app, client, page):
    await page.goto(slack.url)
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    mail = {
        "type": "input",
        "block_id": "m",
        "label": plain("E-mail"),
        "element": {"type": "email_text_input", "action_id": "m"},
    }
    await client.views_open(trigger_id=trigger, view=modal(text_input(), mail, notify_on_close=True))
    await expect(page.get_by_label("Label")).to_be_focused()
    await page.get_by_label("Label").fill("month-end")
    await client.chat_postMessage(channel="C0FINANCE", text="meanwhile")
    await expect(page.get_by_text("meanwhile")).to_be_attached()
    await expect(page.get_by_label("Label")).to_have_value("month-end")
    await page.get_by_role("button", name="Go").click()
    await expect(page.get_by_text("Please complete this required field.")).to_be_visible()
    await expect(page.get_by_label("Label")).to_have_value("month-end")
    await shot(page, "modal")
    await page.get_by_label("E-mail").fill("maya@temeritygoods.example")
    await page.get_by_role("button", name="Go").click()
    await expect(page.locator("dialog.modal")).to_have_count(0)
    values = app.taken[-1].payload["view"]["state"]["values"]
    assert (values["b"]["a"]["value"], values["m"]["m"]["value"]) == ("month-end", "maya@temeritygoods.example")
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(section(), notify_on_close=True))
    await expect(page.locator("dialog.modal")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog.modal")).to_have_count(0)
    assert app.taken[-1].payload["type"] == "view_closed"


async def test_mail_threads_and_other_people(slack, client, mail, page):
    parent = await client.chat_postMessage(channel="C0FINANCE", text="parent")
    await client.chat_postMessage(channel="C0FINANCE", text="in the thread", thread_ts=parent["ts"])
    await page.goto(slack.url)
    await aiosmtplib.send(letter(), hostname=mail.host, port=mail.port)
    await page.get_by_text("Données prêtes: Shopify").click()
    await expect(page.frame_locator("iframe").get_by_text("Rich words")).to_be_visible()
    await shot(page, "mail")
    await page.get_by_role("link", name="Plain text").click()
    await expect(page.locator(".letter-text")).to_contain_text("Plain words")
    await page.get_by_text("1 reply").click()
    await expect(page.locator("#thread").get_by_text("in the thread")).to_be_visible()
    await page.get_by_placeholder("Reply…").fill("thank you")
    await page.get_by_placeholder("Reply…").press("Enter")
    await expect(page.locator("#thread").get_by_text("thank you")).to_be_visible()
    assert slack.replies("C0FINANCE", parent["ts"])[-1].text == "thank you"
    await page.locator(".who summary").click()
    await page.get_by_role("link", name="Sam Keller").click()
    await expect(page.get_by_role("heading", name="data-support")).to_be_visible()
    await shot(page, "support")


async def test_hostile_words_do_nothing(slack, client, page):
    slack.world.people["U0DANIEL"].real_name = HOSTILE
    await slack.say("U0DANIEL", "C0FINANCE", html.escape(HOSTILE))
    await client.chat_postMessage(
        channel="C0FINANCE",
        text="x",
        blocks=[{"type": "header", "text": plain(HOSTILE)}, section(html.escape(HOSTILE))],
    )
    await page.goto(slack.url)
    await expect(page.locator(".messages h3")).to_have_text(HOSTILE)
    assert await page.locator(".messages img:not([src='/static/tidings.svg'])").count() == 0


async def test_a_phone_shows_it_without_sideways_scrolling(slack, client, page):
    cells = [{"type": "raw_text", "text": f"column {n}"} for n in range(8)]
    await client.chat_postMessage(channel="C0FINANCE", text="x", blocks=[{"type": "table", "rows": [cells, cells]}])
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(slack.url)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await expect(composer(page)).to_be_visible()
    await shot(page, "phone")
    await page.locator(".to-mail").click()
    await expect(page.get_by_text("No mail yet.")).to_be_visible()


async def test_complaints_of_the_browser_fail_a_test(slack):
    """The twin: a page on which an inline script was tried is not accepted."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with pytest.raises(AssertionError):
        await try_an_inline_script(slack.url)


async def try_an_inline_script(url):
    async with browsing() as page:
        await page.goto(url)
        await page.evaluate("document.body.appendChild(Object.assign(document.createElement('script'), {text: '1'}))")
