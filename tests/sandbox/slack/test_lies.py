"""A Slack that is ill: each fault leaves exactly the effect that it says."""

import asyncio
import time

import httpx
import pytest

from .conftest import workspace


async def post(slack, text="hello", seconds=60.0):
    """Post as a bot with a plain client; return the answer, or the class of what went wrong."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(60, read=seconds)) as http:
        headers = {"Authorization": f"Bearer {slack.app.bot_token('T0TEMERITY')}"}
        try:
            return await http.post(
                f"{slack.api_url}chat.postMessage", json={"channel": "C0FINANCE", "text": text}, headers=headers
            )
        except httpx.HTTPError as error:
            return type(error)


def texts(slack):
    return [entry.text for entry in slack.journal.posts()]


async def test_answers_that_refuse_accept_nothing(slack):
    slack.lie("chat.postMessage", "ratelimited", retry_after=7)
    slack.lie("chat.postMessage", "server_error", status=502)
    slack.lie("chat.postMessage", "error", error="channel_is_archived")
    limited, broken, archived = [await post(slack) for _ in range(3)]
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert broken.status_code == 502
    assert archived.json()["error"] == "channel_is_archived"
    assert texts(slack) == []
    assert (await post(slack)).json()["ok"]


async def test_reset_accepts_nothing_and_accept_reset_accepts(slack):
    slack.lie("chat.postMessage", "reset")
    assert await post(slack) in {httpx.ReadError, httpx.RemoteProtocolError}
    assert texts(slack) == []
    slack.lie("chat.postMessage", "accept_reset")
    assert await post(slack) in {httpx.ReadError, httpx.RemoteProtocolError}
    assert texts(slack) == ["hello"]
    assert [call.status for call in slack.calls] == [None, None]


async def test_hang_accepts_nothing_and_accept_hang_accepts(slack):
    slack.lie("chat.postMessage", "hang")
    assert await post(slack, "one", seconds=0.2) is httpx.ReadTimeout
    slack.lie("chat.postMessage", "accept_hang")
    assert await post(slack, "two", seconds=0.5) is httpx.ReadTimeout
    await slack.wait_for(lambda: texts(slack) == ["two"])


async def test_a_late_accept_shows_only_after_the_caller_gave_up(slack):
    slack.lie("chat.postMessage", "late_accept", seconds=1.5)
    assert await post(slack, seconds=0.2) is httpx.ReadTimeout
    assert texts(slack) == []
    await slack.wait_for(lambda: texts(slack) == ["hello"], timeout=60)


async def test_a_patient_caller_is_cut_before_a_late_accept(slack):
    slack.lie("chat.postMessage", "late_accept", seconds=0.3)
    assert await post(slack) in {httpx.ReadError, httpx.RemoteProtocolError}
    await slack.wait_for(lambda: texts(slack) == ["hello"], timeout=60)


async def test_latency_only_delays(slack):
    slack.lie("chat.postMessage", "latency", seconds=0.2)
    started = time.monotonic()
    assert (await post(slack)).json()["ok"]
    assert time.monotonic() - started >= 0.2


async def test_scripts_count_skip_and_narrow(slack):
    slack.lie("chat.postMessage", "server_error", after=1, times=2)
    slack.lie("*", "error", error="fatal_error", channel="C0PARTNERS", times=None)
    assert [(await post(slack)).status_code for _ in range(4)] == [200, 503, 503, 200]
    slack.stop_lying()
    assert (await post(slack)).json()["ok"]
    with pytest.raises(ValueError, match="no such lie"):
        slack.lie("chat.postMessage", "explode")


async def test_a_response_url_can_be_ill_too(slack):
    url = (await slack.command("U0MAYA", "C0FINANCE", "/data", "")).response_url
    slack.lie("response_url", "accept_reset")
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.HTTPError):
            await http.post(url, json={"text": "kept"})
        assert [m.text for m in slack.messages("C0FINANCE", "U0MAYA")] == ["kept"]
        slack.lie("response_url", "server_error")
        assert (await http.post(url, json={"text": "lost"})).status_code == 503


async def test_the_journal_shows_a_bot_that_sends_again_without_looking(slack):
    """The twin: a careless sender posts again after an unclear answer, and the witness has it twice."""
    slack.lie("chat.postMessage", "accept_reset")
    for _ in range(2):
        if not isinstance(await post(slack, "careless"), type):
            break
    assert texts(slack) == ["careless", "careless"]


async def test_nothing_that_hangs_keeps_the_stand_in_from_closing():
    started = time.monotonic()
    async with workspace() as (slack, _, _):
        slack.lie("chat.postMessage", "hang")
        slack.lie("chat.postMessage", "late_accept", seconds=300)
        hanging = [asyncio.create_task(post(slack, seconds=300)) for _ in range(2)]
        await slack.wait_for(lambda: len(slack.core.background.running) > 0)
    # Of the five minutes that they would wait.
    assert time.monotonic() - started < 200
    await asyncio.gather(*hanging)
