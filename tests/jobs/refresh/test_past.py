"""A first read of more than one run: it goes on by itself, and nobody is told that all is there before it is."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Collected, Connector
from connectors.past import Slicing
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.registry import connector_for
from jobs.places import MOST
from jobs.refresh.partly import how_far
from jobs.refresh.past import older_after
from jobs.schedule import start_catch_up
from storage.facts.clock import OffsetClock
from storage.facts.past import Older
from storage.facts.runs import Clocks, FailureKind, Missing, Partly, Run, RunState, Trigger
from storage.facts.sources import Provider
from storage.records import places
from storage.sessions import Database
from templates.words import run_words
from tests.jobs.briefly import Some
from tests.jobs.stage import REALM, Stage, staged
from tests.waiting import eventually

NEW, YEARS, EACH = 1010, 2, 100


def in_slices(provider: Provider) -> Connector:
    return (
        Some(QuickBooksConnector(Slicing(above=1000, most=120)), frozenset({"transfers"}))
        if provider is Provider.QUICKBOOKS
        else connector_for(provider)
    )


class Cuts:
    """Ends what is being done: once before the second period is saved, once just after its run has ended."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        """Go on, or fail in a way that nobody foresaw."""
        self.passed[name] += 1
        if (name, self.passed[name]) in {("run.collected", 2), ("run.after_end", 2)}:
            raise RuntimeError(name)


def transfer(number: int, on: date, clock: OffsetClock) -> dict[str, Any]:
    at = (clock.now() - timedelta(days=3)).replace(microsecond=0).isoformat()
    times = {"CreateTime": at, "LastUpdatedTime": at}
    return {"Id": str(number), "SyncToken": "0", "Amount": 5, "TxnDate": on.isoformat(), "MetaData": times}


def fill(stage: Stage) -> date:
    """Let there be many transfers of this month and some of each year before; return the month's first day."""
    month = stage.clock.now().date().replace(day=1)
    ago = [month - timedelta(days=200 + 366 * year) for year in range(YEARS)]
    records = [transfer(7000 + number, month, stage.clock) for number in range(NEW)]
    records += [transfer(9000 + EACH * n + k, day, stage.clock) for n, day in enumerate(ago) for k in range(EACH)]
    stage.quickbooks.books[REALM].fill("Transfer", records)
    return month


async def history(stage: Stage) -> list[Run]:
    """Return the source's runs, the oldest first."""
    source = stage.source(Provider.QUICKBOOKS)
    found, _ = await stage.jobs.services.status.history(await stage.actor(), source.id)
    return found[::-1]


async def test_older_periods_follow_by_themselves_and_each_run_says_what_is_not_in_yet(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, invoices=5, connectors=in_slices, checkpoint=Cuts()) as stage:
        month, source = fill(stage), stage.source(Provider.QUICKBOOKS)
        now = stage.clock.now()
        # Somebody else reads the same company, with all the calls that may be under way.
        account = f"quickbooks:{source.account}"
        stage.database.in_write(lambda session: places.take(session, account, "other", most=MOST, least=0, seconds=600))
        stage.database.in_write(lambda session: start_catch_up(session, source, "first", now, stage.engine.enqueue))

        async def waits() -> Run | None:
            newest = (await history(stage))[-1]
            return newest if newest.waits_turn else None

        waiting: Run = await eventually(waits, seconds=60)
        assert "waiting for its turn" in run_words(waiting)
        stage.database.in_write(lambda session: places.give_back(session, account, "other"))

        async def over() -> Run | None:
            newest = (await history(stage))[-1]
            return newest if newest.state is RunState.READY and not newest.older else None

        last: Run = await eventually(over, seconds=60)
        ended = await history(stage)
        assert ended[-1] == last
        assert not any(run.waits_turn for run in ended)
        assert [run.trigger for run in ended] == [Trigger.FIRST_READ, *[Trigger.OLDER] * (len(ended) - 1)]
        assert ended[0].older == (Older("transfers", month, YEARS * EACH, "Transfers"),)
        lefts = [sum(one.left for one in run.older) for run in ended]
        assert lefts == [200, 100, 0]
        assert [run.counts["transfers"].total for run in ended] == [NEW + YEARS * EACH - left for left in lefts]
        asked = [(entry.operation, entry.entity) for entry in stage.quickbooks.journal.entries]
        # the page that showed how many there are, two pages of the first period, and one of each of the two others:
        # what was cut off was read twice, and nothing else
        assert asked.count(("query", "Transfer")) == 1 + 2 + 2 * 1 + 1
        held = await asyncio.to_thread(stage.jobs.ground.warehouses.of(stage.organization_id).counts, source.id)
        assert held["raw_quickbooks_transfers"] == len(stage.quickbooks.books[REALM].truth("Transfer"))


def test_streams_that_a_run_did_not_read_are_as_far_as_they_were() -> None:
    """What was not looked at is not complete by that."""
    streams = QuickBooksConnector.streams
    bills, invoices = Older("bills", date(2025, 1, 1), 9, "Bills"), Older("invoices", date(2025, 1, 1), 7, "Invoices")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    before = Run(
        "run_1", "org_1", "src_1", Trigger.FIRST_READ, RunState.READY, None, 1, 1, Clocks(now), None, None, 0, None, None,
        None, None, older=(bills, invoices),
    )  # fmt: skip
    further = Older("bills", date(2024, 1, 1), 2)
    alone = Collected(now, {"bills": ""}, 0, older=(further,))
    assert older_after(before, alone, streams) == (replace(further, label="Bills"), invoices)
    assert older_after(before, Collected(now, {"bills": "", "invoices": ""}, 0), streams) == ()
    assert older_after(None, alone, streams) == (replace(further, label="Bills"),)


def test_a_stream_that_was_missing_is_missing_until_it_was_looked_at() -> None:
    """A run in which it was not due, and says nothing of it, does not bring it."""
    now, old = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    lost = Missing(("exchange_rates",), "Exchange rates", FailureKind.BROKEN, "fault", "fault", old)
    before = Run(
        "run_1", "org_1", "src_1", Trigger.SCHEDULE, RunState.READY, None, 1, 1, Clocks(old), None, None, 0, None, None,
        None, None, partly=Partly((lost,), old, ("Bills",)),
    )  # fmt: skip

    def after(done: Collected) -> tuple[datetime | None, tuple[Missing, ...], int]:
        found = how_far(before, before, done, QuickBooksConnector.streams)
        return found.as_of, found.partly.missing if found.partly else (), found.partly.times if found.partly else 0

    assert after(Collected(now, {"bills": ""}, 0)) == (old, (lost,), 2)
    assert after(Collected(now, {"bills": "", "exchange_rates": ""}, 0)) == (now, (), 0)
    # Amazon's stock is read whole each time, and has no cursor.
    assert after(Collected(now, {"bills": ""}, 0, full=("exchange_rates",))) == (now, (), 0)
