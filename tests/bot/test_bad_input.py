"""Wrong requests and wrong people, over real HTTP: a refusal or a clear word, never an error, never an effect."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.guard import Limits, Verifier
from bot.values import pack
from jobs.refresh.ask import Scope
from templates import actions
from tests.bot.requests import JUNK_FORMS, JUNK_JSON, click, event, payload_form
from tests.bot.stage import Stage, staged
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import SHOP

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONE = pack("card_1", Scope(everything=False, source_ids=(SHOP.id,)))


def url_of(stage: Stage) -> str:
    return f"{stage.slack.url}/response/none"


async def post(stage: Stage, body: bytes, headers: dict[str, str] | None = None) -> int | None:
    sent = stage.slack.sign(body) | FORM if headers is None else headers
    return (await stage.slack.post_raw(body, sent)).status


async def press(stage: Stage, **changes: Any) -> int | None:
    """Send a genuinely signed click, as nobody can make it by hand in Slack."""
    payload = click(actions.REFRESH_CONFIRM, ONE, response_url=url_of(stage)) | changes
    return await post(stage, payload_form(payload))


async def test_unsigned_badly_signed_oversized_and_malformed_bodies() -> None:
    async with staged(limits=Limits(most_bytes=100_000, seconds=0.3)) as stage:
        body = payload_form(click(actions.REFRESH_CONFIRM, ONE, response_url=url_of(stage)))
        assert await post(stage, body, FORM) == 401
        assert await post(stage, body, stage.slack.sign(body + b"x") | FORM) == 401
        assert await post(stage, body, stage.slack.sign(body, 1) | FORM) == 401
        assert await post(stage, b"x" * 100_001) == 413
        for junk in JUNK_FORMS:
            assert await post(stage, junk) in (400, 200)
        for junk in JUNK_JSON:
            headers = stage.slack.sign(junk) | {"Content-Type": "application/json"}
            assert await post(stage, junk, headers) == 400
        assert stage.services.refresh.started == []
        assert await press(stage) == 200
        assert len(stage.services.refresh.started) == 1


async def test_a_body_that_never_ends_is_cut() -> None:
    async with staged(limits=Limits(seconds=0.2)) as stage:
        port = int(stage.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        answer = await asyncio.wait_for(reader.read(200), 60)
        assert answer.startswith(b"HTTP/1.1 400")
        writer.close()
        await writer.wait_closed()


async def test_the_same_signed_click_has_one_effect() -> None:
    async with staged() as stage:
        body = payload_form(click(actions.REFRESH_CONFIRM, ONE, response_url=url_of(stage)))
        headers = stage.slack.sign(body) | FORM
        statuses = [await post(stage, body, headers) for _ in range(5)]
        assert statuses == [200, 401, 401, 401, 401]
        assert len(stage.services.refresh.started) == 1


class Forgetful(Verifier):
    def fresh(self, signature: bytes) -> bool:
        return True


async def test_without_the_replay_memory_the_key_of_the_card_still_holds() -> None:
    """The twin lets replays in; the effect's own key stops them, and a services twin without keys shows the difference."""
    async with staged(verifier=Forgetful) as stage:
        body = payload_form(click(actions.REFRESH_CONFIRM, ONE, response_url=url_of(stage)))
        headers = stage.slack.sign(body) | FORM
        assert [await post(stage, body, headers) for _ in range(3)] == [200, 200, 200]
        assert len(stage.services.refresh.started) == 1
        stage.services.refresh.first.clear()
        stage.services.refresh.started.clear()
        assert await post(stage, body, headers) == 200
        assert len(stage.services.refresh.started) == 1, "without its key the effect happens again: the check sees it"


async def test_two_clicks_on_one_card_are_one_request() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        both = await asyncio.gather(
            stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM),
            stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM),
        )
        assert all(answer.ok for answer in both)
        assert len(stage.services.refresh.started) == 1
        assert len(stage.services.refresh.first) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {"id": "U0OUTSIDE", "username": "ola", "name": "ola", "team_id": "T0OUTSIDE"}},
        {"user": {"id": "U0MAYA", "username": "maya", "name": "maya", "team_id": "T0OUTSIDE"}},
        {"user": {"id": "U0GUEST", "username": "gus", "name": "gus", "team_id": "T0TEMERITY"}},
        {"user": {"id": "U0GONE", "username": "olive", "name": "olive", "team_id": "T0TEMERITY"}},
        {"user": {"id": "U0PRIYA", "username": "priya", "name": "priya", "team_id": "T0TEMERITY"}},
        {
            "user": {"id": "U0SAM", "username": "sam", "name": "sam", "team_id": "T0SUPPORT"},
            "team": {"id": "T0SUPPORT"},
        },
    ],
    ids=["another workspace", "a name twice", "guest", "deactivated", "viewer", "support"],
)
async def test_people_without_the_right_start_nothing(changes: dict[str, Any]) -> None:
    async with staged() as stage:
        assert await press(stage, **changes) == 200
        assert stage.services.refresh.started == []
        assert stage.services.refresh.first == {}


