"""Commands, clicks, views and events: signed, cut off after three seconds, events brought again."""

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.slack.wire import serving

from .conftest import button, modal, says, section, text_input, workspace


def actions(*elements: Any):
    return {"type": "actions", "elements": list(elements)}


async def posted(client, slack, *elements: Any, channel="C0FINANCE"):
    answer = await client.chat_postMessage(channel=channel, text="t", blocks=[actions(*elements)])
    return slack.message(channel, answer["ts"])


async def test_every_delivery_is_signed_over_its_raw_body(slack, app):
    assert (await slack.command("U0MAYA", "C0FINANCE", "/data", "status")).ok
    assert (await slack.mention("U0MAYA", "C0FINANCE", "is shopify fresh?")).ok
    for taken in app.taken:
        verifier = SignatureVerifier(slack.app.signing_secret.reveal())
        stamp, signature = taken.headers["x-slack-request-timestamp"], taken.headers["x-slack-signature"]
        assert verifier.is_valid(taken.body, stamp, signature)
        assert not verifier.is_valid(taken.body + b" ", stamp, signature)
        expected = hmac.new(b"sandbox-signing-secret", f"v0:{stamp}:".encode() + taken.body, sha256).hexdigest()
        assert signature == f"v0={expected}"
    assert app.taken[0].fields["text"] == "status"
    assert app.taken[1].payload["event"]["text"] == "<@U0TIDINGS> is shopify fresh?"


async def test_a_real_bolt_app_takes_what_is_delivered(slack):
    heard = []
    bolt = AsyncApp(
        token=slack.app.bot_token("T0TEMERITY"), signing_secret="sandbox-signing-secret", process_before_response=True
    )
    bolt.client.base_url = slack.api_url

    @bolt.command("/data")
    async def command(ack, client, body):
        await ack({"response_type": "ephemeral", "text": "checking"})
        await client.views_open(trigger_id=body["trigger_id"], view=modal(text_input(), callback_id="form"))

    @bolt.view("form")
    async def submitted(ack, view):
        heard.append(view["state"]["values"]["b"]["a"]["value"])
        await ack()

    @bolt.event("app_mention")
    async def mentioned(event, say):
        await say(text=f"you said {event['text']}", thread_ts=event["ts"])

    async def endpoint(request):
        return await AsyncSlackRequestHandler(bolt).handle(request)

    async with serving(Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])) as port:
        slack.request_url = f"http://127.0.0.1:{port}/slack/events"
        assert (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).ok
        assert slack.messages("C0FINANCE", "U0MAYA")[-1].text == "checking"
        assert (await slack.submit_view("U0MAYA", {"b": "typed"})).ok
        assert heard == ["typed"]
        assert slack.modal("U0MAYA") is None
        assert (await slack.mention("U0MAYA", "C0FINANCE", "hello")).ok
        reply = slack.messages("C0FINANCE")[-1]
        assert reply.is_reply
        assert (await slack.post_raw(b"payload={}", {"X-Slack-Signature": "v0=00"})).status == 401


async def test_an_answer_after_the_cut_off_is_a_timeout_for_the_person():
    async with workspace(ack_seconds=0.2, retry_delays=()) as (slack, app, _):
        app.seconds = 0.6
        answer = await slack.command("U0MAYA", "C0FINANCE", "/data", "status")
        assert (answer.ok, answer.error) == (False, "operation_timeout")
        assert len(slack.deliveries) == 1
        app.seconds, slack.courier.ack_seconds = 0, 60
        assert (await slack.command("U0MAYA", "C0FINANCE", "/data", "status")).ok


async def test_events_come_again_with_number_and_reason(slack, app):
    app.answer = lambda _: Response(status_code=500)
    assert (await slack.mention("U0MAYA", "C0FINANCE", "x")).error == "http_500"
    await slack.quiet()
    numbers = [taken.headers.get("x-slack-retry-num") for taken in app.taken]
    assert numbers == [None, "1", "2", "3"]
    assert {taken.headers.get("x-slack-retry-reason") for taken in app.taken[1:]} == {"http_error"}
    assert len({taken.payload["event_id"] for taken in app.taken}) == 1
    assert [delivery.retry_num for delivery in slack.deliveries] == [0, 1, 2, 3]


