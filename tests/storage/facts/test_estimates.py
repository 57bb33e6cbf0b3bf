"""Estimates of time: nine in ten runs take no longer than the long one, also while a source grows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.facts.estimates import FEWEST_RUNS, WINDOW, calibration, estimate

SECONDS = st.lists(st.floats(0.1, 20_000), max_size=2 * WINDOW)


def steady(seed: int, runs: int = 120) -> list[float]:
    """Runs of a source that stays as it is: most take a minute, some far longer."""
    draw = random.Random(seed)
    return [60 * draw.lognormvariate(0, 0.5) for _ in range(runs)]


def growing(seed: int) -> list[float]:
    """Runs of a source that grows: each takes two in a hundred longer than the one before, give or take."""
    return [took * 1.02**number for number, took in enumerate(steady(seed))]


def of_the_past_alone(taken: list[float]) -> float:
    """A twin whose long time is the plain quantile of the window: the share of runs that it held for."""
    held = [
        took <= sorted(before)[int(0.9 * len(before))]
        for number, took in enumerate(taken)
        if len(before := taken[max(0, number - WINDOW) : number]) >= FEWEST_RUNS
    ][-WINDOW:]
    return sum(held) / len(held)


@pytest.mark.parametrize("kind", [steady, growing])
def test_nine_in_ten_runs_take_no_longer_than_was_told(kind):
    found = [calibration(kind(seed)) for seed in range(40)]
    shares = [one.within_long for one in found if one]
    assert len(shares) == 40
    assert 0.87 < sum(shares) / 40 < 0.95
    assert min(shares) > 0.75
    usual = [one.within_usual for one in found if one]
    assert 0.45 < sum(usual) / 40 < 0.6


def test_the_past_alone_tells_too_little_of_a_source_that_grows():
    assert sum(of_the_past_alone(growing(seed)) for seed in range(40)) / 40 < 0.8


@given(SECONDS)
def test_nothing_is_told_below_five_runs_and_the_usual_time_is_never_the_longer_one(taken):
    told = estimate(taken)
    assert (told is None) == (len(taken) < FEWEST_RUNS)
    if told is not None:
        assert min(taken[-WINDOW:]) <= told.p50 <= told.p90 <= 2 * max(taken[-WINDOW:])
        assert told.runs == min(len(taken), WINDOW)


@given(SECONDS)
def test_how_good_it_was_counts_only_runs_before_which_something_was_told(taken):
    found = calibration(taken)
    assert (found is None) == (len(taken) <= FEWEST_RUNS)
    if found is not None:
        assert found.runs == min(WINDOW, len(taken) - FEWEST_RUNS)
        assert 0 <= found.within_usual <= found.within_long <= 1
