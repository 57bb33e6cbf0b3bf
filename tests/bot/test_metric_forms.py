"""Metrics through a form: opened at once, only what fits is asked for, wrong fields, last values, saved once."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

from bot.cli.samples.numbers import NET, kept, shown
from jobs.metrics.fitting import BEGINS
from sandbox.slack.messages import Message
from sandbox.slack.views import View
from storage.facts.metric_drafts import Draft
from storage.facts.metrics import (
    GONE,
    Calculation,
    Dataset,
    Frequency,
    ItemKind,
    MetricState,
    Selection,
    Shown,
)
from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.test_channel_words import told

MANAGER = "U0DANIEL"
COMMANDS = re.compile(r"/data [a-z ]+")
ITEM = f"{actions.METRIC_SEARCH}:item"
BY_ITEM = f"{actions.METRIC_SEARCH}:by_item"
DATASET = f"{actions.METRIC_TURN}:dataset"


def turn(field: str) -> str:
    return f"{actions.METRIC_TURN}:{field}"


async def until(stage: Stage, seen: Callable[[View], bool]) -> View:
    def look() -> View | None:
        view = stage.slack.modal(MANAGER)
        return view if view is not None and seen(view) else None

    found = await stage.slack.wait_for(look)
    assert found is not None
    return found


def asks(name: str) -> Callable[[View], bool]:
    return lambda view: any(block["block_id"] == name for block in view.blocks)


async def opened(stage: Stage, words: str = "metric new", first: str = DATASET) -> View:
    assert (await stage.slack.command(MANAGER, "C0FINANCE", "/data", words)).ok
    return await until(stage, asks(first))


async def chosen(stage: Stage, field: str, value: str, then: str) -> View:
    """Choose something on which other fields depend, and wait for the form that asks for what follows from it."""
    view = stage.slack.modal(MANAGER)
    assert view is not None
    assert (await stage.slack.click(MANAGER, view, turn(field), value)).ok
    return await until(stage, asks(then))


async def test_it_opens_at_once_and_what_was_chosen_is_saved_once_after_its_last_values() -> None:
    async with staged() as stage:
        twin = stage.services.making
        twin.let.clear()
        assert (await stage.slack.command(MANAGER, "C0FINANCE", "/data", "metric new")).ok
        first = await until(stage, lambda view: "One moment" in str(view.blocks))
        twin.let.set()
        view = await until(stage, asks(DATASET))
        assert view.id == first.id
        stage.slack.fill(MANAGER, {"name": "Fees of 4711"})
        item = f"{ITEM}.accounts.src_qbo"
        view = await chosen(stage, "dataset", "accounts", item)
        # Ten thousand accounts: a hundred are offered, and the one that is meant by a part of its name.
        assert len(await stage.slack.type_into(MANAGER, item, "")) == 100
        (offered,) = await stage.slack.type_into(MANAGER, item, "department 4711")
        assert offered["value"] == "account:4711"
        twin.let.clear()
        answer = await stage.slack.submit_view(MANAGER, {item: "account:4711", "target": "1,200.50"})
        assert answer.ok
        await until(stage, lambda view: "One moment" in str(view.blocks))
        twin.let.set()
        shown = await until(stage, lambda view: "Nothing is saved yet" in str(view.blocks))
        assert "sum of Expenses:Department 4711 (accounts), each month" in str(shown.blocks)
        assert shown.previous_id == view.id
        assert twin.saved == {}
        assert (await stage.slack.submit_view(MANAGER)).ok
        done = await until(stage, lambda view: "is made" in str(view.blocks))
        assert done.content["clear_on_close"]
        ((key, draft),) = twin.saved.items()
        assert key == f"metric:{draft.card}"
        assert (draft.name, draft.definition.selection.item) == ("Fees of 4711", "4711")
        assert draft.definition.target is not None
        assert str(draft.definition.target.value) == "1200.50"
        assert stage.slack.refused == []


async def test_only_what_fits_is_asked_for() -> None:
    async with staged() as stage:
        view = await opened(stage)
        stage.slack.fill(MANAGER, {"name": "Margin"})
        # A report is there by month, and has no end balance of its own to choose.
        assert "weekly" not in str(view.blocks)
        view = await chosen(stage, "calculation.profit_and_loss", "ratio", turn("by_dataset"))
        names = [block["block_id"] for block in view.blocks]
        assert f"{BY_ITEM}.profit_and_loss.src_qbo" in names
        view = await chosen(stage, "dataset", "items", f"{ITEM}.items.src_qbo")
        assert view.stands["name"] == "Margin"
        # Each step of what divides is there still, and the basis of sales is none to choose.
        assert turn("basis") not in [block["block_id"] for block in view.blocks]
        assert (await stage.slack.click(MANAGER, view, actions.METRIC_MORE)).ok
        view = await until(stage, asks("decimals"))
        assert f"{actions.METRIC_SEARCH}:customer_id" in [block["block_id"] for block in view.blocks]
        view = await chosen(stage, "calculation.items", "rolling", "window")
        assert f"{BY_ITEM}.profit_and_loss.src_qbo" not in [block["block_id"] for block in view.blocks]
        assert stage.slack.refused == []


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_looked_at() -> None:
    async with staged() as stage:
        await opened(stage)
        await stage.slack.type_into(MANAGER, f"{ITEM}.profit_and_loss.src_qbo", "net")
        await stage.slack.submit_view(
            MANAGER,
            {"name": "N", "target": "lots", f"{ITEM}.profit_and_loss.src_qbo": "section:NetIncome"},
        )
        view = await until(stage, lambda view: bool(view.errors))
        assert set(view.errors) == {"target"}
        stage.services.making.refused = "NetIncome is not in QuickBooks any more"
        await stage.slack.submit_view(MANAGER, {"target": ""})
        view = await until(stage, lambda view: "cannot be calculated" in str(view.blocks))
        assert "submit" not in view.content
        assert stage.services.making.saved == {}


async def test_a_metric_that_is_there_is_shown_as_it_is_and_deleted_after_a_confirm() -> None:
    async with staged() as stage:
        view = await opened(stage, "metric change Fees", "decimals")
        assert view.title == "Change metric"
        assert view.inputs[f"{ITEM}.accounts.src_qbo"]["initial_option"]["text"]["text"] == "Checking"
        assert (await stage.slack.submit_view(MANAGER, {"name": "Bank"})).ok
        await until(stage, lambda view: "values from before stay shown" in str(view.blocks))
        await stage.slack.submit_view(MANAGER)
        await until(stage, lambda view: "is changed" in str(view.blocks))
        ((_, draft),) = stage.services.making.saved.items()
        assert (draft.metric_id, draft.version, draft.name) == ("met_1", 3, "Bank")


def card(name: str, state: MetricState = MetricState.CURRENT, reason: str = "") -> Shown:
    return shown(name, NET, state, kept("12.00"), reason=reason)


async def answered(stage: Stage, words: str) -> Message:
    """Type a command and return its answer, whose buttons can be pressed."""
    before = len(stage.slack.messages("C0FINANCE", viewer=MANAGER))
    await told(stage, MANAGER, words)
    return stage.slack.messages("C0FINANCE", viewer=MANAGER)[before:][-1]


def buttons(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the buttons of a message or view by what is written on them."""
    return {one["text"]["text"]: one for block in blocks for one in block.get("elements", [])
            if one.get("type") == "button"}  # fmt: skip


