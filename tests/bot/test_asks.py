"""Somebody whom we do not know well enough: kept, acked, looked up by a worker, and answered in the same place."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.asks import ask_handler
from bot.interaction import Interaction, Kind, from_json, to_json
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.twins.services import TwinServices
from tests.waiting import eventually


class PlainWork:
    """A piece of work whose steps just run."""

    def __init__(self, subject: str) -> None:
        self.subject = subject

    async def step(self, name: str, fn: Any, *args: Any) -> Any:
        return await fn(*args)


def cold() -> TwinServices:
    services = TwinServices()
    services.people.cold = True
    return services


async def work(stage: Stage) -> None:
    handler = ask_handler(stage.services, stage.surface.front, stage.surface.shower)
    for ask_id in list(stage.services.asks.kept):
        work: Any = PlainWork(ask_id)
        await handler(work)


async def test_a_command_is_acked_and_answered_by_the_worker() -> None:
    async with staged(cold()) as stage:
        answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status shopify")
        assert "One moment" in (await stage.said(answer))["text"]
        assert len(stage.services.asks.kept) == 1
        await work(stage)
        shown = stage.seen("U0MAYA", "C0FINANCE")
        assert any("Shopify is fresh" in text for text in shown), shown
        assert not stage.seen("U0DANIEL", "C0FINANCE")


async def test_a_click_is_acked_and_has_its_effect_once_in_the_worker() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        stage.services.people.cold = True
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        assert stage.services.refresh.started == []
        await work(stage)
        await work(stage)
        assert len(stage.services.refresh.started) == 1
        assert any("refresh" in text for text in stage.seen("U0MAYA", "C0FINANCE")), stage.seen("U0MAYA", "C0FINANCE")


async def test_nothing_happens_before_the_person_is_known_to_have_the_right() -> None:
    async with staged(cold()) as stage:
        await stage.slack.command("U0GUEST", "C0FINANCE", "/data", "status")
        await work(stage)
        shown = " ".join(stage.seen("U0GUEST", "C0FINANCE"))
        assert "no role" in shown
        assert "temeritygoods" not in shown


async def test_a_question_comes_back_as_an_ephemeral_answer() -> None:
    async with staged(cold()) as stage:
        await stage.slack.mention("U0MAYA", "C0FINANCE", "is shopify fresh?")
        await work(stage)
        answers = [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if m.user == "U0TIDINGS"]
        assert [m.ephemeral_to for m in answers] == ["U0MAYA"]


async def test_an_ask_that_is_gone_is_no_error() -> None:
    async with staged() as stage:
        work: Any = PlainWork("ask_gone")
        await ask_handler(stage.services, stage.surface.front, stage.surface.shower)(work)


@pytest.mark.parametrize("url", [None, Secret("https://hooks.slack.com/x")])
def test_an_interaction_survives_being_kept(url: Secret | None) -> None:
    request = Interaction(
        Kind.ACTION, SlackIdentity("T1", "U1"), "T2", "C1", "t.1", "name", "words", "value", url, "1.2"
    )
    assert from_json(to_json(request)) == request
    sent = replace(request, kind=Kind.SUBMIT, fields={"name": "typed"})
    assert from_json(to_json(sent)) == sent


@pytest.mark.parametrize("learns", [True, False])
async def test_a_process_without_a_worker_learns_too_who_somebody_is(*, learns: bool) -> None:
    """The twin does not learn: every request of that person would take the long way, each with Slack's ack first."""
    async with staged(cold(), learns=learns) as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status shopify")
        if learns:
            await eventually(lambda: not stage.services.people.cold)
        else:
            await asyncio.sleep(0.3)
        answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status shopify")
        at_once = "Shopify is fresh" in str(await stage.said(answer))
        assert at_once == learns
        assert len(stage.services.asks.kept) == (1 if learns else 2)