async def test_a_late_app_gets_the_event_twice_and_commands_are_not_repeated():
    async with workspace(ack_seconds=0.15, retry_delays=(0.0,)) as (slack, app, _):
        app.seconds = 0.4
        await slack.dm("U0MAYA", "is shopify fresh?")
        await slack.quiet()
        await slack.command("U0MAYA", "C0FINANCE", "/data", "")
        await slack.quiet()
        tried = [(one.retry_num, one.error) for one in slack.deliveries]
        assert tried == [(0, "operation_timeout"), (1, "operation_timeout"), (0, "operation_timeout")]
        # Where the machine is busy the app may have heard of none of them by then.
        again = [taken.headers for taken in app.taken if "x-slack-retry-num" in taken.headers]
        assert {headers["x-slack-retry-reason"] for headers in again} <= {"http_timeout"}


async def test_an_app_can_decline_redelivery(slack, app):
    app.answer = lambda _: Response(status_code=503, headers={"X-Slack-No-Retry": "1"})
    await slack.mention("U0MAYA", "C0FINANCE", "x")
    await slack.quiet()
    assert len(app.taken) == 1


async def test_a_dead_app_is_a_failed_connection(slack):
    slack.request_url = "http://127.0.0.1:9/none"
    assert (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).error == "connection_failed"


async def test_what_a_command_answers_is_shown(slack, app):
    app.answer = says("plain words")
    await slack.command("U0MAYA", "C0GENERAL", "/data", "")
    [shown] = slack.messages("C0GENERAL", "U0MAYA")
    assert (shown.text, shown.ephemeral_to, shown.via) == ("plain words", "U0MAYA", "ack")
    assert slack.messages("C0GENERAL", "U0DANIEL") == []
    app.answer = lambda _: JSONResponse({"response_type": "in_channel", "text": "for all", "blocks": [section()]})
    await slack.command("U0MAYA", "C0GENERAL", "/data", "")
    assert slack.messages("C0GENERAL", "U0DANIEL")[-1].text == "for all"
    app.answer = lambda _: JSONResponse({"text": "x", "blocks": [{"type": "nope"}]})
    await slack.command("U0MAYA", "C0GENERAL", "/data", "")
    assert slack.refused[-1].method == "command ack"


async def test_a_click_carries_element_message_and_person(slack, app, client):
    message = await posted(client, slack, button("go", "one"), button("stop", "two"))
    answer = await slack.click("U0OUTSIDE", await posted(client, slack, button(), channel="C0PARTNERS"), "press")
    assert answer.ok
    assert app.taken[-1].payload["user"]["team_id"] == "T0OUTSIDE"
    assert app.taken[-1].payload["team"]["id"] == "T0TEMERITY"
    await slack.click("U0MAYA", message, "stop")
    payload = app.taken[-1].payload
    assert (payload["actions"][0]["action_id"], payload["actions"][0]["value"]) == ("stop", "two")
    assert payload["message"]["ts"] == message.ts
    assert json.loads(app.taken[-1].fields["payload"]) == payload
    with pytest.raises(LookupError, match="no element 'none'"):
        await slack.click("U0MAYA", message, "none")


async def test_menus_send_the_chosen_option(slack, app, client):
    options = [{"text": {"type": "plain_text", "text": each}, "value": each} for each in ("a", "b")]
    message = await posted(
        client,
        slack,
        {"type": "static_select", "action_id": "s", "options": options},
        {"type": "overflow", "action_id": "o", "options": options},
        {"type": "checkboxes", "action_id": "c", "options": options},
    )
    await slack.click("U0MAYA", message, "s", "b")
    assert app.taken[-1].payload["actions"][0]["selected_option"] == options[1]
    await slack.click("U0MAYA", message, "o", "a")
    assert app.taken[-1].payload["actions"][0]["selected_option"]["value"] == "a"
    await slack.click("U0MAYA", message, "c", "a")
    assert app.taken[-1].payload["actions"][0]["selected_options"] == [options[0]]
    with pytest.raises(LookupError, match="'z' is not offered"):
        await slack.click("U0MAYA", message, "s", "z")


