"""What ten thousand sources cost when all is well: clock, expectations and incidents, in one process on SQLite.

Every source is collected once an hour; a run is a row that is ready at once, so that what is measured is what decides
when runs start and what notices when they do not. Reading and loading are measured by other parts.

Run: python -m bench.sources10k [--sources 10000] [--seconds 660]
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.figures import Figure, Outcome, at_most, show

SOURCES = 10_000
#: one catch-up and two passes over all sources fall into it
SECONDS = 660.0
CORE_PERCENT = 15.0
LAG_SECONDS = 5.0
#: what decides and notices; grants, webhooks and the like talk to others and are none of it
_SWEEPS = frozenset(
    {"deadlines", "escalations", "clock_beat", "expectations", "lateness", "fleet", "expiry", "reminders"}
)
_PER_ORGANIZATION = 10
_ROWS = 500


def seed(database: Any, count: int, now: datetime) -> None:
    """Write organizations with ten connected sources each, every one ready since its newest slot."""
    from jobs.schedule import schedule_of
    from jobs.slots import latest_slot
    from storage.records import overdue
    from storage.tables import ConnectionRow, OrganizationRow, RunRow, SourceRow

    organizations = [{"id": f"org_{number:06}", "name": f"Company {number}", "timezone": "UTC", "created_at": now}
                     for number in range(-(-count // _PER_ORGANIZATION))]  # fmt: skip
    sources = [
        {
            "id": f"src_{number:06}",
            "organization_id": f"org_{number // _PER_ORGANIZATION:06}",
            "provider": "shopify",
            "account": f"store-{number}.myshopify.com",
            "label": f"store-{number}.myshopify.com",
            "company": f"Store {number}",
            "mode": "on_demand",
            "schedule_minutes": 60,
            "schedule_version": 1,
            "updated_at": now - timedelta(days=1),
            "created_at": now - timedelta(days=1),
        }
        for number in range(count)
    ]
    connections = [
        {
            "source_id": one["id"],
            "organization_id": one["organization_id"],
            "state": "connected",
            "since": now,
            "proven_at": now,
        }
        for one in sources
    ]
    tables: list[tuple[Any, Sequence[dict[str, Any]]]] = [
        (OrganizationRow, organizations),
        (SourceRow, sources),
        (ConnectionRow, connections),
    ]
    with database.write() as session:
        for table, rows in tables:
            for start in range(0, len(rows), _ROWS):
                session.connection().execute(table.__table__.insert(), rows[start : start + _ROWS])
    after = ""
    while page := database.in_read(lambda session, after=after: overdue.page_of_sources(session, after, _ROWS)):
        after = page[-1].id
        slots = [(source, latest_slot(schedule_of(source), now)) for source in page]
        runs = [
            {
                "id": f"run_{source.id}",
                "organization_id": source.organization_id,
                "source_id": source.id,
                "trigger": "schedule",
                "slot_key": slot.key,
                "state": "ready",
                "result": "changed",
                "requested_at": slot.at,
                "started_at": slot.at,
                "source_as_of": slot.at,
                "loaded_at": slot.at,
                "ready_at": slot.at,
                "finished_at": slot.at,
            }
            for source, slot in slots
        ]
        with database.write() as session:
            session.connection().execute(RunRow.__table__.insert(), runs)  # type: ignore[attr-defined]  # SQLModel's declared table


async def watched(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """Let the clock and the ledger's thread run over that many sources; return CPU and lags."""
    from jobs.build import build_jobs
    from jobs.clock import Clockwork
    from jobs.expectations.lookout import LedgerThread
    from storage.facts.clock import SystemClock
    from storage.migrate import migrate
    from storage.seal import new_key
    from storage.sessions import open_database
    from storage.settings import Settings

    clock, url = SystemClock(), f"sqlite:///{folder / 'tidings.db'}"
    database = open_database(url)
    migrate(database)
    seed(database, count, clock.now())
    settings = Settings.model_validate({
        "database_url": url, "warehouse_url": str(folder / "warehouse"), "secret_keys": [new_key()],
        "slack_bot_token": "xoxb-none", "slack_signing_secret": "x" * 32, "support_channel": "T0/C0",
    })  # fmt: skip
    jobs = build_jobs(settings, database, clock)
    lags: list[float] = []
    begun: list[str] = []
    jobs.engine.bind(lambda _session, work: begun.append(work.subject), lambda _work: None, lambda: True)

    sweeps = [sweep for sweep in jobs.sweeps if sweep.name in _SWEEPS]
    clockwork, thread = (
        Clockwork(jobs.load_schedules, jobs.submit_slots, sweeps, clock, figures=jobs.ground.figures),
        None,
    )
    started, began, cpu = clock.now(), time.monotonic(), time.process_time()
    try:
        await clockwork.start()
        thread = LedgerThread(jobs.ledger)
        thread.start()
        marks = [await _used(began, cpu, part, seconds) for part in (0.1, 1.0)]
    finally:
        await clockwork.stop()
        if thread is not None:
            await asyncio.to_thread(thread.stop)
        await jobs.close()
    told, lags = database.in_read(_told), database.in_read(lambda session: _lags(session, begun, started))
    database.close()
    parts = {
        labels[0]: {"times": one.count, "seconds": one.total}
        for labels, one in jobs.ground.figures.snapshot().spreads.get("sweeps", {}).items()
    }
    return {"marks": marks, "lags": lags, "begun": len(begun), "told": told, "sweeps": parts}


