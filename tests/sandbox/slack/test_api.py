"""The Web API through Slack's own client."""

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.journal import Entry
from sandbox.slack.rates import Rates
from storage.facts.secret import Secret

from .conftest import button, section, workspace

METADATA = {"event_type": "tidings_delivery", "event_payload": {"key": "dlv_1"}}


async def refused(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def test_a_post_is_journaled_shown_and_readable_with_its_metadata(slack, client):
    posted = await client.chat_postMessage(
        channel="C0FINANCE", text="ready", blocks=[section("*ready*")], metadata=METADATA, unfurl_links=False
    )
    [entry] = slack.journal.posts(key="dlv_1")
    assert isinstance(entry, Entry)
    assert (entry.ts, entry.channel, entry.text, entry.version) == (posted["ts"], "C0FINANCE", "ready", 0)
    read = await client.conversations_history(channel="C0FINANCE", include_all_metadata=True, limit=15)
    assert read["messages"][0]["metadata"] == METADATA
    assert "metadata" not in (await client.conversations_history(channel="C0FINANCE"))["messages"][0]
    assert [m.everything for m in slack.messages("C0FINANCE", "U0MAYA")] == ["*ready*\nready"]


async def test_an_edit_keeps_what_is_not_named_and_counts_versions(slack, client):
    posted = await client.chat_postMessage(channel="C0FINANCE", text="a", blocks=[section("a")], metadata=METADATA)
    await client.chat_update(channel="C0FINANCE", ts=posted["ts"], text="b")
    await client.chat_update(channel="C0FINANCE", ts=posted["ts"], text="c", blocks=[section("c")])
    message = slack.message("C0FINANCE", posted["ts"])
    assert (message.text, message.everything, message.metadata) == ("c", "c\nc", METADATA)
    assert [old.text for old in message.versions] == ["a", "b"]
    assert [(e.kind, e.version) for e in slack.entries] == [("post", 0), ("update", 1), ("update", 2)]
    assert message.versions[1].everything == "a\nb"


async def test_threads_and_history_are_read_as_slack_shows_them(slack, client):
    parent = await client.chat_postMessage(channel="C0FINANCE", text="parent")
    for number in range(3):
        await client.chat_postMessage(channel="C0FINANCE", text=f"reply {number}", thread_ts=parent["ts"])
    await client.chat_postMessage(channel="C0FINANCE", text="next")
    replies = await client.conversations_replies(channel="C0FINANCE", ts=parent["ts"], limit=2)
    assert [m["text"] for m in replies["messages"]] == ["parent", "reply 0"]
    more = await client.conversations_replies(
        channel="C0FINANCE", ts=parent["ts"], cursor=replies["response_metadata"]["next_cursor"], limit=10
    )
    assert [m["text"] for m in more["messages"]] == ["reply 1", "reply 2"]
    history = await client.conversations_history(channel="C0FINANCE")
    assert [m["text"] for m in history["messages"]] == ["next", "parent"]
    since = await client.conversations_history(channel="C0FINANCE", oldest=parent["ts"], inclusive=False)
    assert [m["text"] for m in since["messages"]] == ["next"]


async def test_an_ephemeral_message_is_seen_by_one_person_and_not_in_history(slack, client):
    await client.chat_postEphemeral(channel="C0FINANCE", user="U0MAYA", text="only you")
    assert [m.text for m in slack.messages("C0FINANCE", "U0MAYA")] == ["only you"]
    assert slack.messages("C0FINANCE", "U0DANIEL") == []
    assert (await client.conversations_history(channel="C0FINANCE"))["messages"] == []
    answer = await refused(client.chat_postEphemeral(channel="C0FINANCE", user="U0SAM", text="x"))
    assert answer["error"] == "user_not_in_channel"


@pytest.mark.parametrize(
    "channel,error", [("C0GENERAL", "not_in_channel"), ("C0BOARD", "channel_not_found"), ("C0NONE", "channel_not_found"), ("C0DATASUP", "channel_not_found")],
)  # fmt: skip
async def test_the_bot_posts_only_where_it_is(slack, client, channel, error):
    assert (await refused(client.chat_postMessage(channel=channel, text="x")))["error"] == error
    assert slack.entries == []
    assert [r.error for r in slack.refused] == [error]


async def test_only_own_messages_can_be_edited(slack, client):
    await slack.say("U0MAYA", "C0FINANCE", "mine")
    [message] = slack.messages("C0FINANCE")
    answer = await refused(client.chat_update(channel="C0FINANCE", ts=message.ts, text="x"))
    assert answer["error"] == "cant_update_message"
    assert (await refused(client.chat_update(channel="C0FINANCE", ts="1.2", text="x")))["error"] == "message_not_found"
    posted = await client.chat_postMessage(channel="C0FINANCE", text="bot's")
    await client.chat_delete(channel="C0FINANCE", ts=posted["ts"])
    assert [m.text for m in slack.messages("C0FINANCE")] == ["mine"]


async def test_tokens_and_scopes_are_checked(slack, client):
    nobody = AsyncWebClient(base_url=slack.api_url)
    assert (await refused(nobody.auth_test()))["error"] == "not_authed"
    assert (await refused(client.auth_test(token="xoxb-other")))["error"] == "invalid_auth"
    installed = slack.app.installations["T0TEMERITY"]
    installed.scopes = installed.scopes - {"im:write"}
    answer = await refused(client.conversations_open(users="U0MAYA"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "im:write")
    assert "chat:write" in answer["provided"]
    installed.scopes = installed.scopes - {"channels:history"}
    answer = await refused(client.conversations_history(channel="C0FINANCE"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:history")
    assert (await client.conversations_history(channel="D0MAYA"))["ok"]
    installed.revoked = True
    assert (await refused(client.auth_test()))["error"] == "token_revoked"


async def test_people_are_described_as_the_scopes_allow(slack, client):
    maya = (await client.users_info(user="U0MAYA"))["user"]
    assert (maya["profile"]["email"], maya["tz"], maya["is_restricted"]) == (
        "maya@temeritygoods.example", "America/New_York", False)  # fmt: skip
    assert "email" not in (await client.users_info(user="U0NOMAIL"))["user"]["profile"]
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"]
    assert (await client.users_info(user="U0GONE"))["user"]["deleted"]
    stranger = (await client.users_info(user="U0OUTSIDE"))["user"]
    assert stranger["is_stranger"]
    assert "email" not in stranger["profile"]
    assert (await refused(client.users_info(user="U0SAM")))["error"] == "user_not_found"
    assert {m["id"] for m in (await client.users_list())["members"]} >= {"U0MAYA", "U0TIDINGS"}
    installed = slack.app.installations["T0TEMERITY"]
    installed.scopes = installed.scopes - {"users:read.email"}
    assert "email" not in (await client.users_info(user="U0MAYA"))["user"]["profile"]


async def test_channels_say_who_shares_them(client):
    assert (await client.conversations_info(channel="C0PARTNERS"))["channel"]["is_ext_shared"]
    assert not (await client.conversations_info(channel="C0GENERAL"))["channel"]["is_member"]
    assert (await client.conversations_open(users="U0MAYA"))["channel"]["id"] == "D0MAYA"
    assert "U0MAYA" in (await client.conversations_members(channel="C0FINANCE"))["members"]


async def test_form_bodies_work_as_json_bodies(slack):
    form = {"channel": "C0FINANCE", "text": "form", "blocks": '[{"type":"divider"}]', "unfurl_links": "0"}
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {slack.app.bot_token('T0TEMERITY')}"}
        answer = await http.post(f"{slack.api_url}chat.postMessage", data=form, headers=headers)
        broken = await http.post(f"{slack.api_url}chat.postMessage", data={**form, "blocks": "[{"}, headers=headers)
    assert answer.json()["ok"]
    assert broken.json() == {"ok": False, "error": "invalid_json"}


async def test_unknown_arguments_metadata_and_threads_are_refused(client):
    answer = await refused(client.chat_postMessage(channel="C0FINANCE", text="x", colour="red"))
    assert answer["error"] == "invalid_arguments"
    answer = await refused(client.chat_postMessage(channel="C0FINANCE", text="x", metadata={"event_type": "a"}))
    assert answer["error"] == "invalid_metadata_format"
    answer = await refused(client.chat_postMessage(channel="C0FINANCE", text="x", thread_ts="1.2"))
    assert answer["error"] == "thread_not_found"


async def test_blocks_can_be_validated_without_a_post(slack, client):
    assert (await client.api_call("blocks.validate", json={"blocks": [section()]}))["ok"]
    answer = await refused(client.api_call("blocks.validate", json={"blocks": [{"type": "nope"}]}))
    assert answer["response_metadata"]["messages"] == ["[ERROR] unsupported type: nope [json-pointer:/blocks/0/type]"]
    assert slack.entries == []


async def test_rates_answer_429_with_the_seconds_to_wait():
    async with workspace(rates=True) as (slack, _, _):
        slack.core.rates = Rates(now=lambda: 0.0)  # no time passes, however slow the machine is
        client = AsyncWebClient(token=slack.app.bot_token("T0TEMERITY"), base_url=slack.api_url)
        with pytest.raises(SlackApiError) as caught:  # noqa: PT012 - the burst is the point
            for number in range(7):
                await client.chat_postMessage(channel="C0FINANCE", text=str(number))
        assert caught.value.response.status_code == 429
        assert int(caught.value.response.headers["Retry-After"]) >= 1
        assert len(slack.entries) == 5
        await client.chat_postMessage(channel="C0PARTNERS", text="another channel is free")
    async with workspace(rates=False) as (slack, _, _):
        client = AsyncWebClient(token=slack.app.bot_token("T0TEMERITY"), base_url=slack.api_url)
        for number in range(7):
            await client.chat_postMessage(channel="C0FINANCE", text=str(number))


async def test_what_the_page_cannot_draw_is_counted(slack, client):
    await client.chat_postMessage(channel="C0FINANCE", text="x", blocks=[section("fine")])
    assert slack.red == []
    await client.chat_postMessage(channel="C0FINANCE", text="x", blocks=[{"type": "video", "anything": 1}])
    [red] = slack.red
    assert "cannot draw video" in red


async def test_mass_pings_are_noted(slack, client):
    await client.chat_postMessage(channel="C0FINANCE", text="<!channel> look", blocks=[section("by <!here>")])
    assert slack.entries[-1].pings == ("channel", "here")


async def test_a_code_is_exchanged_once(slack):
    given = {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-client-secret",
        "code": slack.grant_code("T0SUPPORT"),
    }
    url = f"{slack.api_url}oauth.v2.access"
    async with httpx.AsyncClient() as http:
        wrong = (await http.post(url, data={**given, "client_secret": "no"})).json()
        answer = (
            await http.post(url, data={"code": given["code"]}, auth=("sandbox-client", "sandbox-client-secret"))
        ).json()
        again = (await http.post(url, data=given)).json()
    assert wrong["error"] == "bad_client_secret"
    assert (answer["access_token"], answer["team"]["id"]) == ("xoxb-sandbox-support", "T0SUPPORT")
    assert again["error"] == "invalid_code"


async def test_unknown_methods_and_buttons_of_other_teams(slack, client):
    assert (await refused(client.api_call("chat.invent")))["error"] == "unknown_method"
    support = AsyncWebClient(token=slack.app.bot_token("T0SUPPORT"), base_url=slack.api_url)
    blocks = [{"type": "actions", "elements": [button()]}]
    assert (await refused(support.chat_postMessage(channel="C0FINANCE", text="x", blocks=blocks)))["error"] == (
        "channel_not_found"
    )
    assert isinstance(slack.app.signing_secret, Secret)
