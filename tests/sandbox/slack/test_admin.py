"""Acting and reading from another process, and the stand-ins in a thread of their own."""

import httpx
import pytest

from sandbox.slack import in_thread, temerity_goods

from .conftest import button, modal, text_input


@pytest.fixture
async def admin(slack):
    async with httpx.AsyncClient(base_url=f"{slack.url}/_sandbox") as http:
        yield http


async def found(admin, what, **query: str):
    return (await admin.get(f"/{what}", params=query)).json()["found"]


async def test_a_story_can_be_played_over_http(slack, app, client, admin):
    info = await found(admin, "info")
    assert (info["api_url"], info["people"]["U0MAYA"]["real_name"]) == (slack.api_url, "Maya Ortiz")
    answer = await admin.post(
        "/command", json={"user": "U0MAYA", "channel": "C0FINANCE", "command": "/data", "text": "status"}
    )
    assert (answer.json()["ok"], app.taken[-1].fields["text"]) == (True, "status")
    posted = await client.chat_postMessage(
        channel="C0FINANCE", text="t", blocks=[{"type": "actions", "elements": [button()]}],
        metadata={"event_type": "e", "event_payload": {"key": "k"}},
    )  # fmt: skip
    where = {"user": "U0MAYA", "channel": "C0FINANCE", "ts": posted["ts"], "action_id": "press"}
    click = (await admin.post("/click", json=where)).json()
    await client.views_open(trigger_id=click["trigger_id"], view=modal(text_input()))
    assert (await found(admin, "modal", user="U0MAYA"))["blocks"][0]["block_id"] == "b"
    assert (await admin.post("/submit", json={"user": "U0MAYA", "values": {"b": "x"}})).json()["ok"]
    assert (await admin.post("/dm", json={"user": "U0MAYA", "text": "hi"})).json()["ok"]
    journal = await found(admin, "journal")
    assert (journal[0]["kind"], journal[0]["metadata"]["event_payload"]) == ("post", {"key": "k"})
    assert [each["seq"] for each in await found(admin, "journal", since="1")] == [e.seq for e in slack.entries[1:]]
    assert (await found(admin, "messages", channel="C0FINANCE"))[0]["everything"] == "Press\nt"
    assert await found(admin, "red") == []
    assert await found(admin, "mail") == []
    assert {each["method"] for each in await found(admin, "calls")} == {"chat.postMessage", "views.open"}
    assert len(await found(admin, "deliveries")) == 4


async def test_mistakes_are_explained(admin):
    answer = await admin.post("/click", json={"user": "U0MAYA", "channel": "C0FINANCE", "ts": "1.2", "action_id": "x"})
    assert (answer.status_code, answer.json()["error"]) == (400, "LookupError: no such message or view")
    assert (await admin.post("/lie", json={"method": "x", "kind": "nope"})).status_code == 400
    assert "messages" in (await admin.get("/nothing")).json()["known"]
    assert "command" in (await admin.post("/nothing")).json()["known"]


async def test_lies_and_people_are_changed_over_http(slack, mail, admin, client):
    await admin.post("/lie", json={"method": "auth.test", "kind": "error", "error": "fatal_error"})
    await admin.post("/mail/lie", json={"kind": "tempfail"})
    await admin.post("/stop_lying", json={})
    assert (await client.auth_test())["ok"]
    await admin.post("/user", json={"user": "U0PRIYA", "is_restricted": True})
    assert slack.world.people["U0PRIYA"].is_restricted
    await admin.post("/request_url", json={"url": None})
    assert slack.request_url is None
    answer = await admin.post("/command", json={"user": "U0MAYA", "channel": "C0FINANCE", "command": "/data"})
    assert answer.json()["error"] == "no_receiver"


def test_both_stand_ins_run_in_a_thread():
    with in_thread(temerity_goods(), rates=False) as apart:
        assert httpx.get(f"{apart.slack.url}/_sandbox/info").json()["found"]["smtp_url"] == apart.mail.smtp_url
        assert apart.call(apart.slack.say("U0MAYA", "C0FINANCE", "hello")).ok
        assert [m.text for m in apart.slack.messages("C0FINANCE")] == ["hello"]