async def _used(began: float, cpu: float, part: float, seconds: float) -> tuple[float, float]:
    await asyncio.sleep(max(0.0, began + part * seconds - time.monotonic()))
    return time.monotonic() - began, time.process_time() - cpu


def _told(session: Any) -> int:
    """Return how many messages were written: none, when all is well."""
    from storage.records import deliveries

    return len(deliveries.work_attempts(session))


def _lags(session: Any, begun: Sequence[str], started: datetime) -> list[float]:
    """Return the seconds from each slot's due time to its run; what was due before the clock ran is catch-up."""
    from storage.tables import RunRow

    found = [session.get_one(RunRow, run_id) for run_id in begun]
    pairs = [(run.requested_at, datetime.fromisoformat(run.slot_key)) for run in found]
    return [(at - due).total_seconds() for at, due in pairs if due > started]


def measure(*, quick: bool = False, sources: int | None = None, seconds: float | None = None) -> Outcome:
    """Measure one process over a while."""
    count, seconds = sources or (300 if quick else SOURCES), seconds or (4.0 if quick else SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(watched(Path(folder), count, seconds))
    (_, first), (passed, used) = found["marks"]
    lags = found["lags"] or [0.0]
    p99 = quantiles(lags, n=100)[98] if len(lags) > 1 else lags[0]
    steady = (used - first) / (0.9 * passed) * 100
    part = "sources10k"
    figures = [
        at_most(
            part,
            f"CPU over {passed:.0f} s, {count} sources, start included",
            used / passed * 100,
            "% of a core",
            CORE_PERCENT,
        ),
        Figure(part, "  without its first tenth", steady, "% of a core"),
        at_most(part, f"from due to its run, p99 of {len(lags)}", p99, "s", LAG_SECONDS),
        Figure(part, "  longest", max(lags), "s"),
        at_most(part, "messages about what did not happen (all is well)", float(found["told"]), "", 0),
    ]
    how = f"One process ({os.cpu_count()} cores), SQLite, every source once an hour, {found['begun']} runs begun."
    notes = [how, "Reading, loading and Slack are not in it."]
    return Outcome(figures, notes, found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=SOURCES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    outcome = measure(sources=asked.sources, seconds=asked.seconds)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")
    for name, one in sorted(outcome.raw["sweeps"].items(), key=lambda item: -item[1]["seconds"]):
        print(f"  {name:20} {one['times']:6} times {one['seconds']:8.2f} s (wall)")


if __name__ == "__main__":
    main()
