"""Events about the app itself (T25): taken, counted, acted on once; whatever is for nobody is acked and left."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.installed import departure_of
from jobs.installs.leaving import Departure
from tests.bot.requests import click, event, payload_form
from tests.bot.stage import Stage, staged
from tests.bot.test_bad_input import FORM

_SECOND = timedelta(seconds=1)


async def send(stage: Stage, payload: dict[str, Any]) -> int | None:
    body = json.dumps(payload).encode()
    headers = stage.slack.sign(body) | {"Content-Type": "application/json"}
    return (await stage.slack.post_raw(body, headers)).status


def removal(team: str | None = "T0TEMERITY", kind: str = "app_uninstalled", **more: Any) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": kind}
    if kind == "tokens_revoked":
        inner["tokens"] = more.pop("tokens", {"oauth": [], "bot": ["U0TIDINGS"]})
    made = event(inner) | {"event_time": 1_700_000_000} | more
    if team is None:
        made.pop("team_id")
    else:
        made["team_id"] = team
    return made


async def test_both_events_reach_the_service_with_what_they_say() -> None:
    async with staged() as stage:
        assert await send(stage, removal()) == 200
        assert await send(stage, removal(kind="tokens_revoked")) == 200
        first, second = stage.services.installs.left_
        assert (first.team_id, first.whole, first.bots) == ("T0TEMERITY", False, None)
        assert first.at.timestamp() == 1_700_000_000
        assert second.bots == ("U0TIDINGS",)


@pytest.mark.parametrize(
    "payload, reason",
    [
        (removal("T0NOBODY"), "unknown_team"),
        (removal(None), "no_team"),
        (removal(""), "no_team"),
        (removal(kind="tokens_revoked", tokens={"oauth": ["U0MAYA"]}), "nothing_of_ours"),
        (removal(kind="tokens_revoked", tokens={"oauth": ["U0MAYA"], "bot": []}), "nothing_of_ours"),
        (removal(kind="tokens_revoked", tokens=None), "nothing_of_ours"),
        (event({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": "hi"}, team="T0NOBODY"),
         "unknown_team"),
        (event({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1"}, team=""), "no_team"),
        ({"type": "event_callback", "event": {"type": "app_home_opened", "user": "U1", "tab": "home"}}, "no_team"),
        (event({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1"}, team="T0NOBODY")
         | {"authorizations": [{"team_id": "T0TEMERITY"}, {"team_id": "T0SUPPORT"}]}, "unknown_team"),
    ],
)  # fmt: skip
async def test_what_is_for_nobody_is_acked_counted_and_left(payload: dict[str, Any], reason: str) -> None:
    async with staged() as stage:
        assert await send(stage, payload) == 200
        assert stage.surface.intake.own.ignored == {reason: 1}
        assert [call.method for call in stage.slack.calls] == []
        assert stage.services.asks.kept == {}


async def test_a_removal_that_could_not_be_noted_is_asked_for_again() -> None:
    async with staged() as stage:
        stage.services.installs.busy = True
        assert await send(stage, removal()) == 400
        stage.services.installs.busy = False
        stage.clock.advance(_SECOND)
        assert await send(stage, removal()) == 200
        assert len(stage.services.installs.left_) == 1


async def test_a_removed_workspace_is_looked_up_again_at_once() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status")
        assert await stage.surface.tokens.of("T0TEMERITY") is not None
        installed = stage.slack.app.installations.pop("T0TEMERITY")
        assert await send(stage, removal()) == 200
        assert await stage.surface.tokens.of("T0TEMERITY") is None
        stage.slack.app.installations["T0TEMERITY"] = installed


async def test_workspaces_of_an_enterprise_are_looked_at_when_slack_says_so() -> None:
    async with staged() as stage:
        for kind in ("team_access_granted", "team_access_revoked"):
            assert await send(stage, event({"type": kind, "team_ids": ["T0NWEAST"]}, kind)) == 200
        await stage.slack.wait_for(lambda: stage.services.installs.looked == 2)


async def test_an_unsigned_removal_removes_nothing() -> None:
    async with staged() as stage:
        body = json.dumps(removal()).encode()
        answer = await stage.slack.post_raw(body, {"Content-Type": "application/json"})
        assert answer.status == 401
        assert stage.services.installs.left_ == []


async def test_a_person_cannot_say_that_the_app_was_removed() -> None:
    """Only an event can: not a command, not a button, whatever it is called."""
    async with staged() as stage:
        url = f"{stage.slack.url}/response/none"
        for name in ("app_uninstalled", "tokens_revoked"):
            body = payload_form(click(name, response_url=url, trigger_id=f"1.{name}"))
            assert (await stage.slack.post_raw(body, stage.slack.sign(body) | FORM)).status == 200
        async with httpx.AsyncClient(base_url=stage.url) as client:
            assert (await client.post("/slack/install", data={})).status_code == 404
        assert stage.services.installs.left_ == []


@pytest.mark.parametrize(
    "more, whole, enterprise",
    [
        ({"authorizations": [{"team_id": "T0TEMERITY", "enterprise_id": None, "is_enterprise_install": False}]}, False, ""),
        ({"authorizations": [{"team_id": "T0X", "enterprise_id": "E0BIG", "is_enterprise_install": False}]}, False, "E0BIG"),
        ({"authorizations": [{"team_id": "T0X", "enterprise_id": "E0BIG", "is_enterprise_install": True}]}, True, "E0BIG"),
        ({"authorizations": [{"enterprise_id": "E0BIG", "is_enterprise_install": "true"}]}, False, "E0BIG"),
        ({"authorizations": [], "enterprise_id": "E0BIG"}, False, "E0BIG"),
        ({"authorizations": "x", "enterprise_id": 5}, False, ""),
        ({"authorizations": [{"enterprise_id": "not an id", "is_enterprise_install": True}]}, False, ""),
    ],
)  # fmt: skip
def test_the_place_is_read_strictly(more: dict[str, Any], enterprise: str, *, whole: bool) -> None:
    found = departure_of(removal(**more))
    assert isinstance(found, Departure)
    assert (found.team_id, found.whole, found.enterprise_id) == ("T0TEMERITY", whole, enterprise)


@pytest.mark.parametrize("said", [None, "1700000000", True, -1, 0, 1 << 50, 1.5])
def test_without_a_time_it_was_long_ago(said: object) -> None:
    found = departure_of(removal(event_time=said))
    assert found is not None
    assert found.at.timestamp() == 0


def test_a_whole_enterprise_may_name_no_workspace() -> None:
    whole = [{"enterprise_id": "E0BIG", "team_id": None, "is_enterprise_install": True}]
    found = departure_of(removal(None, authorizations=whole))
    assert found is not None
    assert (found.team_id, found.enterprise_id, found.whole) == ("", "E0BIG", True)
    assert departure_of(removal(None)) is None