async def test_people_use_only_what_they_see(slack, client):
    message = await posted(client, slack, button())
    with pytest.raises(ValueError, match="cannot open finance"):
        await slack.click("U0SAM", message, "press")
    with pytest.raises(ValueError, match="cannot open"):
        await slack.command("U0GONE", "C0FINANCE", "/data", "")
    only = await client.chat_postEphemeral(channel="C0FINANCE", user="U0MAYA", text="x", blocks=[actions(button())])
    hidden = slack.message("C0FINANCE", only["message_ts"])
    with pytest.raises(ValueError, match="does not see"):
        await slack.click("U0DANIEL", hidden, "press")


async def test_events_of_people_and_channels(slack, app, client):
    await slack.open_home("U0MAYA")
    await slack.join("U0PRIYA", "C0GENERAL")
    await slack.leave("U0PRIYA", "C0GENERAL")
    await slack.change_user("U0PRIYA", is_restricted=True, email="new@temeritygoods.example")
    await slack.dm("U0MAYA", "hello")
    kinds = [taken.payload["event"]["type"] for taken in app.taken]
    assert kinds == ["app_home_opened", "member_joined_channel", "member_left_channel", "user_change", "message"]
    assert app.taken[3].payload["event"]["user"]["profile"]["email"] == "new@temeritygoods.example"
    assert app.taken[4].payload["event"]["channel_type"] == "im"
    await client.chat_postMessage(channel="D0MAYA", text="from the bot")
    await slack.wait_for(lambda: len(app.taken) == 6)
    assert app.taken[5].payload["event"]["bot_id"] == "B0TIDINGS"
    await slack.say("U0MAYA", "C0FINANCE", "no mention, no event")
    assert len(app.taken) == 6


async def test_a_trigger_works_once_for_three_seconds(slack, client):
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(section()))
    assert await opening(client, trigger) == "exchanged_trigger_id"
    old = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).trigger_id
    slack.core.clock.advance(timedelta(seconds=3.5))
    assert await opening(client, old) == "expired_trigger_id"
    assert await opening(client, "1.2.invented") == "invalid_trigger_id"


async def opening(client, trigger):
    async with httpx.AsyncClient() as http:
        body = {"trigger_id": trigger, "view": modal(section())}
        answer = await http.post(
            f"{client.base_url}views.open", json=body, headers={"Authorization": f"Bearer {client.token}"}
        )
    return answer.json().get("error")


async def test_a_response_url_works_five_times_for_half_an_hour(slack, client):
    url = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).response_url
    async with httpx.AsyncClient() as http:
        statuses = [(await http.post(url, json={"text": str(n)})).status_code for n in range(6)]
        late = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).response_url
        slack.core.clock.advance(timedelta(minutes=31))
        expired = await http.post(late, json={"text": "late"})
    assert statuses == [200] * 5 + [404]
    assert expired.json()["error"] == "expired_url"
    assert [m.text for m in slack.messages("C0FINANCE", "U0MAYA")] == list("01234")
    assert slack.messages("C0FINANCE", "U0DANIEL") == []


async def test_a_response_url_replaces_and_deletes_the_message_of_the_click(slack, client):
    message = await posted(client, slack, button())
    url = (await slack.click("U0MAYA", message, "press")).response_url
    async with httpx.AsyncClient() as http:
        await http.post(url, json={"replace_original": True, "text": "replaced", "blocks": [section("new")]})
        assert slack.message("C0FINANCE", message.ts).text == "replaced"
        assert (await http.post(url, json={"text": "no", "blocks": [{"type": "nope"}]})).status_code == 400
        assert (await http.post(url, json={"text": "x", "surprise": 1})).json()["error"] == "invalid_arguments"
        await http.post(url, json={"delete_original": True})
    assert slack.message("C0FINANCE", message.ts) is None
    assert [entry.kind for entry in slack.entries] == ["post", "update", "delete"]


async def test_an_ephemeral_message_is_replaced_in_its_place(slack, client):
    only = await client.chat_postEphemeral(channel="C0FINANCE", user="U0MAYA", text="card", blocks=[actions(button())])
    card = slack.message("C0FINANCE", only["message_ts"])
    url = (await slack.click("U0MAYA", card, "press")).response_url
    async with httpx.AsyncClient() as http:
        await http.post(url, json={"replace_original": True, "text": "started"})
    assert [m.text for m in slack.messages("C0FINANCE", "U0MAYA")] == ["started"]
