"""The words of the product: labelled times, three separate states, one next step, no promise that is not kept."""

import json
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from bot.cli.samples.catalogue import messages
from bot.cli.samples.facts import (
    ADMINS,
    COUNTS,
    NOW,
    ORG,
    QUICKBOOKS,
    SHOPIFY,
    cut_off,
    failure,
    many,
    minutes,
    ready,
    refresh,
    run,
    source,
    status,
    working,
)
from storage.facts import messages as m
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.people import Action, Role
from storage.facts.policies import DEFAULT_POLICY, Call, CallKind, Course
from storage.facts.runs import Clocks, Duration, FailureKind, Held, RunState, Stage, Trigger
from storage.facts.schedules import Rhythm, Rule
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider
from storage.facts.status import Again
from storage.facts.streams import StreamCounts
from templates import actions, mail, notices, slack, words
from templates.notices.pieces import rows_so_far
from templates.rhythm import rhythm

#: What may stand before an instant in running text; without one of these nobody knows which time it is.
LABELS = (
    "as of ", "asked for", "asked (", "Asked for by", "for by", "next ", "Next collection: ", "since ", "Collected ", "Checked ", "told, ",
    "attempt ", "progress ", "Acknowledged", "Ended, ", "Ended ", "failed", "cancelled", "→ ", "until ", "this one ends ", "Tested: ", "Accepted: ", "Asked: ",
    "of support: ", "support is told: ", "Stopped: ", "over by ", "Failed ", "Read ", "told to PocketAdvantage ", "Replaced ",
)  # fmt: skip


def said(message):
    """Return everything the message says, as one text."""
    return mail.render(message).text


def pressed(message):
    return {button.action: button for part in message.parts if isinstance(part, m.Buttons) for button in part.buttons}


def unlabelled(message):
    """Return the instants in running text that no label precedes; facts and tables have their labels by shape."""
    found = []
    for part in message.parts:
        runs = [part.parts] if isinstance(part, m.Paragraph | m.Note) else []
        runs += [step.detail for step in part.steps] if isinstance(part, m.Steps) else []
        for inlines in runs:
            before = ""
            for inline in inlines:
                if isinstance(inline, m.When) and not any(label in before[-60:] for label in LABELS):
                    found.append(before)
                before += inline if isinstance(inline, str) else getattr(inline, "text", "")
    return found


@pytest.mark.parametrize("name", sorted(messages()))
def test_no_time_is_unlabelled_and_nothing_is_promised_that_is_not_there(name):
    message = messages()[name]
    assert unlabelled(message) == []
    for part in message.parts:
        if isinstance(part, m.Facts):
            assert all(label.strip() for label, _ in part.rows)
        if isinstance(part, m.Table):
            assert all(part.columns)
            assert all(len(row) == len(part.columns) for row in part.rows)


def test_an_unlabelled_time_would_be_caught():
    assert unlabelled(m.Message("x", (m.Paragraph(("Shopify ", m.When(NOW))),))) == ["Shopify "]


@pytest.mark.parametrize("name", sorted(messages()))
def test_the_summary_is_one_plain_sentence_with_its_zone(name):
    summary = messages()[name].summary
    assert summary[-1] in ".?"
    assert len(summary) < 300
    if "2026" in summary:
        assert any(zone in summary for zone in ("EST", "UTC"))


@pytest.mark.parametrize(
    "loaded, told", [(None, "Nothing was changed"), (NOW, "the tables to import were not made of it")]
)
def test_a_read_that_stopped_behind_its_load_does_not_say_that_nothing_changed(loaded, told):
    ended = run(state=RunState.FAILED, failed=failure(), clocks=Clocks(NOW - minutes(12), None, loaded, None))
    text = said(notices.refresh_card(refresh((SHOPIFY, ended), again=Again("Orders", None)), NOW))
    assert told in text
    assert ("Nothing was changed" in text) == (loaded is None)


