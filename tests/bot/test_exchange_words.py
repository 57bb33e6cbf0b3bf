"""`/data exchange`, as people type and press it: the map, one pair, what managers and admins do, what is refused."""

from dataclasses import replace

import pytest

from bot.cli.samples.facts import QUICKBOOKS
from storage.facts.exchange import Pair
from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.test_channel_words import told

#: an admin, and a refresher
MANAGER, REFRESHER = "U0DANIEL", "U0MAYA"


async def _pressed(stage: Stage, user: str, action: str, expected: str) -> None:
    card = [m for m in stage.slack.messages("C0FINANCE", viewer=user) if action in m.actions][-1]
    assert (await stage.slack.click(user, card, action)).ok
    await stage.slack.wait_for(lambda: [t for t in stage.seen(user, "C0FINANCE") if expected in t])


async def test_the_map_tells_of_each_arrow_what_holds_it_and_when_it_goes_next() -> None:
    async with staged() as stage:
        seen = await told(stage, "U0PRIYA", "exchange")
        for pair in Pair:
            assert pair.label in seen
        assert "Held, nothing was sent" in seen
        assert "Waiting" in seen
        assert "*Paused* by Daniel Kim" in seen
        assert "2 customers were left out" in seen
        assert stage.slack.red == []


async def test_one_pair_is_shown_started_and_told_of_once_it_is_over() -> None:
    async with staged() as stage:
        shown = await told(stage, MANAGER, "exchange customers")
        assert "every night at 02:00, between 01:00 and 05:00" in shown
        await _pressed(stage, MANAGER, actions.EXCHANGE_START, "5,012 rows sent")
        assert [what for what, _, _ in stage.services.exchange.did] == ["start"]
        await told(stage, MANAGER, "exchange customers dry run")
        await stage.slack.wait_for(lambda: [t for t in stage.seen(MANAGER, "C0FINANCE") if "would be sent" in t])


async def test_a_held_file_is_let_go_or_put_away_by_a_person() -> None:
    async with staged() as stage:
        shown = await told(stage, MANAGER, "exchange items")
        assert "3,100 instead of 5,012" in shown.replace(" rows", "")
        assert "38 % fewer" in shown
        await _pressed(stage, MANAGER, actions.EXCHANGE_DISCARD, "the held file is not sent")
        await _pressed(stage, MANAGER, actions.EXCHANGE_RELEASE, "rows sent")
        assert {what for what, _, _ in stage.services.exchange.did} == {"discard xrn_items", "release xrn_items"}


async def test_what_words_do_and_what_they_cannot() -> None:
    async with staged() as stage:
        for words, said in {
            "exchange reps resume": "resumed",
            "exchange customers pause": "Customers: paused.",
            "exchange customers history": "Runs of customers",
            "exchange customers files": "Earlier files of customers",
            "exchange temerity-01 vendors": "QuickBooks → PocketAdvantage",
            "exchange temerity-01": "Exchange with PocketAdvantage",
            "exchange customers schedule whenever": "no schedule that can be kept",
            "exchange customers schedule nightly 03:30 within 01:00-05:00": "Nothing is changed yet",
            "exchange custmers": "means nothing to the exchange",
            "exchange customers dance": "means nothing to the exchange",
        }.items():
            assert said in await told(stage, MANAGER, words), words
        card = [m for m in stage.slack.messages("C0FINANCE", viewer=MANAGER) if actions.EXCHANGE_SCHEDULE in m.actions]
        for _ in range(2):
            assert (await stage.slack.click(MANAGER, card[-1], actions.EXCHANGE_SCHEDULE)).ok
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen(MANAGER, "C0FINANCE") if "it has another schedule" in t]
        )
        kept = [one for one in stage.services.exchange.did if one[0].startswith("schedule")]
        assert len({trigger for _, _, trigger in kept}) == 1
        stage.services.exchange.against = "PocketAdvantage is disconnected"
        assert "Nothing was done" in await told(stage, MANAGER, "exchange customers start")
        stage.services.exchange.known = []
        assert "not connected" in await told(stage, MANAGER, "exchange")
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_a_connection_of_no_company_asks_admins_for_one() -> None:
    async with staged() as stage:
        view = stage.services.exchange.known[0]
        bare = replace(view, source=replace(view.source, id="src_2", account="temerity-02"), books=None, pairs=())
        stage.services.exchange.known = [view, replace(bare, companies=(QUICKBOOKS,))]
        assert "to choose one in" in await told(stage, REFRESHER, "exchange")
        assert "choose the company" in await told(stage, MANAGER, "exchange temerity-02 customers")
        await _pressed(stage, MANAGER, actions.EXCHANGE_COMPANY, "are made of its records")
        assert [what for what, _, _ in stage.services.exchange.did] == [f"books {QUICKBOOKS.id}"]


