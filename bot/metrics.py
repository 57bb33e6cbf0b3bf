"""/metrics for Prometheus, on a port of its own: what this process counted, and a handful of looks by index."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from jobs import figures as names
from jobs.figures import BOUNDS, Figures, Snapshot, Spread
from jobs.watching.troubles import WORKER_DEAD
from storage.facts.clock import Clock
from storage.records import overdue
from storage.sessions import Database

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = structlog.get_logger("bot.metrics")

#: name in our figures -> name, help and labels as Prometheus gets them
_COUNTERS = {
    names.RUNS_ENDED: ("tidings_runs_ended", "Runs that ended in this process.", ("provider", "state", "result")),
    names.DELIVERIES_SETTLED: (
        "tidings_deliveries_settled", "Messages settled by this process.", ("channel", "state"),
    ),
    names.EXPECTATIONS_MISSED: (
        "tidings_expectations_missed", "Things that did not happen by their time, found by this process.", ("kind",),
    ),
}  # fmt: skip
_SPREADS = {
    names.RUN_START_LAG: ("tidings_run_start_lag_seconds", "From the request of a run to its start.", ()),
    names.SLOT_LAG: ("tidings_slot_lag_seconds", "From the due time of a slot to the commit of its run.", ()),
    names.SWEEPS: ("tidings_sweep_seconds", "How long regular work takes.", ("sweep",)),
    names.RATE_WAITS: ("tidings_rate_limit_wait_seconds", "Waits for a turn at a provider's rate limit.", ()),
}


class Collected:
    """What a scrape gets, in the form of prometheus_client's collectors."""

    def __init__(self, database: Database, clock: Clock, figures: Figures) -> None:
        self._database = database
        self._clock = clock
        self._figures = figures

    def collect(self) -> "Iterator[Metric]":
        """Give every metric; without the database those of the process alone."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        counted = self._figures.snapshot()
        for name, (shown, words, labels) in _COUNTERS.items():
            counter = CounterMetricFamily(shown, words, labels=labels)
            for values, count in counted.counts.get(name, {}).items():
                counter.add_metric(values, count)
            yield counter
        for name, (shown, words, labels) in _SPREADS.items():
            histogram = HistogramMetricFamily(shown, words, labels=labels)
            for values, spread in _of(counted, name):
                histogram.add_metric(values, buckets=_buckets(spread), sum_value=spread.total)
            yield histogram
        up = GaugeMetricFamily("tidings_database_up", "Whether the database answered this scrape.")
        try:
            seen = self._database.in_read(lambda session: _seen(session, self._clock.now()))
        except Exception as error:  # noqa: BLE001 - the edge of a scrape: whatever the driver raises, it is down
            log.warning("metrics_not_seen", reason=type(error).__name__)
            seen = []
        up.add_metric((), 1.0 if seen else 0.0)
        yield up
        for shown, words, labels, rows in seen:
            gauge = GaugeMetricFamily(shown, words, labels=labels)
            for values, value in rows:
                gauge.add_metric(values, value)
            yield gauge


Rows = Sequence[tuple[tuple[str, ...], float]]


def _seen(session: Any, now: datetime) -> list[tuple[str, str, tuple[str, ...], Rows]]:
    pulse = overdue.pulse(session, WORKER_DEAD)

    def age(at: datetime | None) -> Rows:
        return [((), max(0.0, (now - at).total_seconds()))] if at is not None else []

    missing = [((kind,), float(count)) for kind, count in overdue.missing_by_kind(session).items()]
    active = [((state,), float(count)) for state, count in overdue.active_by_state(session).items()]
    waiting: Rows = [((), float(pulse.unsent))]
    workers: Rows = [((), float(pulse.workers))]
    return [
        ("tidings_runs_active", "Runs that wait or work.", ("state",), active),
        ("tidings_deliveries_waiting", "Messages that are not settled.", (), waiting),
        ("tidings_delivery_oldest_seconds", "Age of the oldest of them.", (), age(pulse.unsent_since)),
        ("tidings_expectations_missing", "What did not happen and has not come since.", ("kind",), missing),
        ("tidings_expectation_overdue_seconds", "For how long nobody noticed.", (), age(pulse.next_alarm_at)),
        ("tidings_clock_silent_seconds", "Since the next beat of any clock was due.", (), age(pulse.clock_due_at)),
        ("tidings_workers", "Worker processes with a sign of life.", (), workers),
    ]


def _of(counted: Snapshot, name: str) -> Sequence[tuple[tuple[str, ...], Spread]]:
    return list(counted.spreads.get(name, {}).items())


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    found, so_far = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), spread.within, strict=True):
        so_far += count
        found.append((bound, float(so_far)))
    return found


class MetricsServer:
    """Serves the metrics in a thread of its own; `address` is where."""

    def __init__(self, collected: Collected, host: str, port: int) -> None:
        self._collected = collected
        self._host = host
        self._port = port
        self._close: Callable[[], None] = lambda: None
        self.address = ""

    def start(self) -> None:
        """Listen; OSError when the port is taken."""
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self._collected)
        server, thread = start_http_server(self._port, addr=self._host, registry=registry)
        self.address = f"http://{self._host}:{server.server_port}/metrics"
        self._close = lambda: _ended(server, thread)
        log.info("metrics_served", address=self.address)

    def stop(self) -> None:
        """Listen no more."""
        self._close()


def _ended(server: Any, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)