def test_status_keeps_connection_run_and_freshness_apart():
    busy = status(
        source(connection=ConnectionState.ATTENTION, reason="a permission is missing"),
        Freshness.LATE,
        active=run(state=RunState.RUNNING, stage=Stage.COLLECTING, rows=1204, expected=3000),
        last_finished=run(state=RunState.FAILED, asked=20, failed=failure()),
    )
    text = said(notices.status(ORG, [busy], NOW))
    assert "Shopify · Temerity Goods: late" in text
    assert "Running now: collecting, 1,204 of about 3,000 rows" in text
    assert "Connection: connected, needs attention since" in text
    assert "Last data refresh (data as of): Nov 21, 2026, 19:17 UTC (24 min ago)" in text
    assert "Last attempt: failed while collecting" in text


@pytest.mark.parametrize(
    "rows, took, stood, said_of_it",
    [
        (1200, 120, 0, "1,200 of about 6,000 rows, at least 8 min left"),
        (1200, 120, 90, "1,200 of about 6,000 rows"),  # nothing came of late: nobody knows
        (1200, 5, 0, "1,200 of about 6,000 rows"),  # too early to tell
        (5990, 120, 0, "5,990 of about 6,000 rows"),
        (6100, 120, 0, "6,100 rows so far"),
    ],
)
def test_a_reading_says_how_long_it_takes_still_at_its_own_pace(rows, took, stood, said_of_it):
    began = NOW - timedelta(seconds=took)
    times: dict[str, Any] = {"started_at": began, "progress_at": NOW, "moved_at": NOW - timedelta(seconds=stood)}
    assert (
        rows_so_far(run(state=RunState.RUNNING, stage=Stage.COLLECTING, rows=rows, expected=6000, **times))
        == said_of_it
    )


def test_a_failed_run_never_moves_the_last_data_refresh():
    healthy, failing = status(), status(last_finished=run(state=RunState.FAILED, asked=1, failed=failure()))
    line = next(
        line for line in said(notices.source_status(ORG, healthy, NOW)).splitlines() if line.startswith("Last data")
    )
    assert line in said(notices.source_status(ORG, failing, NOW))


def test_status_puts_what_needs_a_person_on_top_and_counts_it():
    message = notices.status(ORG, [*many(50), cut_off()], NOW)
    assert message.summary.startswith("Temerity Goods: 16 of 51 sources are fresh, 1 is disconnected.")
    lost = replace(cut_off(), freshness=Freshness.FRESH)
    assert notices.status(ORG, [lost, lost], NOW).summary.startswith(
        "Temerity Goods: both sources are fresh for now, but 2 are disconnected."
    )
    table = next(part for part in message.parts if isinstance(part, m.Table))
    assert table.rows[0][3] == ("disconnected: Shopify refused the stored grant",)
    assert table.rows[0][5] == ("none until it is reconnected",)
    assert [row[2][0] for row in table.rows[1:]] == ["overdue"] * 17 + ["late"] * 17 + ["fresh"] * 16


def test_fifty_sources_are_all_shown_in_one_slack_message():
    blocks = slack.render(notices.status(ORG, many(50), NOW, refresh_value="x"))["blocks"]
    table = next(block for block in blocks if block["type"] == "data_table")
    assert len(table["rows"]) == 51
    assert blocks[-1]["type"] == "actions"


def test_quickbooks_says_when_it_was_and_will_be_collected():
    text = said(notices.confirm_refresh(ORG, [status(QUICKBOOKS)], NOW, value="v"))
    assert "collected by a timer every 60 minutes, never by this button" in text
    assert "Collected Nov 21, 2026, 19:17 UTC (24 min ago), next Nov 21, 2026, 20:17 UTC (in 36 min)." in text
    stretched = replace(status(QUICKBOOKS), reads=(412_000, 500_000), stretched_minutes=120)
    text = said(notices.status(ORG, [stretched], NOW))
    assert "collected every 2 hours instead of every 60 minutes" in text
    assert "412,000 of 500,000 reads of this month's budget are used (82 %)" in text


