"""The stand-in's own tables against the collected lists, and its payloads against the collected ones."""

import json

import pytest

from sandbox.slack import payloads
from sandbox.slack.courier import signature
from sandbox.slack.limits import LIMITS, STRICTER, SURFACES

from .conftest import button, modal, section, text_input

pytestmark = pytest.mark.contracts


def test_every_limit_is_the_collected_one_or_smaller_on_purpose(contracts):
    collected = json.loads((contracts / "limits/block_kit_limits.json").read_text())
    assert set(LIMITS) <= set(collected)
    assert {name for name in LIMITS if LIMITS[name] != collected[name]} == STRICTER
    assert all(LIMITS[name] < collected[name] for name in STRICTER)


def test_the_comparison_notices_a_wrong_limit(contracts):
    collected = json.loads((contracts / "limits/block_kit_limits.json").read_text())
    broken = {**LIMITS, "header.text.max_length": 3000}
    assert {name for name in broken if broken[name] != collected[name]} != STRICTER


def test_surfaces_are_the_collected_ones(contracts):
    collected = json.loads((contracts / "limits/block_types_by_surface.json").read_text())
    assert {name: set(types) for name, types in SURFACES.items()} == {n: set(t) for n, t in collected.items()}


def test_signature_is_the_collected_one(contracts):
    vector = json.loads((contracts / "samples_synthetic/signature_vectors.json").read_text())
    made = signature(vector["signing_secret"], vector["raw_body"].encode(), int(vector["timestamp"]))
    assert made == vector["X-Slack-Signature"]
    assert signature("another", vector["raw_body"].encode(), int(vector["timestamp"])) != vector["X-Slack-Signature"]


def keys(value):
    return {key: keys(item) for key, item in value.items()} if isinstance(value, dict) else None


def lacks(collected, ours, path=""):
    """Yield each key of the collected payload that ours does not have; enterprise names are the customer's plan."""
    for key, inner in (collected or {}).items():
        if key.startswith("enterprise") or key in {"authed_users", "client_msg_id"}:
            continue
        if key not in (ours or {}):
            yield f"{path}/{key}"
        else:
            yield from lacks(inner, ours[key], f"{path}/{key}")


async def test_payloads_have_every_key_of_the_collected_ones(contracts, slack, app, client):
    posted = await client.chat_postMessage(
        channel="C0FINANCE", text="t", blocks=[{"type": "actions", "elements": [button()]}]
    )
    await slack.click("U0MAYA", slack.message("C0FINANCE", posted["ts"]), "press")
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "status")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(text_input(), notify_on_close=True))
    await slack.submit_view("U0MAYA", {"b": "test"})
    trigger = (await slack.command("U0MAYA", "C0FINANCE", "/data", "status")).trigger_id
    await client.views_open(trigger_id=trigger, view=modal(section(), notify_on_close=True))
    await slack.close_view("U0MAYA")
    await slack.mention("U0MAYA", "C0FINANCE", "hi")
    taken = {one.payload.get("type", "command"): one for one in app.taken}
    for name, kind in {
        "block_actions.body.json": "block_actions",
        "view_submission.body.json": "view_submission",
        "view_closed.body.json": "view_closed",
        "events.valid_event_body.json": "event_callback",
    }.items():
        collected = keys(json.loads((contracts / "payloads" / name).read_text()))
        if kind.startswith("view"):
            collected["view"]["state"] = None
        assert list(lacks(collected, keys(taken[kind].payload))) == [], name
    command = (contracts / "payloads/slash_command.slash_command_body.form.txt").read_text()
    expected = {pair.split("=")[0] for pair in command.split("&")} - {"enterprise_id", "enterprise_name"}
    assert expected <= set(taken["command"].fields)


def test_slashes_are_escaped_as_slack_does():
    assert payloads.as_json({"url": "https://x/é"}) == b'{"url":"https:\\/\\/x\\/\\u00e9"}'