async def test_a_viewer_is_told_the_role_and_who_gives_it() -> None:
    async with staged() as stage:
        await stage.slack.command("U0PRIYA", "C0FINANCE", "/data", "refresh shopify")
        (told,) = stage.slack.messages("C0FINANCE", viewer="U0PRIYA")
        assert "Daniel Kim" in told.everything
        assert told.actions == {}
        assert (await stage.slack.command("U0PRIYA", "C0FINANCE", "/data", "status")).ok


async def test_a_person_of_another_workspace_in_a_shared_channel() -> None:
    async with staged() as stage:
        await stage.slack.mention("U0OUTSIDE", "C0PARTNERS", "is shopify fresh?")
        seen = await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0OUTSIDE", "C0PARTNERS") if "no role" in t], timeout=60
        )
        assert "temeritygoods" not in "".join(seen).lower()


async def test_nothing_about_the_company_is_said_aloud() -> None:
    """Whatever is asked wherever: in channels only the asker sees the answer."""
    async with staged() as stage:
        for channel in ("C0FINANCE", "C0PARTNERS"):
            for words in ("", "status shopify", "history", "refresh all", "nonsense"):
                await stage.slack.command("U0MAYA", channel, "/data", words)
            await stage.slack.mention("U0MAYA", channel, "is shopify fresh?")
        await stage.slack.wait_for(lambda: len(stage.slack.messages("C0PARTNERS", viewer="U0MAYA")) >= 7, timeout=60)
        for channel in ("C0FINANCE", "C0PARTNERS"):
            ours = [m for m in stage.slack.messages(channel, viewer="U0MAYA") if m.user == "U0TIDINGS"]
            assert len(ours) >= 6
            assert {m.ephemeral_to for m in ours} == {"U0MAYA"}


@pytest.mark.parametrize("value", [
    pack("card_1", Scope(everything=False, source_ids=("src_other",))),
    pack("card_1", Scope(everything=False, source_ids=("src_nothing",))),
    pack("card_1", Scope(everything=False, source_ids=("src_shop", "src_other"))),
    "", "null", "[]", "{}", '{"c":"x"}', '{"c":1,"s":"all"}', '{"c":"x","s":[]}', '{"c":"x","s":[1]}', '{"c":"x","s":"src"}',
    '{"c":"","s":"all"}', "x" * 2000, '{"c":"x","c":"y","s":"all"}',
])  # fmt: skip
async def test_a_forged_source_reads_like_a_missing_one(value: str) -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        payload = click(actions.REFRESH_CONFIRM, value) | {"response_url": fresh_response_url(stage)}
        assert await post(stage, payload_form(payload)) == 200
        told = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if m.ts != card.ts], timeout=60
        )
        assert "nothing here by that name" in told[0].text
        assert stage.services.refresh.started == []


def fresh_response_url(stage: Stage) -> str:
    """Return a response_url that works, as Slack issues them."""
    core = stage.slack.core
    return f"{core.url}/response/{core.triggers.issue_response('T0TEMERITY', 'C0FINANCE', 'U0MAYA', None)}"


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest", "http://127.0.0.1:1/response/x", "https://hooks.slack.com.evil.example/x", "file:///etc/passwd",
    "https://user:pass@hooks.slack.com/x", "http://hooks.slack.com/x", "https://hooks.slack.com:8443/x", "//hooks.slack.com/x", "x",
    "http://[::1", "https://hooks.slack.com\\@evil.example/",
])  # fmt: skip
async def test_an_answer_goes_to_slack_only(url: str) -> None:
    async with staged() as stage:
        assert await press(stage, response_url=url) == 400
        assert stage.services.refresh.started == []


async def test_unknown_words_get_the_nearest_and_nothing_happens() -> None:
    async with staged() as stage:
        for words, expected in [
            ("stauts", "status"), ("refesh shopify", "refresh shopify"), ("histroy", "history"), ("hlep", "help"),
            ("status shoppfiy", "Shopify"), ("status zendesk", "no source"), ("refresh netsuite", "no source"),
            ("refresh shoplify", "Shopify"), ("xyzzy", "/data help"),
        ]:  # fmt: skip
            await stage.slack.command("U0MAYA", "C0FINANCE", "/data", words)
            shown = stage.slack.messages("C0FINANCE", viewer="U0MAYA")[-1].everything
            assert expected in shown, (words, shown)
        assert stage.services.refresh.started == []
        assert stage.slack.refused == []
        assert stage.slack.red == []