def test_every_answer_says_a_schedule_by_the_wall_clock():
    daily = replace(QUICKBOOKS, schedule_minutes=1440, rule=Rule(Rhythm.DAILY, time(7, 30)), zone="America/New_York")
    words = "every day at 07:30 New York time"
    assert f"collected by a timer {words}, never by this button" in said(
        notices.confirm_refresh(ORG, [status(daily)], NOW, value="v")
    )
    assert f", {words}" in said(notices.status(ORG, [status(daily)], NOW))
    still = [Dependent(DependentKind.SCHEDULE, daily.id, rhythm(daily))]
    assert f"{words}, next " in said(notices.disconnect_card(ORG, status(daily), NOW, dependents=still))
    off = replace(SHOPIFY, schedule_minutes=1440, rule=Rule(Rhythm.OFF))
    assert "none planned, its schedule is off" in said(notices.status(ORG, [status(off, next_run_at=None)], NOW))


@pytest.mark.parametrize("runs,shown", [(Duration(130, 290, 5), True), (Duration(130, 290, 4), False), (None, False)])
def test_a_typical_duration_is_shown_from_five_runs_on(runs, shown):
    text = said(notices.confirm_refresh(ORG, [replace(status(), duration=runs)], NOW, value="v"))
    assert ("Usually takes: 2 to 5 min (last 5 good runs)" in text) is shown
    assert ("Usually" in text) is shown


def test_confirm_offers_only_what_is_not_fresh_where_that_is_less():
    ids = {"value": "all", "stale_value": "some", "dismiss_value": "none"}
    late = status(QUICKBOOKS, Freshness.LATE)
    both = pressed(notices.confirm_refresh(ORG, [status(), late], NOW, **ids))
    assert {name: button.value for name, button in both.items()} == {
        actions.REFRESH_CONFIRM: "all",
        actions.REFRESH_STALE: "some",
        actions.REFRESH_DISMISS: "none",
    }
    assert both[actions.REFRESH_STALE].text == "Confirm for what is not fresh (1)"
    assert next(iter(both)) == actions.REFRESH_STALE, "what is fresh is left alone unless somebody wants it"
    for statuses in ([status(), status(QUICKBOOKS)], [late, status(freshness=Freshness.NEVER)], [late]):
        assert actions.REFRESH_STALE not in pressed(notices.confirm_refresh(ORG, statuses, NOW, **ids))


def test_confirm_names_what_is_left_out_and_refuses_when_nothing_is_left():
    mixed = notices.confirm_refresh(ORG, [cut_off(), status(QUICKBOOKS)], NOW, value="v", admins=ADMINS)
    assert "Left out: Shopify. It is disconnected" in said(mixed)
    assert "an admin (Daniel Kim) can reconnect it" in said(mixed)
    nothing = notices.confirm_refresh(ORG, [cut_off()], NOW, value="v", dismiss_value="d")
    assert set(pressed(nothing)) == {actions.REFRESH_DISMISS}


def test_an_older_time_is_explained_only_where_it_is_older():
    older = notices.refresh_finished(refresh((QUICKBOOKS, run(QUICKBOOKS, asked=12, as_of=64))))
    newer = notices.refresh_finished(refresh((QUICKBOOKS, run(QUICKBOOKS, asked=12, as_of=11))))
    shopify = notices.refresh_finished(refresh((SHOPIFY, run(asked=12, as_of=64))))
    assert "before you asked" in said(older)
    assert "Next collection: Nov 21, 2026, 20:37 UTC" in said(older)
    assert "before you asked" not in said(newer)
    assert "was running already and was joined" in said(shopify)


