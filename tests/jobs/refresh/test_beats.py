"""Words while a refresh goes on: each once, in the thread, at the times that were learned, and none about a minute."""

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.notify.kinds import REFRESH_CARD
from jobs.refresh.beats import APART, beat_at, beat_sweep
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import Duration
from storage.facts.sources import Provider
from storage.records import cards
from storage.sessions import Database
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def took(half: float, long: float) -> Duration:
    return Duration(p50=half * 60, p90=long * 60, runs=60)


@pytest.mark.parametrize(
    "durations, waited, said",
    [
        ([], 59, None),
        ([], 61, "hour1"),
        ([], 190, "hour3"),
        ([took(1, 2)], 30, None),
        ([took(6, 14)], 5, None),
        ([took(6, 14)], 7, "half"),
        ([took(6, 14)], 20, "long"),
        # Too close to the one before it.
        ([took(6, 9)], 20, "half"),
        ([took(6, 58)], 61, "long"),
        # The slowest says when all of it is over.
        ([took(6, 14), took(20, 50)], 15, None),
        ([took(6, 14), took(20, 50)], 21, "half"),
    ],
)
def test_what_is_said_when(durations, waited, said):
    beat = beat_at(durations, minutes(waited))
    assert (beat.name if beat else None) == said


@given(
    st.lists(st.tuples(st.floats(0, 200), st.floats(1, 5)), max_size=3),
    st.lists(st.floats(0, 600), min_size=1, max_size=50),
)
def test_words_keep_apart_and_no_hour_is_silent(found, looks):
    durations = [took(half, half * more) for half, more in found]
    said = {beat.name: beat.after for look in sorted(looks) if (beat := beat_at(durations, minutes(look)))}
    times = sorted(said.values())
    assert all(later - earlier >= APART for earlier, later in itertools.pairwise(times))
    for look in looks:
        beat = beat_at(durations, minutes(look))
        if look >= 60 + 5:
            assert beat is not None
            assert minutes(look) - beat.after < minutes(65)


def _thread(stage: Stage) -> list[Any]:
    cards = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
    return list(stage.slack.replies("C0FINANCE", cards[0].ts, viewer="U0MAYA")) if cards else []


async def test_the_word_of_the_hour_comes_once_in_the_thread(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=6, times=1))
        await stage.request(Provider.SHOPIFY)
        later = stage.clock.now() + minutes(1)
        await eventually(lambda: stage.database.in_read(lambda session: cards.living(session, REFRESH_CARD, later)))
        stage.clock.advance(minutes(62))
        sweep = beat_sweep(stage.database, stage.clock, stage.jobs.engine.enqueue)
        await sweep()
        await sweep()

        def words() -> list[str]:
            return [one.everything for one in _thread(stage) if "Still refreshing" in one.everything]

        (said,) = await eventually(words)
        assert "Still refreshing Shopify, after 1 h 2 min" in said
        assert "The next word comes in an hour" in said
        assert "support is told" in said
        await sweep()
        assert len(words()) == 1
