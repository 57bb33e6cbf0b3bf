"""Choosing what to refresh: open at once, filled behind that, answered in place; nothing starts before the card."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot import values
from bot.case import Case
from bot.dispatch import Handler, table
from bot.front import Front
from bot.interaction import Interaction, Kind
from bot.refreshing import chosen
from bot.reply import Reply
from bot.values import unpack_given
from jobs.errors import NoAccessError, NotFoundError
from jobs.refresh.ask import Scope
from storage.facts.access import AccessStanding
from storage.facts.feedback import Given, Verdict
from storage.facts.messages import Buttons, Message, Search, Table
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from templates import actions
from templates import slack as blocks
from templates.forms.refreshing import able_first, refresh_form
from templates.mail import render as render_mail
from templates.notices.feedback import MOST, WORDS, thumbs
from templates.slack import Rung
from tests.bot.stage import Stage, staged
from tests.bot.twins.refreshing import TwinRefresh
from tests.bot.twins.services import TwinServices
from tests.bot.twins.world import OTHERS, QBO, SHOP, status_of

LATE = replace(status_of(QBO), freshness=Freshness.LATE)
LOST = replace(status_of(SHOP), source=replace(SHOP, id="src_lost", connection=ConnectionState.DISCONNECTED))


def says(stage: Stage, words: str) -> bool:
    """Whether the form that Maya has open says that."""
    view = stage.slack.modal("U0MAYA")
    return view is not None and words in str(view.content)


class Slow(TwinRefresh):
    """Looks up when the test says so."""

    gate: asyncio.Event
    closed_to: bool = False

    async def choices(self, actor: Actor) -> list[SourceStatus]:
        await self.gate.wait()
        if self.closed_to:
            raise NoAccessError(AccessStanding("Temerity Goods", None, waiting=False), Scope(everything=True))
        return [LATE, status_of(SHOP), LOST]


def slow(services: TwinServices) -> Slow:
    """Put a slow look into the services."""
    twin = Slow(services.status, services.clock)
    twin.gate = asyncio.Event()
    services.refresh = services.clicks.refresh = twin
    return twin


async def test_the_form_is_there_before_the_look_and_what_is_not_fresh_is_chosen() -> None:
    async with staged() as stage:
        twin = slow(stage.services)
        assert (await stage.slack.shortcut("U0MAYA", "refresh_data")).ok
        await stage.slack.wait_for(partial(says, stage, "your sources are being looked up"), timeout=60)
        first = stage.slack.modal("U0MAYA")
        twin.gate.set()
        await stage.slack.wait_for(partial(says, stage, "Which data"), timeout=60)
        view = stage.slack.modal("U0MAYA")
        assert view is not None
        assert view is first
        assert [one["value"] for one in view.blocks[-1]["element"]["initial_options"]] == [QBO.id]
        assert says(stage, "1 of your sources is not fresh; it is chosen")
        assert says(stage, "because disconnected: Shopify")
        # As it stands: what is not fresh; the card comes in the place of the form, and starts nothing by itself.
        assert (await stage.slack.submit_view("U0MAYA")).ok
        assert says(stage, "Refresh QuickBooks")
        assert not twin.started
        card = stage.slack.modal("U0MAYA")
        assert card is not None
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        await stage.slack.wait_for(lambda: bool(twin.started), timeout=60)
        assert [scope.source_ids for _, scope, _ in twin.started] == [(QBO.id,)]
        assert not stage.slack.refused


async def test_who_may_not_is_told_in_the_open_form_and_who_closed_it_is_left_alone() -> None:
    async with staged() as stage:
        twin = slow(stage.services)
        twin.closed_to = True
        await stage.slack.shortcut("U0MAYA", "refresh_data")
        await stage.slack.wait_for(partial(says, stage, "looked up"), timeout=60)
        twin.gate.set()
        await stage.slack.wait_for(partial(says, stage, "access"), timeout=60)
        assert not says(stage, "looked up")
        twin.gate.clear()
        await stage.slack.shortcut("U0MAYA", "refresh_data")
        await stage.slack.wait_for(partial(says, stage, "looked up"), timeout=60)
        await stage.slack.close_view("U0MAYA")
        direct = stage.slack.world.direct("U0MAYA").id
        before = stage.seen("U0MAYA", direct)
        twin.gate.set()
        await stage.slack.wait_for(lambda: [one.error for one in stage.slack.refused] == ["not_found"], timeout=60)
        assert stage.seen("U0MAYA", direct) == before


def sent(*ids: str) -> Interaction:
    """Return the form as it is sent with that choice."""
    who, fields = SlackIdentity("T0TEMERITY", "U0MAYA"), {actions.REFRESH_SOURCES: "\n".join(ids)}
    return Interaction(Kind.SUBMIT, who, "T0TEMERITY", "", "form:V1", name=actions.REFRESH_FORM, fields=fields)


def card_of(reply: Reply) -> str:
    """Return the id of the card that a reply shows."""
    assert reply.message is not None
    buttons = [one for part in reply.message.parts if isinstance(part, Buttons) for one in part.buttons]
    return values.unpack(next(one.value for one in buttons if one.action == actions.REFRESH_CONFIRM)).card


async def cards(handler: Handler) -> int:
    """Return how many cards a form brings that is sent twice."""
    name = f"submit:{actions.REFRESH_FORM}"
    front = Front(TwinServices(), {name: replace(table()[name], handler=handler)})
    return len({card_of(await front.answer(sent(SHOP.id))) for _ in range(2)})


async def test_a_form_that_is_sent_twice_is_one_card_and_somebody_elses_source_none() -> None:
    async def forgetful(case: Case) -> Reply:
        """The broken twin: a new card each time, so that two clicks would be two requests."""
        return await chosen(replace(case, request=replace(case.request, trigger=values.new_card())))

    assert await cards(chosen) == 1
    assert await cards(forgetful) == 2
    front = Front(TwinServices())
    for ids in ((OTHERS.id,), (SHOP.id, OTHERS.id), ("src_nobody",)):
        told = str((await front.answer(sent(*ids))).message)
        assert "rival" not in told
        assert "Confirm" not in told
    assert (await front.answer(sent())).errors == {actions.REFRESH_SOURCES: "Choose at least one source."}


def test_more_than_a_refresh_takes_are_not_chosen_and_all_fresh_is_said() -> None:
    many = [replace(LATE, source=replace(QBO, id=f"src_{number}")) for number in range(60)]
    form = refresh_form(able_first(many), many, most=50)
    menu = form.inputs[0]
    assert isinstance(menu, Search)
    assert len(menu.initial) == 50
    assert "the 50 that need it most" in str(form.parts)
    fresh = [status_of(QBO), status_of(SHOP)]
    assert "Both sources are fresh already" in str(refresh_form(fresh, fresh, most=50).parts)


async def test_an_answer_in_plain_words_has_thumbs_of_slacks_own_and_its_words_are_not_kept() -> None:
    async with staged() as stage:
        assert (await stage.slack.dm("U0PRIYA", "is shopify fresh, Rosewood?")).ok
        await stage.slack.wait_for(lambda: any("thumbs" in one.actions for one in direct(stage)), timeout=60)
        asked = next(one for one in direct(stage) if "thumbs" in one.actions)
        down = asked.actions["thumbs"]["negative_button"]["value"]
        with pytest.raises(LookupError):
            await stage.slack.click("U0PRIYA", asked, "thumbs", "feedback_up ans_of_others")
        assert (await stage.slack.click("U0PRIYA", asked, "thumbs", down)).ok
        await stage.slack.wait_for(lambda: stage.slack.modal("U0PRIYA"), timeout=60)
        assert (await stage.slack.submit_view("U0PRIYA", {WORDS: "It is older"})).ok
        given = stage.services.feedback.given
        await stage.slack.wait_for(lambda: any(words for _, words in given.values()), timeout=60)
        [(of, (verdict, said))] = [(of, said) for (_, of), said in given.items()]
        assert isinstance(of, Given)
        assert (of.kinds, of.source_ids, verdict, said) == (("status",), (SHOP.id,), Verdict.DOWN, "It is older")
        assert "Rosewood" not in down
        # A command is read, and not asked about.
        assert (await stage.slack.command("U0PRIYA", "C0FINANCE", "/data", "is shopify fresh?")).ok
        seen = stage.slack.messages("C0FINANCE", viewer="U0PRIYA")
        assert not any({"thumbs", actions.FEEDBACK_UP} & set(one.actions) for one in seen)
        assert not stage.slack.refused


def direct(stage: Stage) -> list[Any]:
    """Return what stands in Priya's direct messages."""
    return list(stage.slack.messages("D0PRIYA", viewer="U0PRIYA"))