def test_a_confirmation_has_the_four_clocks_by_name_and_the_receipt():
    message = notices.refresh_finished(ready(), receipts={"run_src_shopify_1": "rcp_04"})
    text = said(message)
    for line in (
        "Asked: Nov 21, 2026, 19:29 UTC",
        "Data as of: Nov 21, 2026, 19:30 UTC",
        "Loaded: Nov 21, 2026, 19:32 UTC",
        "Ready to import: Nov 21, 2026, 19:33 UTC",
        "Before this refresh, data as of: Nov 21, 2026, 18:06 UTC",
        "Rows: 41 new, 15 changed, 0 deleted",
    ):
        assert line in text
    assert "Receipt rcp_04" in text
    assert message.subject == "Temerity Goods: Shopify data is ready to import"
    assert message.kind == "refresh_ready"


def test_only_what_was_looked_at_again_is_called_checked():
    looked = notices.refresh_finished(refresh((SHOPIFY, run(asked=12, as_of=11))))
    only_processed = notices.refresh_finished(refresh((QUICKBOOKS, run(QUICKBOOKS, asked=12, as_of=64))))
    assert "Rows: checked, nothing had changed" in said(looked)
    assert "Rows: nothing new had been collected" in said(only_processed)


def test_kinds_of_record_read_as_words():
    counts = {
        "JournalEntry": StreamCounts(new=1, total=1),
        "orders": StreamCounts(new=1, total=1),
        "ProfitAndLoss": StreamCounts(),
    }
    text = said(notices.refresh_finished(refresh((SHOPIFY, run(counts=counts))), streams={"orders": "Shop orders"}))
    assert "- Journal entry (New: 1" in text
    assert "- Shop orders (New: 1" in text
    assert "One other kind of record had no change." in text


@pytest.mark.parametrize(
    "state,kind,headline",
    [
        (RunState.READY, "refresh_ready", "Shopify data is ready to import"),
        (RunState.FAILED, "refresh_failed", "refresh of Shopify failed while collecting"),
        (RunState.CANCELLED, "refresh_cancelled", "refresh of Shopify was cancelled"),
    ],
)
def test_card_and_confirmation_agree(state, kind, headline):
    ended = refresh((SHOPIFY, run(state=state, failed=failure() if state is RunState.FAILED else None, counts=COUNTS)))
    told = notices.refresh_finished(ended)
    assert told.subject == f"{ORG}: {headline}"
    assert told.kind == kind
    assert notices.refresh_card(ended, NOW).parts[0] == m.Heading(f"{ORG}: {headline}")


def test_a_running_card_can_be_cancelled_and_an_ended_one_cannot():
    assert pressed(notices.refresh_card(working(), NOW, cancel_value="rfr_1"))[actions.REFRESH_CANCEL].value == "rfr_1"
    stopping = refresh((SHOPIFY, run(state=RunState.CANCELLING)))
    for ended in (ready(), stopping):
        assert pressed(notices.refresh_card(ended, NOW, cancel_value="rfr_1")) == {}


def test_a_waiting_run_says_when_and_why():
    waiting = run(state=RunState.RUNNING, stage=Stage.COLLECTING, next_attempt_at=NOW + minutes(2), failed=failure())
    text = said(notices.refresh_card(refresh((SHOPIFY, waiting)), NOW))
    assert "waiting, next attempt Nov 21, 2026, 19:43 UTC, because Shopify did not answer within 60 seconds" in text
    due = replace(waiting, next_attempt_at=NOW - timedelta(seconds=1))
    assert "waiting" not in said(notices.refresh_card(refresh((SHOPIFY, due)), NOW))


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("code", ["invalid_grant", "never_seen_before", "{admins}"])
def test_every_failure_has_words_and_a_next_step(kind, code):
    told = words.failure_words(failure(kind, code, "some {detail} of ours", Stage.PROCESSING), SHOPIFY, ADMINS)
    assert told.what.endswith(".")
    assert told.next_step.endswith(".")
    if code == "never_seen_before":
        assert "some {detail} of ours" in told.what
        assert "ref_7k2m9q" in told.next_step or "reconnect" in told.next_step