async def test_of_a_broken_one_only_what_takes_the_place_of_what_vanished_is_asked_for() -> None:
    async with staged() as stage:
        twin, gone = stage.services.making, f"Petty <cash>{GONE}"
        twin.gone = gone
        stage.services.metrics.known = {"Fees": card("Fees", MetricState.BROKEN, gone)}
        seen = await answered(stage, "metric Fees")
        button = buttons(seen.blocks)["Choose another account"]
        assert (await stage.slack.click(MANAGER, seen, button["action_id"])).ok
        item = f"{ITEM}.accounts.src_qbo"
        view = await until(stage, asks(item))
        assert list(view.inputs) == [item]
        assert view.inputs[item]["focus_on_load"]
        assert "initial_option" not in view.inputs[item]
        words = str(view.blocks)
        assert "Petty &lt;cash&gt; is not in QuickBooks any more, so Fees stands at its last values." in words
        await stage.slack.type_into(MANAGER, item, "checking")
        assert (await stage.slack.submit_view(MANAGER, {item: "account:1"})).ok
        await until(stage, lambda view: "values from before stay shown" in str(view.blocks))
        await stage.slack.submit_view(MANAGER)
        await until(stage, lambda view: "is changed" in str(view.blocks))
        ((_, draft),) = twin.saved.items()
        assert (draft.metric_id, draft.version, draft.name) == ("met_1", 3, "Fees")
        assert draft.definition.selection == Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1", "Checking")
        # What is broken for another reason has nothing to choose in its place: all of it is shown.
        twin.gone, why = "", "its amounts are in EUR, USD, and nothing is converted"
        stage.services.metrics.known = {"Fees": card("Fees", MetricState.BROKEN, why)}
        assert "Choose another account" not in buttons((await answered(stage, "metric Fees")).blocks)


