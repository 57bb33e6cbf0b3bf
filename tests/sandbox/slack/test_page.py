"""The page without a browser: what it shows to whom, its forms without script, and what it must never let through."""

import html
import re

import httpx
import pytest
from starlette.responses import Response

from .conftest import button, modal, option, plain, section, text_input, workspace

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
async def browser(slack):
    async with httpx.AsyncClient(base_url=slack.url, follow_redirects=True) as http:
        yield http


async def test_a_visitor_lands_in_the_first_channel(browser):
    page = await browser.get("/")
    assert page.url.path == "/as/U0MAYA/C0FINANCE"
    assert "nothing here leaves this machine" in page.text
    assert "/data refresh all" in page.text
    for name in ("Maya Ortiz", "Daniel Kim", "Priya Nair", "Sam Keller"):
        assert name in page.text


async def test_people_see_their_own_places_and_times(slack, client, browser):
    await client.chat_postMessage(channel="C0FINANCE", text="at <!date^1795290000^{time}|x>")
    await client.chat_postEphemeral(channel="C0FINANCE", user="U0MAYA", text="for Maya alone")
    maya = (await browser.get("/as/U0MAYA/C0FINANCE")).text
    priya = (await browser.get("/as/U0PRIYA/C0FINANCE")).text
    assert "at <time" in maya
    assert "2:40 PM" in maya
    assert "1:10 AM" in priya
    assert "for Maya alone" in maya
    assert "Only visible to you" in maya
    assert "for Maya alone" not in priya
    assert "board" not in maya
    assert "board" in (await browser.get("/as/U0DANIEL/C0FINANCE")).text
    assert (await browser.get("/as/U0MAYA/C0BOARD")).status_code == 404
    assert (await browser.get("/as/U0SAM/C0FINANCE")).status_code == 404
    assert (await browser.get("/as/U0GUEST/C0FINANCE")).status_code == 404
    assert "data-support" in (await browser.get("/as/U0SAM/first")).text


async def test_nothing_runs_but_the_page_s_own_script(slack, client, browser):
    slack.world.people["U0DANIEL"].real_name = HOSTILE
    slack.world.channels["C0FINANCE"].purpose = HOSTILE
    await slack.say("U0DANIEL", "C0FINANCE", html.escape(HOSTILE))
    await client.chat_postMessage(
        channel="C0FINANCE", text="x", blocks=[{"type": "header", "text": {"type": "plain_text", "text": HOSTILE}}]
    )
    page = await browser.get("/as/U0MAYA/C0FINANCE")
    assert "<script>alert" not in page.text
    assert page.text.count("<script") == 1
    assert re.search(r"\son[a-z]+=", page.text) is None
    assert " style=" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(mail, browser):
    import aiosmtplib

    from tests.sandbox.mail.test_sink import letter

    message = letter()
    message.get_body(("html",)).set_content(f"<p>Rich</p>{HOSTILE}<img src=https://evil.example/x>", subtype="html")
    await aiosmtplib.send(message, hostname=mail.host, port=mail.port)
    page = await browser.get("/as/U0MAYA/C0FINANCE?mail=1")
    assert 'sandbox="allow-popups" src="/mail/1/html"' in page.text
    assert "&lt;ready-1@tidings.example&gt;" in page.text
    assert HOSTILE not in page.text
    framed = await browser.get("/mail/1/html")
    assert framed.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    )
    assert "Plain words" in (await browser.get("/as/U0MAYA/C0FINANCE?mail=1&part=text")).text
    assert (await browser.get("/mail/2/html")).status_code == 404


async def test_what_is_named_in_a_command_arrives_as_slack_sends_it(app, browser):
    said = "post #finance #board @maya @olive @finance-team @ola a#b"
    await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": f"/data {said}"})
    assert app.taken[-1].fields["text"] == (
        "post <#C0FINANCE|finance> #board <@U0MAYA|maya> @olive <!subteam^S0FINTEAM|@finance-team> @ola a#b"
    )


async def test_forms_work_without_script(slack, app, client, browser):
    await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "/data refresh all"})
    assert (app.taken[-1].fields["command"], app.taken[-1].fields["text"]) == ("/data", "refresh all")
    await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "@Tidings is shopify fresh & ready?"})
    assert app.taken[-1].payload["event"]["text"] == "<@U0TIDINGS> is shopify fresh &amp; ready?"
    await browser.post("/as/U0MAYA/D0MAYA/say", data={"text": "hello"})
    assert app.taken[-1].payload["event"]["channel_type"] == "im"
    posted = await client.chat_postMessage(
        channel="C0FINANCE", text="t", blocks=[{"type": "actions", "block_id": "b", "elements": [button()]}]
    )
    form = {"channel": "C0FINANCE", "ts": posted["ts"], "action_id": "press", "block_id": "b", "value": "v"}
    page = await browser.post("/as/U0MAYA/C0FINANCE/click", data=form)
    assert page.url.path == "/as/U0MAYA/C0FINANCE"
    assert app.taken[-1].payload["actions"][0]["value"] == "v"
    await client.chat_delete(channel="C0FINANCE", ts=posted["ts"])
    assert "no longer there" in (await browser.post("/as/U0MAYA/C0FINANCE/click", data=form)).text


