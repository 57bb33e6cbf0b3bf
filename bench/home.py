"""The App Home of an organization with 200 sources and 1,000 metrics: the CPU of one opening over a real database.

What is measured is what an opening costs the server: that it is written down, one look at all sources, one at the
person's own messages, the words of a page, Slack's blocks and their JSON. CPU time of the process, not of the machine:
it says the same under load. Run: python -m bench.home [--sources 200]
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Outcome, at_most, quantile, show, spread
from bench.sources10k import seed

SOURCES, METRICS = 200, 1_000
MILLISECONDS = 50.0
_WARM = 5
_ADMIN = ("T0TEMERITY", "U0ADMIN")


def arrange(session: Any, count: int, now: Any) -> None:
    """Give all sources to one organization with an admin, and metrics of its first QuickBooks company."""
    from sqlalchemy import update

    from storage.facts.people import Role, SlackIdentity
    from storage.records import members
    from storage.tables import ConnectionRow, RunRow, SourceRow, WorkspaceRow

    for table in (SourceRow, ConnectionRow, RunRow):
        session.connection().execute(update(table).values(organization_id="org_000000"))
    session.add(WorkspaceRow(team_id=_ADMIN[0], organization_id="org_000000", name="Temerity Goods"))
    session.flush()
    members.admit(session, "org_000000", SlackIdentity(*_ADMIN), "Ada", "UTC", Role.ADMIN)
    measured(session, count, now)


def measured(session: Any, count: int, now: Any) -> None:
    """Make so many metrics, each with a target and the values of two months."""
    from datetime import date
    from decimal import Decimal

    from storage.facts.metrics import Dataset, Definition, Metric, MetricState, Period, Selection, Target, Value
    from storage.facts.sources import Provider
    from storage.records import metric_keeping, metrics, sources
    from storage.records.metric_keeping import Calculated
    from storage.tables import SourceRow

    books = sources.sources_of(session, "org_000000")[0]
    session.get_one(SourceRow, books.id).provider = Provider.QUICKBOOKS.value
    asked = Definition(Selection(Dataset.REVENUE), target=Target(Decimal(100)))
    values = [
        Value(Period(date(2026, month, 1), date(2026, month, 28)), Decimal(month), "", 3) for month in (9, 10)
    ]  # fmt: skip
    for number in range(count):
        metric = Metric(f"met_{number:06}", "org_000000", books.id, books.account, f"Metric {number:04}", asked, 1,
                        "mem_1", "", now, MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
        metrics.add(session, metric, "mem_1")
        metric_keeping.keep(session, metric, values, Calculated("run_1", 7, now, "USD", 1), now)


async def opened(folder: Path, count: int, times: int, metrics: int = METRICS) -> tuple[list[float], int]:
    """Return the CPU milliseconds of each opening, and the bytes of the view."""
    from bot.home import refresh_value
    from jobs.authorize import NEEDED
    from jobs.desk import Desk
    from jobs.home import HomeService
    from jobs.subscriptions.digests import DigestService
    from jobs.subscriptions.own import OwnMessages
    from jobs.subscriptions.quieting import QuietService
    from jobs.subscriptions.service import SubscriptionService
    from storage.facts.clock import SystemClock
    from storage.facts.home import Showing
    from storage.facts.people import Actor, SlackIdentity
    from storage.facts.sources import Provider
    from storage.migrate import migrate
    from storage.records import organizations
    from storage.sessions import open_database
    from templates import slack
    from templates.notices import index as words

    clock, database = SystemClock(), open_database(f"sqlite:///{folder / 'tidings.db'}")
    migrate(database)
    seed(database, count, clock.now())
    database.in_write(lambda session: arrange(session, metrics, clock.now()))
    who = SlackIdentity(*_ADMIN)
    actor = Actor(who, database.in_read(lambda session: organizations.member_by_identity(session, who)))
    desk = Desk(database.url)
    service = HomeService(desk, database, clock, read_budget=1)
    own = OwnMessages(
        desk, clock, SubscriptionService(desk, clock), QuietService(desk, clock), DigestService(desk, clock)
    )
    viewer = words.Viewer(frozenset(NEEDED), frozenset(Provider), "America/New_York", ("Ada",), refresh_value)
    taken, size = [], 0
    try:
        for _ in range(times + _WARM):
            began = time.process_time()
            await service.opened(actor, "all 1")
            found, mine = await service.index(actor), await own.mine(actor)
            page = words.index(found, viewer, clock.now(), showing=Showing(), own=mine)
            size = len(json.dumps(slack.home([page], team_id=who.team_id, zone=viewer.zone)))
            taken.append((time.process_time() - began) * 1000)
    finally:
        desk.close()
        database.close()
    return taken[_WARM:], size


def measure(*, quick: bool = False, count: int | None = None) -> Outcome:
    """Open it a few times."""
    count = count or (20 if quick else SOURCES)
    with tempfile.TemporaryDirectory() as folder:
        times, metrics = (5, 20) if quick else (40, METRICS)
        taken, size = asyncio.run(opened(Path(folder), count, times, metrics))
    name = f"App Home of {count} sources and {metrics:,} metrics, median"
    return Outcome(
        [at_most("home", name, quantile(taken, 0.5), "ms CPU", MILLISECONDS, detail=spread(taken))],
        [f"CPU time of the process for one opening by an admin; the view has {size:,} bytes."],
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=SOURCES)
    outcome = measure(count=parser.parse_args(arguments).sources)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