def test_thumbs_are_drawn_so_that_every_workspace_has_them() -> None:
    message = Message("Ready", (thumbs("rfr_1"),))
    for rung in Rung:
        [block] = blocks.render(message, rung=rung)["blocks"]
        assert block["type"] == ("context_actions" if rung is Rung.THUMBS else "actions")
    assert blocks.newest(message, Rung.THUMBS) is Rung.THUMBS
    # Below a table, of which Slack takes only one, as well.
    below = Message("Ready", (Table("t", ("a",), ((("1",),),)), thumbs("rfr_1")))
    assert blocks.render(below, rung=Rung.THUMBS)["blocks"][-1]["type"] == "context_actions"
    assert blocks.newest(message, Rung.PLAN) is Rung.PLAN
    assert "Helpful" not in render_mail(message).text
    for wrong in ('{"a":"ans_1","k":["audit"],"s":[]}', '{"a":"rfr_1","k":["status"],"s":[]}', '{"a":"ans_1","k":[],"s":[]}',
                  '{"a":"ans_1","k":["status"],"s":[7]}', "{"):  # fmt: skip
        with pytest.raises(NotFoundError):
            unpack_given(wrong)


async def test_thumbs_below_a_result_are_noted_and_what_was_wrong_is_asked() -> None:
    async with staged() as stage:
        bare = stage.slack.core.rooms.post(
            stage.slack.core.person("U0TIDINGS"), stage.slack.world.channels["C0FINANCE"], "x"
        )
        bare.blocks = blocks.render(Message("Ready", (thumbs("rfr_1"),)))["blocks"]
        given = stage.services.feedback.given
        assert (await stage.slack.click("U0PRIYA", bare, actions.FEEDBACK_UP)).ok
        await stage.slack.wait_for(
            lambda: any("admins of your" in one for one in stage.seen("U0PRIYA", "C0FINANCE")), timeout=60
        )
        assert given == {("U0PRIYA", "rfr_1"): (Verdict.UP, "")}
        assert (await stage.slack.click("U0PRIYA", bare, actions.FEEDBACK_DOWN)).ok
        await stage.slack.wait_for(lambda: given["U0PRIYA", "rfr_1"][0] is Verdict.DOWN, timeout=60)
        await stage.slack.wait_for(lambda: stage.slack.modal("U0PRIYA"), timeout=60)
        assert (await stage.slack.submit_view("U0PRIYA", {WORDS: "x" * (MOST + 1)})).ok
        view = stage.slack.modal("U0PRIYA")
        assert view is not None
        assert set(view.errors) == {WORDS}
        assert (await stage.slack.submit_view("U0PRIYA", {WORDS: "Orders of Friday"})).ok
        assert given == {("U0PRIYA", "rfr_1"): (Verdict.DOWN, "Orders of Friday")}
        assert not stage.slack.refused