async def test_a_modal_is_filled_and_its_errors_are_shown(slack, app, client, browser):
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(text_input(), notify_on_close=True))
    page = await browser.post("/as/U0MAYA/C0FINANCE/submit", data={"input:b": ""})
    assert "Please complete this required field." in page.text
    await browser.post("/as/U0MAYA/C0FINANCE/submit", data={"input:b": "typed"})
    assert app.taken[-1].payload["view"]["state"]["values"]["b"]["a"]["value"] == "typed"
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(section(), notify_on_close=True))
    await browser.post("/as/U0MAYA/C0FINANCE/close")
    assert app.taken[-1].payload["type"] == "view_closed"


async def test_a_press_in_a_modal_brings_what_is_filled_in(slack, app, client, browser):
    menu = {"type": "static_select", "action_id": "turn", "options": [option("x", "X"), option("y", "Y")]}
    tells = {"type": "input", "block_id": "m", "label": plain("Menu"), "dispatch_action": True, "element": menu}
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(text_input(), tells))
    page = await browser.get("/as/U0MAYA/C0FINANCE")
    assert 'data-action="turn" data-block="m"' in page.text
    pressed = {"view": slack.modal("U0MAYA").id, "action_id": "turn", "block_id": "m", "value": "y"}
    await browser.post("/as/U0MAYA/C0FINANCE/click", data={**pressed, "input:b": "typed", "input:m": "y"})
    seen = app.taken[-1].payload
    assert seen["actions"][0]["selected_option"]["value"] == "y"
    assert seen["view"]["state"]["values"]["b"]["a"]["value"] == "typed"


async def test_the_person_is_told_when_the_app_does_not_answer():
    async with workspace(ack_seconds=0.15, retry_delays=()) as (slack, app, _):
        app.seconds = 0.4
        async with httpx.AsyncClient(base_url=slack.url, follow_redirects=True) as browser:
            page = await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "/data"})
            assert "/data failed with the error “operation_timeout”" in page.text
            app.seconds, slack.courier.ack_seconds = 0, 60
            assert (
                "operation_timeout" not in (await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "/data"})).text
            )
            assert "Try /data" in (await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "/dta"})).text


async def test_the_home_tab_tells_the_app_that_it_was_opened(slack, app, client, browser):
    assert "empty so far" in (await browser.get("/as/U0MAYA/home")).text
    await slack.wait_for(lambda: app.taken)
    assert app.taken[-1].payload["event"]["tab"] == "home"
    await client.views_publish(user_id="U0MAYA", view={"type": "home", "blocks": [section("your overview")]})
    assert "your overview" in (await browser.get("/as/U0MAYA/home", headers={"X-Live": "1"})).text
    assert len(app.taken) == 1


async def test_threads_and_red_blocks_are_shown(slack, client, browser):
    parent = await client.chat_postMessage(channel="C0FINANCE", text="parent")
    await client.chat_postMessage(channel="C0FINANCE", text="a reply", thread_ts=parent["ts"])
    assert "1 reply" in (await browser.get("/as/U0MAYA/C0FINANCE")).text
    assert "a reply" not in (await browser.get("/as/U0MAYA/C0FINANCE")).text
    thread = f"/as/U0MAYA/C0FINANCE?thread={parent['ts']}"
    assert "a reply" in (await browser.get(thread)).text
    await browser.post(f"/as/U0MAYA/C0FINANCE/say?thread={parent['ts']}", data={"text": "mine", "thread": parent["ts"]})
    assert [m.text for m in slack.replies("C0FINANCE", parent["ts"])] == ["parent", "a reply", "mine"]
    await client.chat_postMessage(channel="C0FINANCE", text="x", blocks=[{"type": "video"}])
    assert "1 block could not be drawn" in (await browser.get("/as/U0MAYA/C0FINANCE")).text


async def test_changes_are_announced_as_they_happen(slack, client):
    async with httpx.AsyncClient(base_url=slack.url) as http, http.stream("GET", "/as/U0MAYA/live") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        assert await anext(lines) == ""
        await client.chat_postMessage(channel="C0FINANCE", text="news")
        assert (await anext(lines)).startswith("data:")


async def test_a_redirecting_or_failing_app_leaves_the_page_alive(app, browser):
    app.answer = lambda _: Response(status_code=500)
    page = await browser.post("/as/U0MAYA/C0FINANCE/say", data={"text": "/data"})
    assert "http_500" in page.text