async def test_orders_of_a_run_and_invoices_of_nights_go_again_after_a_word_of_what_that_does() -> None:
    async with staged() as stage:
        shown = await told(stage, MANAGER, "exchange orders again")
        assert "What is missing is sent once more" in shown
        await _pressed(stage, MANAGER, actions.EXCHANGE_REPLAY, "went into QuickBooks")
        assert "Say its date" in await told(stage, MANAGER, "exchange invoices again")
        assert "need not be sent again" in await told(stage, MANAGER, "exchange customers again")
        assert "Say its date" in await told(stage, MANAGER, "exchange invoices again since 2026-02-31")
        assert "No invoice went" in await told(stage, MANAGER, "exchange invoices again since 2029-01-01")
        assert "Nothing is changed yet" in await told(stage, MANAGER, "exchange invoices again since 2026-11-18")
        await _pressed(stage, MANAGER, actions.EXCHANGE_RESEND, "188 rows sent")
        assert [what for what, _, _ in stage.services.exchange.did] == ["replay xrn_orders", "again 2026-11-18"]
        answer = await told(stage, REFRESHER, "exchange invoices again since 2026-11-18")
        assert "manager" in answer


async def test_of_several_connections_one_is_named_but_for_the_mapping_which_is_for_all() -> None:
    async with staged() as stage:
        view = stage.services.exchange.known[0]
        stage.services.exchange.known = [view, replace(view, source=replace(view.source, account="temerity-02"))]
        assert "Which one?" in await told(stage, MANAGER, "exchange customers")
        for words in ("exchange mapping", "exchange customers mapping"):
            assert "every connection to PocketAdvantage sends by it" in await told(stage, MANAGER, words)


async def test_an_order_is_looked_up_by_either_number_and_taken_again_by_managers() -> None:
    async with staged() as stage:
        for words in ("exchange orders SO-1042", "exchange order SO-1042"):
            assert "Customer 999999 is not in QuickBooks" in await told(stage, REFRESHER, words)
        assert "is known here" in await told(stage, REFRESHER, "exchange orders so-1042"), "capitals tell them apart"
        shown = await told(stage, MANAGER, "exchange orders SO-1042")
        assert "is in QuickBooks as Estimate" in shown
        await _pressed(stage, MANAGER, actions.EXCHANGE_ORDER_AGAIN, "only if it is not there")
        assert [what for what, _, _ in stage.services.exchange.did] == ["again SO-1042"]


@pytest.mark.parametrize("words", ["start", "pause", "files", "schedule every 15"])
async def test_who_is_no_manager_is_told_who_can(words: str) -> None:
    async with staged() as stage:
        answer = await told(stage, REFRESHER, f"exchange customers {words}")
        assert "manager" in answer
        assert stage.services.exchange.did == []


async def test_admins_switch_pairs_on_and_off_and_nobody_else() -> None:
    async with staged() as stage:
        assert "admin" in await told(stage, REFRESHER, "exchange customers off")
        assert stage.services.exchange.did == []
        assert "switched off" in await told(stage, MANAGER, "exchange customers off")
        assert "switched on" in await told(stage, MANAGER, "exchange customers on")
        assert [what for what, _, _ in stage.services.exchange.did] == ["switch False", "switch True"]


async def test_creating_orders_is_allowed_by_an_admin_who_was_asked_first() -> None:
    async with staged() as stage:
        writing = stage.services.order_writing

        def allowed() -> bool:
            return writing.is_allowed

        assert "Nothing has changed yet" in await told(stage, MANAGER, "exchange allow orders")
        assert not allowed()
        await _pressed(stage, MANAGER, actions.EXCHANGE_ALLOW, "Tidings may create orders in")
        assert allowed()
        assert "That was so already" in await told(stage, MANAGER, "exchange allow orders")
        assert "none is lost" in await told(stage, MANAGER, "exchange stop orders")
        await _pressed(stage, MANAGER, actions.EXCHANGE_FORBID, "creates no more orders")
        assert not allowed()
        denied = await told(stage, REFRESHER, "exchange allow orders")
        assert "allow orders to be created in QuickBooks" in denied
        writing.against = "QuickBooks is disconnected; reconnect it first"
        await told(stage, MANAGER, "exchange allow orders")
        await _pressed(stage, MANAGER, actions.EXCHANGE_ALLOW, "Nothing was changed: QuickBooks is disconnected")
        assert stage.slack.red == []
