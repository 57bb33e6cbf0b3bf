"""Figures of this process for monitoring: counted where things happen, read by whoever asks. No names, no secrets.

Every label is one of a few words of ours (a provider, a state, the name of a sweep), so that there are never many.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

#: Seconds that a distribution is told by.
BOUNDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

RUNS_ENDED = "runs_ended"
RUN_START_LAG = "run_start_lag"
SLOT_LAG = "slot_lag"
DELIVERIES_SETTLED = "deliveries_settled"
EXPECTATIONS_MISSED = "expectations_missed"
SWEEPS = "sweeps"
RATE_WAITS = "rate_waits"

Labels = tuple[str, ...]


@dataclass(slots=True)
class Spread:
    """How long something took: how often, how long altogether, and how often within each bound."""

    count: int = 0
    total: float = 0.0
    within: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def take(self, seconds: float) -> None:
        """Take one more in."""
        self.count += 1
        self.total += seconds
        self.within[bisect_left(BOUNDS, seconds)] += 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was counted until now."""

    counts: Mapping[str, Mapping[Labels, int]]
    spreads: Mapping[str, Mapping[Labels, Spread]]


class Figures:
    """Counters and distributions of one process; threads may count at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[Labels, int]] = defaultdict(lambda: defaultdict(int))
        self._spreads: dict[str, dict[Labels, Spread]] = defaultdict(lambda: defaultdict(Spread))

    def count(self, name: str, *labels: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[name][labels] += 1

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Take one duration in; a clock that was turned back makes none below zero."""
        with self._lock:
            self._spreads[name][labels].take(max(0.0, seconds))

    @contextmanager
    def timed(self, name: str, *labels: str) -> Iterator[None]:
        """Take in how long the block takes."""
        began = perf_counter()
        try:
            yield
        finally:
            self.observe(name, perf_counter() - began, *labels)

    def snapshot(self) -> Snapshot:
        """Return everything that was counted until now."""
        with self._lock:
            return Snapshot(
                {name: dict(found) for name, found in self._counts.items()},
                {
                    name: {labels: Spread(one.count, one.total, list(one.within)) for labels, one in found.items()}
                    for name, found in self._spreads.items()
                },
            )