def test_every_fact_with_a_name_has_words():
    assert set(words.PROVIDERS) == set(Provider)
    assert set(words.FRESHNESS) == set(Freshness)
    assert set(words.CONNECTION) == set(ConnectionState)
    assert set(words.ROLES) == set(Role)
    assert set(words.ACTIONS) == set(Action)
    assert set(words.STAGES) == set(Stage)


def test_three_hours_later_support_has_all_it_needs():
    stuck = run(state=RunState.RUNNING, stage=Stage.COLLECTING, asked=181, rows=12_400, expected=18_200)
    late = refresh((SHOPIFY, stuck), escalated_at=NOW)
    called = Call(CallKind.STEP, 0, NOW, NOW)
    course = Course(DEFAULT_POLICY, (called,), NOW + minutes(60), ())
    ids: dict[str, Any] = {"value": "rfr_1", "account_rep": "Rhea Sol"}
    open_post = notices.escalation(late, NOW, course=course, **ids)
    for piece in (
        "Temerity Goods",
        "Rhea Sol",
        "Maya Ortiz",
        "run_src_shopify_1",
        "rows or stage last moved",
        "its worker is alive",
        "collecting, 12,400 of about 18,200 rows",
        "3 h 1 min",
    ):
        assert piece in said(open_post)
    assert list(pressed(open_post)) == [
        actions.ESCALATION_ACKNOWLEDGE,
        actions.ESCALATION_RETRY,
        actions.ESCALATION_CANCEL,
    ]
    taken = replace(course, calls=(called, Call(CallKind.TAKEN, 1, NOW + minutes(60), NOW, "Sam Keller")))
    seen = notices.escalation(replace(late, acknowledged_by="Sam Keller"), NOW, course=taken, **ids)
    assert list(pressed(seen)) == [actions.ESCALATION_RETRY, actions.ESCALATION_CANCEL]
    assert "Acknowledged by Sam Keller, Nov 21, 2026, 19:41 UTC" in said(seen)
    ended = notices.escalation(ready(escalated_at=NOW), NOW, course=taken, **ids)
    assert pressed(ended) == {}
    assert ended.subject == "Ended · Temerity Goods: Shopify data is ready to import"


def test_a_first_read_that_stands_still_is_called_by_its_name():
    stuck = run(
        state=RunState.RUNNING,
        stage=Stage.COLLECTING,
        asked=600,
        rows=12_400,
        trigger=Trigger.FIRST_READ,
        progress_at=NOW - minutes(190),
    )
    course = Course(DEFAULT_POLICY, (), NOW, ())
    alone = refresh((SHOPIFY, stuck), people=(), requested_by=None)
    post = notices.escalation(alone, NOW, value="run_1", course=course)
    assert post.subject == "Needs support · Temerity Goods: first read of Shopify stands still, started 10 h ago"
    assert "no sign of life of its worker since" in said(post)


def test_a_cancel_says_what_goes_on_for_others():
    left = run(state=RunState.CANCELLED, goes_on=True)
    alone = refresh((SHOPIFY, left), goes_on_for={SHOPIFY.id: ("Daniel Kim",)}, finished_at=NOW)
    answer = said(notices.cancel_requested(alone))
    assert "you are no longer told about this refresh. The run of Shopify goes on for Daniel Kim." in answer
    assert "is being stopped" not in answer
    assert "goes on for Daniel Kim" in said(notices.refresh_card(alone, NOW))
    assert "goes on for Daniel Kim" in said(notices.refresh_finished(alone))
    both = refresh(
        (SHOPIFY, left),
        (QUICKBOOKS, run(QUICKBOOKS, state=RunState.CANCELLING)),
        goes_on_for={SHOPIFY.id: ("Daniel Kim",)},
    )
    answer = said(notices.cancel_requested(both))
    assert "the refresh is being stopped" in answer
    assert "The run of Shopify goes on for Daniel Kim." in answer