async def test_events_of_unknown_kinds_and_workspaces_are_acked_and_ignored() -> None:
    async with staged() as stage:
        for payload in (
            event({"type": "reaction_added", "user": "U0MAYA"}),
            event({"type": "app_mention", "user": "U0MAYA", "channel": "C1", "ts": "1.1", "text": "status"}, team="T0NOBODY"),
            event({"type": "message", "channel_type": "channel", "user": "U0MAYA", "channel": "C0FINANCE", "ts": "1.1", "text": "status"}),
            event({"type": "message", "channel_type": "im", "bot_id": "B0TIDINGS", "channel": "D0MAYA", "ts": "1.1", "text": "status"}),
            event({"type": "message", "channel_type": "im", "subtype": "message_changed", "channel": "D0MAYA", "ts": "1.1"}),
            {"type": "workflow_step_edit", "callback_id": "x"},
            {"type": "view_closed", "view": {}},
            {"type": "app_rate_limited", "team_id": "T0TEMERITY"},
            {},
        ):  # fmt: skip
            body = json.dumps(payload).encode()
            headers = stage.slack.sign(body) | {"Content-Type": "application/json"}
            assert await post(stage, body, headers) == 200, payload
        await asyncio.sleep(0.05)
        assert [call.method for call in stage.slack.calls if call.ok] == []


async def test_a_mention_that_arrives_twice_is_answered_once() -> None:
    async with staged() as stage:
        inner = {
            "user": "U0MAYA",
            "channel": "D0MAYA",
            "ts": "1700000000.000100",
            "text": "status",
            "user_team": "T0TEMERITY",
        }
        for number, payload in enumerate([
            event({"type": "app_mention", **inner}, "Ev1"),
            event({"type": "message", "channel_type": "im", **inner}, "Ev2"),
            event({"type": "app_mention", **inner}, "Ev1"),
        ]):  # fmt: skip
            body = json.dumps(payload).encode()
            stage.clock.advance(timedelta(seconds=number))
            headers = stage.slack.sign(body) | {"Content-Type": "application/json"}
            assert await post(stage, body, headers) == 200
        await stage.slack.wait_for(lambda: stage.slack.messages("D0MAYA", viewer="U0MAYA"), timeout=60)
        await asyncio.sleep(0.1)
        assert len(stage.slack.messages("D0MAYA", viewer="U0MAYA")) == 1


async def test_support_buttons_are_for_support_people_only() -> None:
    async with staged() as stage:
        for name in (actions.ESCALATION_ACKNOWLEDGE, actions.ESCALATION_RETRY, actions.ESCALATION_CANCEL):
            payload = click(name, "rfr_1", response_url=url_of(stage), trigger_id=f"1.{name}")
            assert await post(stage, payload_form(payload)) == 200
            assert stage.services.escalation.done == []
        sam = {
            "user": {"id": "U0SAM", "team_id": "T0SUPPORT"},
            "team": {"id": "T0SUPPORT"},
            "channel": {"id": "C0DATASUP"},
        }
        for refresh_id, done in (("rfr_2", []), ("rfr_1", [("acknowledge", "rfr_1")])):
            payload = click(actions.ESCALATION_ACKNOWLEDGE, refresh_id, response_url=url_of(stage)) | sam
            assert await post(stage, payload_form(payload)) == 200
            assert stage.services.escalation.done == done
        payload = click(actions.REFRESH_CANCEL, "rfr_1", response_url=url_of(stage)) | sam
        assert await post(stage, payload_form(payload)) == 200
        assert stage.services.refresh.cancelled == []


async def test_a_commit_that_is_late_says_press_again_and_the_press_works() -> None:
    services = TwinServices()
    services.refresh.busy = True
    async with staged(services) as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "press again" in t], timeout=60
        )
        services.refresh.busy = False
        assert services.refresh.started == []
        again = stage.slack.message("C0FINANCE", card.ts)
        assert again is not None
        await stage.slack.click("U0MAYA", again, actions.REFRESH_CONFIRM)
        await stage.slack.wait_for(lambda: services.refresh.started, timeout=60)


async def test_an_error_of_ours_has_a_reference_and_no_secret() -> None:
    services = TwinServices()
    services.refresh.broken = True
    async with staged(services) as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        told = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "err_" in m.everything],
            timeout=60,
        )
        assert "xoxb" not in told[0].everything


async def test_words_that_cannot_be_shown_have_a_reference_too() -> None:
    services = TwinServices()
    services.status.everything = [replace(SHOP, id="x" * 3000)]
    async with staged(services) as stage:
        answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status shopify")
        assert answer.ok
        assert "err_" in (await stage.said(answer))["text"]


async def test_other_addresses_do_not_exist_and_every_answer_carries_the_headers() -> None:
    async with staged() as stage, httpx.AsyncClient(base_url=stage.url) as http:
        for path, status in {
            "/healthz": 200,
            "/readyz": 200,
            "/": 404,
            "/docs": 404,
            "/slack/events/": 404,
            "/slack": 404,
        }.items():
            answer = await http.get(path, follow_redirects=False)
            assert answer.status_code == status, path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        refused = await http.post("/slack/events", content=b"x")
        assert (refused.status_code, refused.content) == (401, b"")
        assert refused.headers["x-content-type-options"] == "nosniff"
