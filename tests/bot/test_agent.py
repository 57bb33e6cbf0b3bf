"""The Messages tab: what is suggested fits what is wrong and who asks; a status always ends; nobody needs either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.agent import STATUS, Agent
from bot.asking.facts import Intent
from bot.asking.reading import read
from bot.interaction import Interaction, Kind
from bot.show import Shower
from jobs.errors import NotFoundError
from storage.facts.ids import new_id
from storage.facts.people import SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from storage.facts.talk import Prompt
from templates.notices.prompts import MOST, prompts
from tests.bot.stage import Stage, staged
from tests.bot.twins.services import TwinServices
from tests.bot.twins.showing import TwinLandings
from tests.bot.twins.world import SHOP, run_of, status_of
from tests.questions.world import world

HERE = world()
#: what may be suggested; none of them does more than ask
MEANT = {
    "How": Intent.HOW_RECONNECT, "Why": Intent.WHY_STALE, "Refresh everything": Intent.REFRESH,
    "When": Intent.WHEN_NEXT, "What": Intent.HELP, "Is my": Intent.STATUS, "Is": Intent.IS_RUNNING,
}  # fmt: skip


def states(**changes: Any) -> list[SourceStatus]:
    """Return how every source of the sentences' world stands, all alike."""
    return [replace(status_of(source), **changes) for source in HERE.sources]


def lost() -> list[SourceStatus]:
    """Return them with every connection lost."""
    away = ConnectionState.DISCONNECTED
    return [replace(status_of(SHOP), source=replace(one, connection=away)) for one in HERE.sources]


def misread(found: tuple[Prompt, ...]) -> list[str]:
    """Return which of these would not be understood as they are meant."""
    wrong = []
    for prompt in found:
        (asked,) = read(prompt.message, HERE).asked
        meant = next(intent for begin, intent in MEANT.items() if prompt.message.startswith(begin))
        about_one = meant in (Intent.HOW_RECONNECT, Intent.WHY_STALE, Intent.IS_RUNNING)
        if asked.intent is not meant or (about_one and len(asked.source_ids) != 1):
            wrong.append(prompt.message)
    return wrong


@pytest.mark.parametrize("may", [True, False])
@pytest.mark.parametrize(
    "known, first",
    [
        (states(), "Is my data fresh?"),
        (lost(), "How do I reconnect Amazon?"),
        (states(freshness=Freshness.LATE), "Why is Amazon not fresh?"),
        (states(active=replace(run_of(SHOP), state=RunState.RUNNING)), "Is Amazon running?"),
        ([], "What can you do?"),
    ],
    ids=["fresh", "lost", "late", "running", "empty"],
)
def test_what_is_wrong_comes_first_and_all_of_it_is_understood(
    known: list[SourceStatus], first: str, *, may: bool
) -> None:
    found = prompts(known, may_refresh=may)
    assert found[0].title == first
    assert len(found) <= MOST
    assert len(set(found)) == len(found)
    assert misread(found) == []
    assert ("Refresh everything" in [one.message for one in found]) <= may
    # Of each source alone, too: the provider's name, or the label where there are several of its kind.
    assert [misread(prompts([one, *known], may_refresh=may)) for one in known] == [[] for _ in known]


def test_a_question_that_is_not_understood_would_be_seen() -> None:
    assert misread((Prompt("Why", "Why does everything hurt?"),))


async def played(stage: Stage, request: Interaction, kind: type[Agent] = Agent, agent: Agent | None = None) -> None:
    """Answer as the surface does, until nothing is left to be said."""
    front, slack = stage.surface.front, stage.surface.slack
    shower = Shower(slack, agent or kind(slack, stage.clock))
    await shower.show_all(await front.answer(request), request, front.follow)


async def opened(stage: Stage, user: str, agent: Agent | None = None) -> list[str]:
    """Open the tab and return what is suggested there; nothing is posted for that."""
    before, channel = len(stage.slack.calls), f"D0{user.removeprefix('U0')}"
    who = SlackIdentity("T0TEMERITY", user)
    await played(stage, Interaction(Kind.TALK, who, who.team_id, channel, new_id("evt")), agent=agent)
    assert not [call for call in stage.slack.calls[before:] if call.method.startswith("chat.")]
    return [title for title, _ in stage.slack.core.tabs.prompts(channel).prompts]


def said(stage: Stage, words: str) -> Interaction:
    """Write a message of Maya's that nobody has answered yet."""
    core = stage.slack.core
    message = core.rooms.post(core.person("U0MAYA"), core.world.direct("U0MAYA"), words)
    who = SlackIdentity("T0TEMERITY", "U0MAYA")
    return Interaction(Kind.DIRECT, who, who.team_id, "D0MAYA", f"said:D0MAYA:{message.ts}", words=words)


