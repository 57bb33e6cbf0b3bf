"""How long a run will take, told from how long the ones before it took, and how good such estimates were.

Two times are told: the usual one (half of the runs are done by then) and the long one (nine in ten are). Quantiles of
the past alone are too small whenever a source grows, so the level of each follows its own mistakes: a run that took
longer raises it, one that did not lowers it by as much as keeps the promised share (adaptive conformal inference, Gibbs
and Candès 2021). What was told then is a function of the runs before, so how good it was is calculated, not stored.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage.facts.runs import Duration

#: below that nobody can know
FEWEST_RUNS = 5
#: runs that an estimate looks back on
WINDOW = 60
#: shares of runs that should take no longer than the usual and the long time
USUAL, LONG = 0.5, 0.9
_STEP = 0.05
#: beyond 1 the longest run so far is stretched
_LEAST_LEVEL, _MOST_LEVEL = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often runs took no longer than the times that were told before they began, as shares from 0 to 1."""

    runs: int
    within_usual: float
    within_long: float


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told before a run, and whether it held; of the next run only what is told."""

    usual: float
    long: float
    took: float | None


def estimate(taken: Sequence[float]) -> Duration | None:
    """Return the times for the next run, in seconds, from those of the last ones, oldest first; None below five."""
    if len(taken) < FEWEST_RUNS:
        return None
    *_, following = _told(taken)
    return Duration(p50=following.usual, p90=following.long, runs=min(len(taken), WINDOW))


def calibration(taken: Sequence[float]) -> Calibration | None:
    """Return how well the estimates before each of these runs (oldest first) held; None where none was told."""
    held = [told for told in _told(taken) if told.took is not None][-WINDOW:]
    if not held:
        return None
    usual = sum(told.took <= told.usual for told in held if told.took is not None)
    long = sum(told.took <= told.long for told in held if told.took is not None)
    return Calibration(len(held), usual / len(held), long / len(held))


def _told(taken: Sequence[float]) -> Iterator[_Told]:
    """Go through the runs as they came: what was told before each, and at the end what is told of the next."""
    ordered: list[float] = []
    usual_level, long_level = USUAL, LONG
    for number, took in enumerate((*taken, None)):
        if number >= FEWEST_RUNS:
            long = _at(ordered, long_level)
            usual = min(long, _at(ordered, usual_level))
            yield _Told(usual, long, took)
            if took is not None:
                usual_level = _corrected(usual_level, USUAL, missed=took > usual)
                long_level = _corrected(long_level, LONG, missed=took > long)
        if took is not None:
            insort(ordered, took)
            if len(ordered) > WINDOW:
                ordered.remove(taken[number - WINDOW])


def _corrected(level: float, share: float, *, missed: bool) -> float:
    return min(_MOST_LEVEL, max(_LEAST_LEVEL, level + _STEP * (missed - (1 - share))))


def _at(ordered: Sequence[float], level: float) -> float:
    if level > 1:
        return ordered[-1] * level
    return ordered[min(len(ordered) - 1, int(level * len(ordered)))]
