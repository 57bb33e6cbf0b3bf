"""Night by night the far side has what QuickBooks has, whatever happens in between."""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from jobs.exchange.building import Built, Making, build
from jobs.exchange.freshness import Stands
from jobs.exchange.ports import FarSide
from jobs.exchange.reading import Standing
from jobs.exchange.running import ExchangeHandler, Task
from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.records.exchange_given import Given
from storage.sessions import Database, Session
from tests.jobs.exchange.inventiv import Inventiv
from tests.jobs.exchange.nights import Company, company
from tests.jobs.exchange.plain import plain

SOAK = bool(os.environ.get("SOAK"))
#: the clocks go back on the second night of the quick run, and forward on one of the year
NIGHTS = 365 if SOAK else 3
#: Tidings stands still in these nights
MISSED = frozenset({3, 40, 41, 42, 200})


def edited(world: Company, dice: Random, ever: dict[str, str]) -> None:
    """Let people work in QuickBooks for a while."""
    books = world.books
    for _ in range(dice.randrange(1, 5)):
        key = str(len(ever) + 1)
        books.invoice(key, str(dice.randrange(1, 9)), [dice.randrange(1, 9999) / 100 for _ in range(2)])
        ever[key] = "A"
    alive = [key for key in sorted(books.records["invoices"]) if "PrivateNote" not in books.records["invoices"][key]]
    chosen = sorted(alive, key=int)[:3]
    for change, key in zip(
        (books.void, books.delete, lambda key: books.invoice(key, "1", [4.5])), chosen, strict=False
    ):
        change(key)
    number = str(len(books.records["customers"]) + 1)
    books.customer(number, f"Customer {number}")
    books.put("customers", str(dice.randrange(1, 9)), Active=dice.random() < 0.5)


async def played(world: Company, nights: int, seed: int = 7) -> list[str]:
    """Play so many nights and return what is wrong after any of them."""
    dice, ever, wrong = Random(seed), dict[str, str](), list[str]()
    for number in range(1, 10):
        world.books.customer(str(number), f"Customer {number}")
        world.books.item(str(number), f"Thing {number}")
    world.collect()
    world.on(Pair.CUSTOMERS)
    world.on(Pair.INVOICES, schedule="every 120 within 01:00-05:00")
    far = Inventiv(world)
    for night in range(1, nights + 1):
        edited(world, dice, ever)
        morning = (world.clock.at + timedelta(days=1)).replace(hour=12, minute=0)
        for hour in (4, 5, 6, 7, 8, 9):
            world.clock.at = morning.replace(hour=hour, minute=1)
            if hour == 5 and night % 2:
                # Somebody works at night, too.
                edited(world, dice, ever)
            world.collect()
            if night not in MISSED:
                await world.worked()
        # Where Tidings stood still it is back by now, and makes up for the night once.
        world.clock.at = morning
        world.collect()
        await world.worked()
        if night % 7 == 0:
            world.tidy()
        far.read()
        wrong += [f"night {night}: {one}" for one in far.complaints(ever)]
    return wrong


@pytest.mark.timeout(7200)
async def test_the_far_side_has_what_quickbooks_has(database: Database, tmp_path: Path) -> None:
    world = company(database, tmp_path, maps=plain)
    assert await played(world, NIGHTS) == []
    nightly = world.history(Pair.CUSTOMERS)
    assert len(nightly) == NIGHTS, "each night had one run"
    assert {run.state for run in nightly} == {RunState.DONE}
    assert [run.late for run in nightly] == [night in MISSED for night in range(1, NIGHTS + 1)]
    hours = Counter(run.night for run in world.history(Pair.INVOICES))
    assert hours["2026-11-01"] == 3, "the night in which the clocks go back has an hour more"
    assert hours["2026-10-31"] == 2
    if SOAK:
        # In March the window is an hour shorter, and there is no two o'clock.
        short = "2027-03-14"
        assert [run.slot_at for run in nightly if run.night == short] == [datetime(2027, 3, 14, 7, tzinfo=UTC)]
        slots = [run.slot_at.hour for run in world.history(Pair.INVOICES) if run.night == short]
        assert slots == [6, 8]
    # What had changed in QuickBooks is what was given, and nothing else.
    assert all(run.as_of is not None and run.as_of <= (run.started_at or run.slot_at) for run in nightly)


class SendsAgain(ExchangeHandler):
    """A twin that forgets in which night something went, and gives it again."""

    def _task(self, session: Session, run: ExchangeRun, stands: Stands, snapshot: int) -> Task:
        task = super()._task(session, run, stands, snapshot)
        for key, one in list(task.given.items()):
            task.given[key] = Given(one.revision, one.status, one.digest, task.run.night)
        return task


class Deaf(Making):
    """Takes what is gone for what never changed."""

    def _wants(self, key: str, stands: Standing) -> bool:
        return not stands.deleted and super()._wants(key, stands)


class ForgetsDeletions(ExchangeHandler):
    """A twin that sends no deletions."""

    def _built(self, task: Task, side: FarSide, folder: Path) -> Built:
        assert task.maps is not None
        with self._ground.warehouses.of(task.run.organization_id).reader(snapshot=task.run.snapshot) as reader:
            return build(reader, task.pair, task.maps, side.rules, task.given, task.run.night, folder, Deaf)


class Stale(ExchangeHandler):
    """A twin that publishes an old state of the lake as if it were the newest."""

    def _task(self, session: Session, run: ExchangeRun, stands: Stands, snapshot: int) -> Task:
        self.first = getattr(self, "first", snapshot)
        return super()._task(session, run, stands, self.first)


@pytest.mark.parametrize("twin", [SendsAgain, ForgetsDeletions, Stale])
async def test_a_broken_twin_is_caught(twin: type[ExchangeHandler], sqlite_database: Database, tmp_path: Path) -> None:
    assert await played(company(sqlite_database, tmp_path, maps=plain, kind=twin), 2)
