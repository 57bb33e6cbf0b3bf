"""Menus that search while one types: own sources only, in Slack's time and limits, and nothing is kept or begun."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.case import Case
from bot.dispatch import table
from bot.front import Front
from bot.interaction import Interaction, Kind
from bot.reply import Reply
from bot.searching import Candidate, matching
from bot.show import ack_body
from jobs.errors import UnavailableError
from sandbox.slack.elements import SUGGESTED
from sandbox.slack.shapes import Report
from storage.facts.messages import Form, Option, Search
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import ConnectionState, Provider
from templates import actions
from templates import slack as blocks
from tests.bot.stage import Stage, staged
from tests.bot.twins.people import TwinPeople
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import QBO, SHOP, source

FORM = Form("try", "Try", "Send", inputs=(Search(actions.REFRESH_SOURCES, "Sources", most=50),))


async def asking(stage: Stage, user: str, form: Form = FORM) -> None:
    """Open a form with a menu that asks."""
    trigger = (await stage.slack.command(user, "C0FINANCE", "/data", "help")).trigger_id
    opened = {"trigger_id": trigger, "view": blocks.modal(form)}
    await stage.surface.slack.call("T0TEMERITY", "views.open", opened)


async def test_a_menu_offers_what_fits_of_ones_own_and_keeps_nothing() -> None:
    lost = source("src_lost", Provider.AMAZON, "A1LOST", connection=ConnectionState.DISCONNECTED)
    async with staged() as stage:
        stage.services.status.everything.append(lost)
        await asking(stage, "U0MAYA")
        offered = {typed: await stage.slack.type_into("U0MAYA", actions.REFRESH_SOURCES, typed)
                   for typed in ("", "store", "qbo", "temrity", "rival", "A1LOST")}  # fmt: skip
        found = {typed: [one["value"] for one in each] for typed, each in offered.items()}
        assert found == {"": [QBO.id, SHOP.id], "store": [SHOP.id], "qbo": [QBO.id], "temrity": [QBO.id, SHOP.id],
                         "rival": [], "A1LOST": []}  # fmt: skip
        assert offered["qbo"][0]["description"]["text"] == "Fresh"
        # A viewer starts no refresh, and is offered nothing to refresh.
        await asking(stage, "U0PRIYA")
        assert await stage.slack.type_into("U0PRIYA", actions.REFRESH_SOURCES) == []
        assert not stage.services.refresh.started
        assert not stage.slack.refused
        assert not stage.services.asks.kept


async def test_who_had_a_form_open_for_long_is_asked_of_slack_and_answered_at_once() -> None:
    async with staged() as stage:
        await asking(stage, "U0MAYA")
        people = stage.services.people
        people.cold = True
        assert len(await stage.slack.type_into("U0MAYA", actions.REFRESH_SOURCES, "qbo")) == 1
        assert not people.cold
        assert not stage.services.asks.kept


class _Silent(TwinPeople):
    async def learn(self, identity: SlackIdentity) -> Actor:
        raise UnavailableError("Slack did not tell")


def typed(words: str = "", **more: Any) -> Interaction:
    who = SlackIdentity("T0TEMERITY", "U0MAYA")
    return Interaction(Kind.SEARCH, who, "T0TEMERITY", "", "search:V1", actions.REFRESH_SOURCES, words, **more)


async def test_nobody_is_let_in_where_slack_does_not_tell_who_it_is() -> None:
    services = TwinServices()
    services.people = _Silent(cold=True)
    reply = await Front(services).answer(typed())
    assert ack_body(reply, typed()) == '{"options":[]}'


def legal(answer: Callable[[Reply, Interaction], str | None], reply: Reply) -> list[str]:
    """Return what Slack would refuse in that ack."""
    report = Report()
    SUGGESTED(json.loads(answer(reply, typed()) or "null"), "", report)
    return report.problems


def test_what_is_offered_stays_within_the_limits_of_slack() -> None:
    many = tuple(Option(f"src_{number}", f"{number} " + "long & <b> " * 20, "late " * 40) for number in range(130))
    assert legal(ack_body, Reply(options=many)) == []
    assert legal(ack_body, Reply()) == []

    def uncut(reply: Reply, _: Interaction) -> str:
        """The broken twin: what was found, as it is."""
        return json.dumps({"options": [{"value": one.value, "text": {"type": "plain_text", "text": one.text}}
                                       for one in reply.options]})  # fmt: skip

    assert len(legal(uncut, Reply(options=many))) > len(many)
    with pytest.raises(blocks.TooLong):
        blocks.suggestions([Option("x" * 151, "a value that would be cut")])


def test_what_begins_so_comes_first_and_what_is_alike_last() -> None:
    names = ("Rent", "Current assets", "Office rent", "Wages & salaries", "Café")
    candidates = [Candidate(Option(name, name), (f"60{number}",)) for number, name in enumerate(names)]
    said = {words: [one.text for one in matching(words, candidates)]
            for words in ("rent", "wages", "salaries wages", "curent", "CAFÉ", "602", "zzz", "")}  # fmt: skip
    assert said == {"rent": ["Rent", "Current assets", "Office rent"], "wages": ["Wages & salaries"],
                    "salaries wages": ["Wages & salaries"], "curent": ["Rent", "Current assets", "Office rent"],
                    "CAFÉ": ["Café"], "602": ["Office rent"], "zzz": [], "": list(names)}  # fmt: skip


Handler = Callable[[Case], Awaitable[Reply]]


async def test_a_twin_that_offers_what_belongs_to_others_is_caught() -> None:
    async def careless(case: Case) -> Reply:
        every = case.services.status.everything  # type: ignore[attr-defined]  # the twin's own
        return Reply(options=tuple(Option(one.id, one.label) for one in every))

    async def rivals(handler: Handler) -> bool:
        name = f"search:{actions.REFRESH_SOURCES}"
        front = Front(TwinServices(), {name: replace(table()[name], handler=handler)})
        return "rival" in str((await front.answer(typed())).options)

    entry = table()[f"search:{actions.REFRESH_SOURCES}"]
    assert not await rivals(entry.handler)
    assert await rivals(careless)
