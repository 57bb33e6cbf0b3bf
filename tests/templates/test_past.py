"""How long older periods still take is said only while they are being read at a pace that is known."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.cli.samples.facts import NOW, QUICKBOOKS, begun, run
from storage.facts.runs import RunState
from templates.notices.past import past_told, unread


def test_the_rest_is_told_with_its_time_while_it_is_read() -> None:
    assert past_told(begun(), run(QUICKBOOKS, RunState.RUNNING), NOW).endswith("still being read, about 11 min left.")


def test_where_the_provider_decides_how_long_it_takes_that_is_told() -> None:
    slow = replace(begun(), older=tuple(replace(one, seconds=7200.0) for one in begun().older))
    told = past_told(slow, run(QUICKBOOKS, RunState.RUNNING), NOW)
    assert "about 1 h 5" in told, told


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 0},
        {"started_at": None},
        {"finished_at": NOW - timedelta(hours=5), "started_at": NOW - timedelta(hours=6)},
    ],
    ids=["nothing read", "only made ready", "longer than foretold"],
)
def test_no_time_is_told_where_nobody_can_know(changes: dict[str, Any]) -> None:
    told = past_told(replace(begun(), **changes), run(QUICKBOOKS, RunState.RUNNING), NOW)
    assert told.endswith("Older ones are still being read.")


def test_what_waits_for_its_next_attempt_or_is_not_under_way_has_no_time() -> None:
    waiting = run(QUICKBOOKS, RunState.QUEUED, next_attempt_at=NOW + timedelta(minutes=3))
    assert past_told(begun(), waiting, NOW).endswith("Older ones are still being read.")
    assert past_told(begun(), None, NOW).endswith("not in yet; the next collections bring them.")


def test_a_run_that_did_not_become_ready_says_nothing_of_what_is_in() -> None:
    assert not unread(replace(begun(), state=RunState.FAILED))