async def test_a_whole_name_is_meant_before_the_command_it_begins_with() -> None:
    async with staged() as stage:
        twin, names = stage.services.metrics, ("Change in cash", "Delete fees", "New customers", "Set apart to save",
                                               "Noun", "Sales csv", "Fees post here", "A = B")  # fmt: skip
        twin.known = {name: card(name) for name in names}
        for name in names:
            if name != "Noun":
                assert f"Metric {name}: 12.00 USD" in await told(stage, MANAGER, f"metric {name}"), name
        # Nothing is lost: those words may have meant another one, and its own card is a step away.
        assert "/data metric fees" in await told(stage, MANAGER, "metric Delete fees")
        assert "itself" not in await told(stage, MANAGER, "metric New customers")
        # A word alone stays a command.
        assert "called Metrics here" in await told(stage, MANAGER, "metric noun")
        # Other words are commands as before.
        assert "no metric called Fees" in await told(stage, MANAGER, "metric delete Fees")
        assert "cannot be set by hand" in await told(stage, MANAGER, "metric set Fees to 5")
        assert stage.services.posting.wanted == []
        assert stage.services.making.deleted == []


async def test_one_is_deleted_by_a_button_that_asks_and_a_new_one_begins_where_they_are_listed() -> None:
    async with staged() as stage:
        making = stage.services.making
        stage.services.metrics.known = {"Fees": card("Fees")}
        seen = await answered(stage, "metric delete Fees")
        button = buttons(seen.blocks)["Delete …"]
        assert button["confirm"]["title"]["text"] == "Delete Fees?"
        assert making.deleted == []
        assert (await stage.slack.click(MANAGER, seen, actions.METRIC_DELETE)).ok
        await stage.slack.wait_for(lambda: making.deleted)
        assert making.deleted == ["met_1"]
        for words in ("metrics", ""):
            if words:
                place: Message | View = await answered(stage, words)
            else:
                await stage.slack.open_home(MANAGER)
                home = await stage.slack.wait_for(lambda: stage.slack.home(MANAGER))
                assert home is not None
                place = home
            button = buttons(place.blocks)["New metric"]
            assert (await stage.slack.click(MANAGER, place, button["action_id"])).ok
            assert "name" in (await until(stage, asks(DATASET))).inputs


async def test_without_a_company_the_link_that_connects_one_is_offered() -> None:
    async with staged() as stage:
        stage.services.making.connected = False
        await stage.slack.command(MANAGER, "C0FINANCE", "/data", "metric new")
        view = await until(stage, lambda view: "no company is connected" in str(view.blocks))
        assert any(element.get("action_id") == actions.CONNECT_ASK for block in view.blocks
                   for element in block.get("elements", []))  # fmt: skip


async def test_no_value_is_typed_in_and_the_noun_is_the_admins() -> None:
    async with staged() as stage:
        for words in ("metric Net income = 5", "metric set Net income to 5"):
            assert "cannot be set by hand" in await told(stage, MANAGER, words)
        assert "Goals from now on" in await told(stage, MANAGER, "metric noun goal")
        assert "value of a goal cannot" in await told(stage, MANAGER, "metric Cash = 1")
        assert "no goal called nothing" in await told(stage, MANAGER, "metric nothing csv")
        assert "Goals are calculated from QuickBooks" in await told(stage, MANAGER, "metric new Fees = revenue")
        refused = await told(stage, "U0MAYA", "metric noun objective")
        assert "to choose what goals are called" in refused
        assert "Daniel Kim" in refused
        assert "manager to make and change goals" in await told(stage, "U0MAYA", "metric new")
        for words in ("help", "members", "api keys", "audit"):
            assert "metric" not in COMMANDS.sub("", await told(stage, "U0DANIEL", words)), words
        assert stage.services.people.noun == "Goal"


def test_a_form_whose_words_are_not_ours_is_refused() -> None:
    from bot.metric_forms import _packed, _unpacked

    draft = Draft("card_1", "src_1", BEGINS, "Ä" * 80)
    assert _unpacked(_packed(draft, more=True)) == (draft, True)
    assert (BEGINS.selection.dataset, BEGINS.calculation) == (Dataset.PROFIT_AND_LOSS, Calculation.SUM)
    assert BEGINS.frequency is Frequency.MONTHLY
    assert asyncio.iscoroutinefunction(until)
