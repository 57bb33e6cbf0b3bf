"""The data source index in App Home: rows, menus by state and role, filters and pages, and answers in the same place."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product

import pytest

from bot.home import refresh_value
from bot.interaction import Interaction, Kind
from bot.reply import Where
from jobs.authorize import NEEDED
from sandbox.slack.views import View
from storage.facts.home import Board, Filter, Index, Showing
from storage.facts.messages import Button
from storage.facts.metrics import MetricState
from storage.facts.people import Action, Actor, Role, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Organization, Provider
from storage.facts.status import SourceStatus
from templates import actions, notices
from templates import slack as blocks
from templates.notices import index as words
from templates.notices.row_menu import possible, row_menu
from tests.bot.stage import Stage, staged
from tests.bot.twins.showing import OpenTwin
from tests.bot.twins.world import AT, QBO, SHOP, run_of, source, status_of
from tests.templates.homes import board as standing_board

PRIYA = SlackIdentity("T0TEMERITY", "U0PRIYA")
COMPANY = Organization("org_temerity", "Temerity Goods", "America/New_York", None, None, None)
#: What each entry of a menu needs.
NEEDS = {
    actions.REFRESH_ASK: Action.START_REFRESH,
    actions.RECONNECT: Action.CONNECT,
    actions.HISTORY: Action.SEE_HISTORY,
    actions.WHY: Action.SEE_STATUS,
    actions.SCHEDULE: Action.SEE_STATUS,
    actions.MUTE: Action.MUTE_ALARMS,
    actions.DISCONNECT: Action.DISCONNECT,
    actions.SOURCE_MORE: Action.SEE_STATUS,
}


def may(role: Role) -> frozenset[Action]:
    return frozenset(action for action, needed in NEEDED.items() if role.includes(needed))


def viewer(role: Role = Role.ADMIN) -> words.Viewer:
    manages = frozenset(Provider) if role is Role.ADMIN else frozenset[Provider]()
    return words.Viewer(may(role), manages, "UTC", ("Daniel Kim",), refresh_value)


def standing(*, connection: ConnectionState = ConnectionState.CONNECTED, freshness: Freshness = Freshness.FRESH,
             running: bool = False, mode: CollectMode = CollectMode.ON_DEMAND) -> SourceStatus:  # fmt: skip
    shop = replace(SHOP, connection=connection, mode=mode, connection_reason="the grant was revoked")
    active = run_of(shop, state=RunState.RUNNING) if running else None
    return replace(status_of(shop), source=shop, freshness=freshness, active=active)


STATES = {
    "fresh": (standing(), ("refresh_ask", "history", "schedule", "disconnect")),
    "late": (standing(freshness=Freshness.LATE), ("refresh_ask", "why", "history", "mute")),
    "lost": (standing(connection=ConnectionState.DISCONNECTED), ("reconnect", "why", "history", "disconnect")),
    "running": (standing(running=True), ("why", "history", "schedule", "mute")),
    "delivered": (standing(mode=CollectMode.PUSH), ("history", "schedule", "disconnect", "why")),
}


@pytest.mark.parametrize("state", STATES)
def test_a_row_offers_an_admin_the_four_most_useful_things_and_more(state: str) -> None:
    status, wanted = STATES[state]
    looks = viewer()
    entries = row_menu(status, looks.may, looks.manages, refresh_value)
    assert [one.action for one in entries] == [*wanted, actions.SOURCE_MORE]
    assert all(len(f"{one.action} {one.value}") <= 150 for one in entries)


def forbidden(entries: list[Button], role: Role) -> list[str]:
    return [one.action for one in entries if NEEDS[one.action] not in may(role)]


def test_nobody_is_offered_what_they_may_not_do() -> None:
    for (status, _), role in product(STATES.values(), Role):
        looks = viewer(role)
        entries = [*possible(status, looks.may, looks.manages, refresh_value)]
        entries += row_menu(status, looks.may, looks.manages, refresh_value)
        assert forbidden(entries, role) == []
        # The broken twin: a menu that looks at the state alone.
        careless = possible(status, may(Role.ADMIN), frozenset(Provider), refresh_value)
        assert bool(forbidden(careless, role)) is (role is not Role.ADMIN)


def many(number: int) -> tuple[SourceStatus, ...]:
    made = []
    for each in range(number):
        provider = list(Provider)[each % len(Provider)]
        one = source(f"src_{each:022}", provider, f"{provider.value}_{each}", company=f"Company {each} " + "x" * 60)
        lost = each % 4 == 1
        one = replace(one, connection=ConnectionState.DISCONNECTED if lost else ConnectionState.CONNECTED)
        freshness = Freshness.LATE if each % 3 == 0 else Freshness.FRESH
        running = run_of(one, state=RunState.RUNNING) if each % 5 == 0 else None
        made.append(replace(status_of(one), source=one, freshness=freshness, active=running))
    return tuple(made)


@pytest.mark.parametrize("wanted", Filter)
def test_two_hundred_sources_fit_on_pages_and_no_row_is_lost(wanted: Filter) -> None:
    found = Index(COMPANY, many(200), {})
    expected = [one.source.label for one in found.statuses if words.matches(one, wanted)]
    seen: list[str] = []
    for number in range(1, 200):
        message = words.index(found, viewer(), AT, showing=Showing(wanted, number), own=None)
        view = blocks.home([message], team_id="T0TEMERITY")
        assert len(view["blocks"]) <= 100
        assert len(json.dumps(view)) < 250_000
        drawn = [block["text"]["text"] for block in view["blocks"] if "accessory" in block]
        assert 0 < len(drawn) <= words.PAGE
        assert "…" not in "".join(line for line in drawn[0].splitlines()[1:3])
        seen += [one for text in drawn for one in expected if f"`{one}`" in text.splitlines()[0]]
        if "Next page" not in str(view):
            break
    assert sorted(seen) == sorted(expected)
    # A page that is not there any more is the last one that is.
    late = words.index(found, viewer(), AT, showing=Showing(wanted, 999), own=None)
    assert late.parts == message.parts


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMIN])
def test_a_board_of_metrics_fits_beside_two_hundred_sources_and_only_what_is_current_looks_well(role: Role) -> None:
    one = standing_board().shown
    long = [replace(shown, metric=replace(shown.metric, name=f"{n} " + "<&*" * 26)) for n, shown in enumerate(one * 2)]
    found = Index(COMPANY, many(200), {}, board=Board(tuple(long[:10]), 1_000))
    view = blocks.home([words.index(found, viewer(role), AT, showing=Showing(), own=None)], team_id="T0TEMERITY")
    assert len(view["blocks"]) <= 100
    rows = [block for block in view["blocks"] if "metric_show" in str(block.get("accessory"))]
    assert len(rows) == 10
    for row, shown in zip(rows, long, strict=False):
        text = row["text"]["text"]
        assert len(text) <= 3_000
        assert text.startswith(":white_circle:") is (shown.state is not MetricState.CURRENT)
        assert ("not judged" in text or "no value" in text) is (shown.state is not MetricState.CURRENT) or (
            shown.metric.definition.target is None
        )
        assert ("metric_change" in str(row)) is (role is Role.ADMIN and shown.state is not MetricState.FROZEN)
    offered = [e["action_id"] for block in view["blocks"] if block["type"] == "actions" for e in block["elements"]]
    assert sum(name.startswith(actions.METRIC_FORM) for name in offered) == (role is Role.ADMIN)
    assert sum(name.startswith(actions.METRIC_LIST) for name in offered) == 1
    assert "10 of 1,000; what is not current first" in str(view)


async def test_a_metric_of_the_board_is_shown_in_its_place() -> None:
    async with staged() as stage:
        shown = standing_board().shown[4]
        stage.services.metrics.known[shown.metric.name] = shown
        for name, value in (
            (actions.METRIC_SHOW, "Net income"),
            (actions.METRIC_SHOW, "Gone"),
            (actions.METRIC_LIST, ""),
        ):
            asked = Interaction(Kind.ACTION, PRIYA, "T0TEMERITY", "", f"t{value}{name}", name, value=value)
            told = (await stage.surface.front.answer(asked)).message
            assert told is not None
            assert ("Net income" in str(told)) is (value != "Gone")


def test_a_row_says_three_things_and_whose_number_it_is() -> None:
    lost = replace(QBO, connection=ConnectionState.DISCONNECTED, connection_reason="the grant was revoked")
    lost = replace(lost, account="934145", label="quickbooks_934145")
    failed = run_of(lost, state=RunState.RUNNING)
    entry = replace(status_of(lost), source=lost, freshness=Freshness.OVERDUE, active=failed)
    found = Index(COMPANY, (status_of(SHOP), entry), {lost.id: "Dana Reyes"})
    message = words.index(found, viewer(), AT + timedelta(hours=3), showing=Showing(), own=None)
    first = next(block for block in blocks.home([message])["blocks"] if "accessory" in block)["text"]["text"]
    assert "QuickBooks · Temerity Goods LLC" in first
    assert "`quickbooks_934145`" in first
    assert "Data: *overdue* · Connection: *disconnected* · Run: running since <!date^" in first
    # Counted by the reader's Slack when the page is looked at, and not by us when it was drawn.
    assert "Last data refresh: <!date^" in first
    assert "{time} ({ago})|" in first
    assert " ago)" not in first
    assert "Owner: Dana Reyes" in first
    assert "The number in its name is QuickBooks' own company id, and belongs there." in first
    assert "Next step: an admin (Daniel Kim) can reconnect it" in first


async def opened(stage: Stage, user: str) -> View:
    await stage.slack.open_home(user)
    found = await stage.slack.wait_for(lambda: stage.slack.home(user), timeout=60)
    assert found is not None
    return found


def showing(stage: Stage, user: str, text: str) -> View | None:
    found = stage.slack.modal(user)
    return found if found is not None and text in str(found.blocks) else None


async def test_what_is_pressed_on_the_page_is_answered_there() -> None:
    async with staged() as stage:
        home = await opened(stage, "U0MAYA")
        await stage.slack.click("U0MAYA", home, "menu", f"source_more {QBO.id}")
        more = await stage.slack.wait_for(partial(showing, stage, "U0MAYA", "Last data refresh"), timeout=60)
        assert more is not None
        offered = [e["action_id"] for block in more.blocks if block["type"] == "actions" for e in block["elements"]]
        assert offered == ["refresh_ask", "history", "schedule", "why"]
        await stage.slack.click("U0MAYA", more, actions.HISTORY)
        said = await stage.slack.wait_for(partial(showing, stage, "U0MAYA", "history"), timeout=60)
        assert said is not None
        assert said.id == more.id
        await stage.slack.click("U0MAYA", home, actions.HELP)
        await stage.slack.wait_for(partial(showing, stage, "U0MAYA", "/data"), timeout=60)
        # Confirmed where it was asked; what follows, the question about mail, comes as a message.
        await stage.slack.click("U0MAYA", home, "menu", _entry(home, "refresh_ask"))
        card = await stage.slack.wait_for(partial(showing, stage, "U0MAYA", "refresh_confirm"), timeout=60)
        assert card is not None
        await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)
        await stage.slack.wait_for(partial(showing, stage, "U0MAYA", "accepted"), timeout=60)
        await stage.slack.wait_for(lambda: stage.slack.messages("D0MAYA", viewer="U0MAYA"), timeout=60)
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_a_modal_that_does_not_open_is_said_in_a_message() -> None:
    async with staged() as stage:
        home = await opened(stage, "U0MAYA")
        stage.slack.lie("views.open", "error", error="expired_trigger_id")
        await stage.slack.click("U0MAYA", home, actions.HELP)
        await stage.slack.wait_for(lambda: stage.slack.messages("D0MAYA", viewer="U0MAYA"), timeout=60)
        assert stage.slack.modal("U0MAYA") is None


async def test_a_filter_redraws_the_page_and_values_that_are_not_ours_are_refused() -> None:
    async with staged() as stage:
        home = await opened(stage, "U0PRIYA")
        known = home.hash
        await stage.slack.click("U0PRIYA", home, f"{actions.HOME_SHOW}:3", "disconnected 1")
        await stage.slack.wait_for(lambda: "Every source is connected." in str(home.blocks) or None, timeout=60)
        assert home.hash != known
        for number, value in enumerate(("everything 1", "all", "all -1", "all \u0663", "all 99999", "")):
            forged = Interaction(Kind.ACTION, PRIYA, "T0TEMERITY", "", f"t{number}", actions.HOME_SHOW, value=value)
            said = await stage.surface.front.answer(forged)
            assert said.where is Where.ANSWER
            assert said.message == notices.not_found()


def _entry(home: View, name: str) -> str:
    menus = [block["accessory"]["options"] for block in home.blocks if "accessory" in block]
    return next(str(option["value"]) for options in menus for option in options if option["value"].startswith(name))


async def test_an_open_page_follows_what_changes_as_its_person_may_see_it_then() -> None:
    async with staged() as stage:
        home = await opened(stage, "U0MAYA")
        await stage.slack.click("U0MAYA", home, f"{actions.HOME_SHOW}:3", "disconnected 1")
        await stage.slack.wait_for(lambda: "Every source is connected." in str(home.blocks) or None, timeout=60)
        maya = SlackIdentity("T0TEMERITY", "U0MAYA")
        assert stage.services.home.open == [(maya, "all 1"), (maya, "disconnected 1")]
        stage.services.status.everything = [replace(SHOP, connection=ConnectionState.DISCONNECTED), QBO]
        stage.services.home.changed = [OpenTwin(maya, "disconnected 1")]
        await stage.surface.draw_homes()
        assert "Disconnected (1)" in str(home.blocks)
        assert "temeritygoods.myshopify.com" in str(home.blocks)
        assert "quickbooks_9341" not in str(home.blocks)
        # Who is no member any more sees nothing any more.
        stage.services.people.known[maya] = Actor(maya, None)
        stage.services.home.changed = [OpenTwin(maya, "disconnected 1")]
        await stage.surface.draw_homes()
        assert "temeritygoods" not in str(home.blocks)
        assert len(stage.services.home.open) == 2
        assert stage.services.home.settled == [(maya, True)] * 2
        # A Slack that takes nothing now: said at once, so that it is tried again and nobody else waits for it.
        stage.slack.lie("views.publish", "ratelimited", retry_after=900)
        stage.services.home.changed = [OpenTwin(maya, "disconnected 1")]
        async with asyncio.timeout(60):
            await stage.surface.draw_homes()
        assert stage.services.home.settled[-1] == (maya, False)
        assert stage.slack.refused == []