async def test_they_fit_the_person_and_nobody_is_written_to_for_opening_a_tab() -> None:
    async with staged() as stage:
        stage.services.status.everything[1] = replace(SHOP, connection=ConnectionState.DISCONNECTED)
        assert await opened(stage, "U0DANIEL") == [
            "How do I reconnect Shopify?", "Is my data fresh?", "Refresh everything", "When is the next refresh?",
        ]  # fmt: skip
        assert "Refresh everything" not in await opened(stage, "U0PRIYA")
        stage.services.status.everything[1] = SHOP
        assert (await opened(stage, "U0DANIEL"))[0] == "Is my data fresh?"
        # A guest asks nothing and is told nothing.
        assert await opened(stage, "U0GUEST") == []
        # As Slack brings it.
        await stage.slack.open_messages("U0MAYA")
        await stage.slack.wait_for(lambda: stage.slack.core.tabs.prompts("D0MAYA").prompts, timeout=60)


class Stubborn(Agent):
    """The broken twin: asks a workspace that has no such tab again and again."""

    def _remember(self, key: tuple[str, str]) -> None:
        return


@pytest.mark.parametrize("kind", [Agent, Stubborn])
@pytest.mark.parametrize("why", ["missing_scope", "not_agent_app"])
async def test_a_workspace_without_it_is_asked_once_a_day(kind: type[Agent], why: str) -> None:
    async with staged() as stage:
        agent = kind(stage.surface.slack, stage.clock)
        app = stage.slack.app
        here = app.installations["T0TEMERITY"]
        if why == "missing_scope":
            here.scopes -= {"assistant:write"}
        app.agent = why != "not_agent_app"
        for _ in range(3):
            assert await opened(stage, "U0DANIEL", agent) == []
        assert ([one.error for one in stage.slack.refused] == [why]) is (kind is Agent)
        here.scopes |= {"assistant:write"}
        app.agent = True
        stage.clock.advance(timedelta(days=1, minutes=1))
        assert len(await opened(stage, "U0DANIEL", agent)) == MOST


class Broken(TwinLandings):
    """The look into the lake fails."""

    async def landed(self, *_: Any) -> Any:
        raise NotFoundError


class Endless(Agent):
    """The broken twin: leaves the end to Slack."""

    @asynccontextmanager
    async def working(self, request: Interaction) -> AsyncIterator[None]:
        where = {"channel_id": request.channel_id, "thread_ts": request.trigger.rpartition(":")[2]}
        await self._slack.call(request.team_id, "assistant.threads.setStatus", {**where, "status": STATUS})
        yield


@pytest.mark.parametrize("kind", [Agent, Endless])
@pytest.mark.parametrize("fails", ["", "the answer", "the post"])
async def test_a_status_ends_however_the_answer_does(kind: type[Agent], fails: str) -> None:
    services = TwinServices()
    if fails == "the answer":
        services.landed = Broken()
    async with staged(services) as stage:
        if fails == "the post":
            stage.slack.lie("chat.postMessage", "error", error="channel_not_found", times=None)
        await played(stage, said(stage, "did order #1042 land?"), kind)
        tabs = stage.slack.core.tabs
        assert (tabs.told == [STATUS, ""]) is (kind is Agent)
        assert (tabs.status("D0MAYA") == "") is (kind is Agent)
        # What is answered at once needs none.
        del tabs.told[:]
        await played(stage, said(stage, "is shopify fresh?"), kind)
        assert tabs.told == []


async def test_the_stand_in_refuses_what_slack_does_not_show() -> None:
    async with staged() as stage:
        slack = stage.surface.slack
        good: dict[str, Any] = {"channel_id": "D0MAYA", "prompts": [{"title": "a", "message": "b"}]}
        await slack.call("T0TEMERITY", "assistant.threads.setSuggestedPrompts", good)
        refused: tuple[dict[str, Any], ...] = (
            {"prompts": good["prompts"] * 5}, {"prompts": []}, {"prompts": [{"title": "", "message": "b"}]},
            {"prompts": [{"title": "a" * 76, "message": "b"}]}, {"prompts": [{"title": "a"}]}, {"thread_ts": "1.1"},
        )  # fmt: skip
        for bad in refused:
            with pytest.raises(Exception, match="invalid_arguments"):
                await slack.call("T0TEMERITY", "assistant.threads.setSuggestedPrompts", good | bad)
        status = {"channel_id": "D0MAYA", "thread_ts": "1.1", "status": "is here"}
        with pytest.raises(Exception, match="invalid_thread_ts"):
            await slack.call("T0TEMERITY", "assistant.threads.setStatus", status)
