"""What does not get through is named wherever freshness is said, and what waits for the fleet check says so."""

from dataclasses import replace

import pytest

from bot.cli.samples.facts import NOW, SHOPIFY, failure, run
from storage.facts.runs import FailureKind, Held, Missing, Partly, RunState
from storage.facts.sources import Freshness
from storage.facts.status import SourceStatus
from templates.gate import state_words
from templates.words import FRESHNESS

GOOD = run()
MISSING = Missing(("inventory",), "Inventory", FailureKind.RETRY, "timeout", "no answer", NOW)
PARTLY = replace(GOOD, partly=Partly((MISSING,), NOW))
HELD = replace(
    run(state=RunState.FAILED, failed=failure(FailureKind.HELD, "far_fewer_rows")), held=Held("orders", 900, 3)
)
LOADED = run(state=RunState.FAILED, failed=failure(code="unexpected"))
LOADED = replace(LOADED, clocks=replace(LOADED.clocks, loaded_at=NOW))
STILL_LATE = replace(SHOPIFY, alarm_held_at=NOW)
CASES = [
    (SHOPIFY, Freshness.FRESH, GOOD, None, "fresh"),
    (SHOPIFY, Freshness.FRESH, PARTLY, None, "fresh but blocked: Inventory could not be read"),
    (SHOPIFY, Freshness.FRESH, GOOD, HELD, "fresh but blocked: orders held, because far fewer records came"),
    (SHOPIFY, Freshness.FRESH, GOOD, LOADED, "fresh but blocked: what was collected last is not ready to import"),
    (SHOPIFY, Freshness.LATE, PARTLY, None, "late, and blocked: Inventory could not be read"),
    (STILL_LATE, Freshness.LATE, GOOD, None, "late: we are looking into it"),
    (STILL_LATE, Freshness.FRESH, GOOD, None, "fresh"),
]


def by_age_alone(status: SourceStatus) -> str:
    """A twin that calls fresh what nobody can import."""
    return FRESHNESS[status.freshness]


@pytest.mark.parametrize("words", [state_words, by_age_alone])
def test_fresh_is_never_said_of_what_does_not_get_through(words) -> None:
    wrong = []
    for source, freshness, ready, finished, expected in CASES:
        status = SourceStatus(source, freshness, ready, finished, None, None, None)
        wrong += [expected] if words(status) != expected else []
    assert bool(wrong) is (words is by_age_alone), wrong
