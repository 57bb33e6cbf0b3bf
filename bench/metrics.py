"""A thousand metrics over five million lines: all of them, what 500 changed lines cost, and a chart's answer.

The lake is filled by SQL (`bench.books`); the metrics are of all nine calculations, all datasets and all lengths of
period. A run of the source that became ready is only a row, since collecting is measured elsewhere. Processor time is
that of the server's process and of the process apart, together.
Run: python -m bench.metrics [--lines 5000000] [--metrics 1000]
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.books import ACCOUNTS, CUSTOMERS, ITEMS, ORGANIZATION, SECTIONS, SOURCE, TYPES, Size, changed, fill
from bench.books import five_hundred as five_hundred_lines
from bench.figures import Figure, Outcome, at_most, quantile, show, spread

METRICS, LINES = 1_000, 5_000_000
#: of a class, a department or a customer alone
NARROWED = 100
SECONDS, CHART_MILLISECONDS = 5.0, 300.0
ROUNDS = 3
_WARM, _CHARTS = 5, 100
_WHO = ("T0TEMERITY", "U0ADMIN")
_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def definitions() -> Iterator[Any]:
    """Yield sound definitions without end: each calculation of each dataset in each length of period, in turns."""
    from jobs.metrics.checking import MetricRefusedError, check
    from jobs.metrics.datasets import tables
    from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Frequency, ItemKind, Selection

    items = {
        ItemKind.ALL: lambda _: "",
        ItemKind.ACCOUNT: lambda number: str(1 + number % ACCOUNTS),
        ItemKind.CATEGORY: lambda number: list(TYPES)[number % len(TYPES)],
        ItemKind.SECTION: lambda number: SECTIONS[number % len(SECTIONS)],
        ItemKind.ITEM: lambda number: str(1 + number % ITEMS),
        ItemKind.CUSTOMER: lambda number: str(1 + number % CUSTOMERS),
    }
    for number in itertools.count():
        for dataset, calculation, frequency in itertools.product(Dataset, Calculation, Frequency):
            kinds = sorted(tables()[dataset, Basis.ACCRUAL].kinds)
            kind = kinds[number % len(kinds)]
            narrowed = str(number % 4) if dataset is Dataset.CUSTOMERS and number % 3 == 1 else ""
            first = Selection(dataset, kind, items[kind](number * 7), department_id=narrowed)
            other = Selection(dataset, kind, items[kind](number * 7 + 1)) if calculation is Calculation.RATIO else None
            basis = (
                Basis.CASH if number % 2 and dataset.value in {"profit_and_loss", "balance_sheet"} else Basis.ACCRUAL
            )
            made = Definition(first, calculation, other, basis, frequency=frequency, fiscal_month=1 + 3 * (number % 2))
            try:
                check(made)
            except MetricRefusedError:
                continue
            yield made


def narrowed_definitions() -> Iterator[Any]:
    """Yield sound definitions without end that are of a class, department or customer: three in four of the ledger."""
    from jobs.metrics.checking import MetricRefusedError, check
    from jobs.metrics.datasets import tables
    from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Frequency, ItemKind, Selection

    datasets = (Dataset.PROFIT_AND_LOSS, Dataset.REVENUE, Dataset.EXPENSES, Dataset.ITEMS)
    for number in itertools.count():
        by = ("class_id", "department_id", "customer_id")[number % 3]
        for dataset, calculation in itertools.product(datasets, Calculation):
            kinds = sorted(tables()[dataset, Basis.ACCRUAL].kinds)
            kind = kinds[number % len(kinds)]
            item = {
                ItemKind.ACCOUNT: str(1 + number * 7 % ACCOUNTS),
                ItemKind.SECTION: SECTIONS[number % len(SECTIONS)],
                ItemKind.ITEM: str(1 + number * 7 % ITEMS),
            }.get(kind, "")
            narrowed: dict[str, Any] = {by: str(1 + number % (CUSTOMERS if by == "customer_id" else 4))}
            first = Selection(dataset, kind, item, **narrowed)
            other = Selection(dataset, kind, item) if calculation is Calculation.RATIO else None
            made = Definition(first, calculation, other, frequency=list(Frequency)[number % len(Frequency)])
            try:
                check(made)
            except MetricRefusedError:
                continue
            yield made


def seed(session: Any, count: int) -> None:
    """Write the organization, its source, a run that is ready, somebody who looks, and the metrics."""
    from storage.facts.people import Role, SlackIdentity
    from storage.records import members
    from storage.tables import ConnectionRow, OrganizationRow, SourceRow, WorkspaceRow

    session.add(OrganizationRow(id=ORGANIZATION, name="Temerity Goods", timezone="UTC", created_at=_AT))
    session.flush()
    session.add(SourceRow(id=SOURCE, organization_id=ORGANIZATION, provider="quickbooks", account="1", label="books",
                          company="Temerity", mode="timer", schedule_minutes=60, created_at=_AT,
                          updated_at=_AT))  # fmt: skip
    session.flush()
    session.add(ConnectionRow(source_id=SOURCE, organization_id=ORGANIZATION, state="connected", since=_AT))
    session.add(WorkspaceRow(team_id=_WHO[0], organization_id=ORGANIZATION, name="Temerity Goods"))
    session.flush()
    members.admit(session, ORGANIZATION, SlackIdentity(*_WHO), "Ada", "UTC", Role.ADMIN)
    made(session, itertools.islice(definitions(), count))
    ready(session, 0)


def made(session: Any, wanted: Iterable[Any], called: str = "") -> None:
    """Write metrics of those definitions; `called` begins their names."""
    from storage.facts.ids import derived_id
    from storage.facts.metrics import Metric, MetricState
    from storage.records import metrics

    for number, definition in enumerate(wanted):
        name = f"{called}{definition.calculation} {number}"
        metrics.add(session, Metric(
            derived_id("met", name), ORGANIZATION, SOURCE, "1", name, definition, 1, "mem_1", "", _AT,
            MetricState.CALCULATING, "", None, "", None, 0,
        ), "mem_1")  # fmt: skip


def instead(session: Any, wanted: Iterable[Any], number: int) -> None:
    """Delete all metrics, write others, and let a run become ready."""
    from storage.records import metric_changes

    for one in _all(session):
        metric_changes.erase(session, one)
    made(session, wanted, "narrowed ")
    ready(session, number)


def _all(session: Any) -> list[Any]:
    from storage.records import metrics

    return list(metrics.of_organization(session, ORGANIZATION))


def ready(session: Any, number: int) -> None:
    """Let a run of the source become ready: its metrics are due."""
    from storage.records import metrics
    from storage.tables import RunRow

    at = _AT + timedelta(minutes=number)
    session.add(RunRow(
        id=f"run_{number}", organization_id=ORGANIZATION, source_id=SOURCE, trigger="schedule",
        slot_key=f"slot-{number}", state="ready", result="changed", requested_at=at, started_at=at,
        source_as_of=at, loaded_at=at, ready_at=at, finished_at=at,
    ))  # fmt: skip
    session.flush()
    metrics.due(session, SOURCE, at)


class Spent:
    """Seconds of the clock and of processors, those of children that ended included."""

    def __init__(self) -> None:
        gc.collect()
        self._began, self._before = time.perf_counter(), self._now()

    def so_far(self) -> dict[str, float]:
        """Return wall, own, and the processes apart."""
        own, children = (now - then for now, then in zip(self._now(), self._before, strict=True))
        return {"wall": time.perf_counter() - self._began, "own": own, "apart": children, "cpu": own + children}

    @staticmethod
    def _now() -> tuple[float, float]:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        own, children = (used.ru_utime + used.ru_stime for used in both)
        return own, children


async def played(folder: Path, size: Size, count: int, rounds: int) -> dict[str, Any]:
    """Fill, calculate all, then change 500 lines and calculate again a few times; ask for charts at the end."""
    from jobs.build import build_jobs
    from jobs.metrics.calculating import Calculating
    from storage.facts.clock import SystemClock
    from storage.migrate import migrate
    from storage.records import metrics
    from storage.seal import new_key
    from storage.sessions import open_database
    from storage.settings import Settings

    clock, url, lakes = SystemClock(), f"sqlite:///{folder / 'tidings.db'}", str(folder / "lakes")
    database = open_database(url)
    migrate(database)
    database.in_write(lambda session: seed(session, count))
    filled = Spent()
    fill(lakes, size)
    found: dict[str, Any] = {"fill": filled.so_far(), "rounds": []}
    settings = Settings.model_validate({
        "database_url": url, "warehouse_url": lakes, "secret_keys": [new_key()],
        "slack_bot_token": "xoxb-none", "slack_signing_secret": "x" * 32, "support_channel": "T0/C0",
    })  # fmt: skip
    jobs = build_jobs(settings, database, clock)
    calculating = Calculating(jobs.ground)

    async def calculated() -> dict[str, float]:
        spent = Spent()
        for turn in database.in_read(lambda session: metrics.due_turns(session, clock.now())):
            await calculating.take(turn)
        if database.in_read(lambda session: metrics.due_turns(session, clock.now() + timedelta(days=1))):
            raise RuntimeError("the metrics were not calculated")
        if any(not one.calculated_version for one in database.in_read(_all)):
            raise RuntimeError("some of the metrics wait for what is not imported")
        return spent.so_far()

    found["first"] = await calculated()
    for number in range(1, rounds + 1):
        changed(lakes, five_hundred_lines(number))
        database.in_write(partial(ready, number=number))
        found["rounds"].append(await calculated())
    database.in_write(lambda session: ready(session, rounds + 1))
    found["same"] = await calculated()
    found["charts"] = await charts(database, jobs.services.metrics, clock)
    narrowed = list(itertools.islice(narrowed_definitions(), max(1, count * NARROWED // METRICS)))
    database.in_write(lambda session: instead(session, narrowed, rounds + 2))
    found["narrowed"] = {"count": len(narrowed), "first": await calculated(), "rounds": []}
    for number in range(rounds + 3, 2 * rounds + 3):
        changed(lakes, five_hundred_lines(number))
        database.in_write(partial(ready, number=number))
        found["narrowed"]["rounds"].append(await calculated())
    jobs.desk.close()
    database.close()
    return found


async def charts(database: Any, service: Any, clock: Any) -> list[float]:
    """Return the CPU milliseconds of answers with a chart, from the name to Slack's blocks as JSON."""
    from storage.facts.people import Actor, SlackIdentity
    from storage.records import metrics, organizations
    from templates import slack
    from templates.notices.metrics import metric_shown

    who = SlackIdentity(*_WHO)
    actor = Actor(who, database.in_read(lambda session: organizations.member_by_identity(session, who)))
    names = [one.name for one in database.in_read(lambda session: metrics.of_organization(session, ORGANIZATION))]
    taken = []
    for name in [*names[:_WARM], *names[:: max(1, len(names) // _CHARTS)]]:
        began = time.process_time()
        shown = metric_shown(await service.one(actor, name), clock.now())
        json.dumps(slack.render(shown, team_id=who.team_id, zone="America/New_York"))
        taken.append((time.process_time() - began) * 1000)
    return taken[_WARM:]


def measure(
    *, quick: bool = False, lines: int | None = None, count: int | None = None, rounds: int = ROUNDS
) -> Outcome:
    """Calculate all, then after changes, then ask for charts."""
    lines, count = lines or (50_000 if quick else LINES), count or (60 if quick else METRICS)
    size = Size(lines * 4 // 5, lines * 2 // 25)
    with tempfile.TemporaryDirectory(prefix="tidings-metrics-") as folder:
        found = asyncio.run(played(Path(folder), size, count, 1 if quick else rounds))
    part = "metrics"
    again, narrowed = _middle(found["rounds"]), _middle(found["narrowed"]["rounds"])
    what = f"{count:,} metrics over {size.lines:,} lines"
    figures = [
        Figure(part, f"{what}: all of them (CPU)", found["first"]["cpu"], "s", detail=found["first"]),
        at_most(part, "  after 500 changed lines (CPU)", again["cpu"], "s", SECONDS, detail=again),
        at_most(part, "  the same by the clock", again["wall"], "s", SECONDS),
        Figure(part, "  of it in the process apart (CPU)", again["apart"], "s"),
        Figure(part, "  as a part of all of them", again["cpu"] / found["first"]["cpu"], "x"),
        Figure(part, "  after a run without changes (CPU)", found["same"]["cpu"], "s"),
        Figure(part, f"{found['narrowed']['count']} others, each of a class, department or customer: all (CPU)",
               found["narrowed"]["first"]["cpu"], "s", detail=found["narrowed"]["first"]),
        at_most(part, "  those after 500 changed lines (CPU)", narrowed["cpu"], "s", SECONDS, detail=narrowed),
        at_most(part, "  those by the clock", narrowed["wall"], "s", SECONDS),
        at_most(part, "a chart's answer, p99 (CPU)", quantile(found["charts"], 0.99), "ms", CHART_MILLISECONDS,
                detail=spread(found["charts"])),
    ]  # fmt: skip
    notes = [
        f"{os.cpu_count()} cores, SQLite; middle of {len(found['rounds'])} rounds of 500 changed lines in two months.",
        f"First of all, to fill the lake took {found['fill']['cpu']:.0f} s.",
    ]
    return Outcome(figures, notes, found)


def _middle(rounds: list[dict[str, float]]) -> dict[str, float]:
    return sorted(rounds, key=lambda one: one["cpu"])[len(rounds) // 2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--metrics", type=int, default=METRICS)
    asked = parser.parse_args()
    outcome = measure(lines=asked.lines, count=asked.metrics)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