def test_the_asker_is_told_that_support_knows():
    stuck = run(state=RunState.RUNNING, stage=Stage.COLLECTING, asked=181)
    message = notices.escalation_told(refresh((SHOPIFY, stuck), escalated_at=NOW), NOW)
    assert "Still processing." in said(message)
    assert "Support was told, Nov 21, 2026, 19:41 UTC" in said(message)
    assert message.subject == "Temerity Goods: refresh of Shopify is still processing after 3 h 1 min, support knows"


def test_push_sources_are_delivered_and_never_asked_for():
    pushed = replace(status(), source=replace(SHOPIFY, mode=CollectMode.PUSH), next_run_at=None)
    assert "Next collection: when its next file comes" in said(notices.status(ORG, [pushed], NOW))


def test_answers_name_the_role_the_guess_and_who_can_help():
    denied = said(notices.not_allowed(Action.START_REFRESH, Role.REFRESHER, ADMINS))
    assert "You need the role refresher to start a refresh" in denied
    assert "Daniel Kim" in denied
    assert "Did you mean Shopify?" in said(notices.unknown_source("shopfiy", ["Shopify"], "Shopify"))
    assert "Did you mean" not in said(notices.unknown_source("zzz", ["Shopify"]))
    assert "Did you mean /data status?" in said(notices.unknown_command("statsu", "status"))
    assert "nothing was started" in notices.try_again().summary
    assert "ref_1" in notices.failure("ref_1").summary
    assert (
        notices.nothing_started(ORG, []).summary
        == "Temerity Goods: everything is fresh already, so nothing was started."
    )
    assert "2 sources are disconnected" in notices.nothing_started(ORG, [SHOPIFY, QUICKBOOKS]).summary


def test_yes_and_no_carry_their_ids():
    asked = pressed(notices.ask_address("maya@temeritygoods.example", yes_value="y", no_value="n"))
    assert {name: button.value for name, button in asked.items()} == {actions.EMAIL_YES: "y", actions.EMAIL_NO: "n"}


def test_names_lengthen_only_as_far_as_needed():
    other = source(number=2, company="Second Shop")
    twin = source(number=3, company="Second Shop")
    assert list(words.short_names([SHOPIFY, QUICKBOOKS]).values()) == ["Shopify", "QuickBooks"]
    assert list(words.short_names([SHOPIFY, other]).values()) == ["Shopify · Temerity Goods", "Shopify · Second Shop"]
    assert words.short_names([other, twin])[twin.id] == "Shopify (store-3.myshopify.com)"


def test_every_action_has_a_name_that_survives_the_round_trip():
    names = [value for key, value in vars(actions).items() if key.isupper()]
    assert len(set(names)) == len(names)
    assert all(slack.action_name(f"{name}:2") == name for name in names)
    assert all(set(json.dumps(name)) <= set('"abcdefghijklmnopqrstuvwxyz_') for name in names)


def test_a_source_is_called_by_the_way_in_which_its_files_come():
    mailed = replace(
        QUICKBOOKS, provider=Provider.NETSUITE, label="NetSuite via email reports", company="Temerity Goods"
    )
    assert words.source_name(mailed) == "NetSuite via email reports"
    assert words.source_title(mailed) == "NetSuite via email reports · Temerity Goods"
    assert words.source_name(QUICKBOOKS).startswith("QuickBooks (quickbooks_")


def test_a_held_read_is_said_to_wait_for_a_person_and_never_to_have_failed():
    card = said(messages()["card_failed"])
    assert "is held: far fewer records came, a person decides" in card
    assert "3,100 orders came where 18,204 are there" in card
    assert "failed" not in card
    shown = status(
        last_finished=run(state=RunState.FAILED, failed=failure(FailureKind.HELD), held=Held("orders", 9, 1))
    )
    assert "1 orders came where 9 are there" in said(notices.source_status(ORG, shown, NOW))
