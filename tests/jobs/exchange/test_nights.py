"""Night by night the far side has what QuickBooks has, whatever happens in between."""

import os
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
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
from tests.jobs.exchange.nights import Company, company
from tests.jobs.exchange.plain import plain

SOAK = bool(os.environ.get("SOAK"))
#: the clocks go back on the second night of the quick run
NIGHTS = 365 if SOAK else 3
#: Tidings stands still in these nights
MISSED = frozenset({3, 40, 41, 42, 200})


class Inventiv:
    """Reads the files once each morning, as Inventiv would, and keeps what it read."""

    def __init__(self, world: Company) -> None:
        self._world = world
        self.lists: dict[Pair, list[dict[str, str]]] = {}
        self.invoices: dict[str, dict[str, str]] = {}
        self.revisions: Counter[tuple[str, str, str]] = Counter()

    def read(self) -> None:
        """Take the lists whole, and add the invoices to what is known."""
        self.lists[Pair.CUSTOMERS] = self._world.rows(Pair.CUSTOMERS)
        found: dict[tuple[str, str, str], None] = {}
        totals: dict[str, Decimal] = {}
        for row in self._world.rows(Pair.INVOICES):
            found[row["TXN_ID"], row["REVISION"], row["STATUS"]] = None
            if row["AMOUNT"]:
                totals[row["TXN_ID"]] = totals.get(row["TXN_ID"], Decimal(0)) + Decimal(row["AMOUNT"])
        self.revisions.update(list(found))
        for key, _, status in found:
            total = totals.get(key, Decimal(0)) if status == "A" else Decimal(0)
            self.invoices[key] = {"status": status, "total": f"{total.normalize():f}"}


def truth(world: Company, ever: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the invoices as they stand in QuickBooks; `ever` are those that it had, with how they ended."""
    found = {}
    for key, ended in ever.items():
        record = world.books.records["invoices"].get(key)
        status = "D" if record is None else "V" if record.get("PrivateNote") == "Voided" else ended
        total = Decimal(str(record["TotalAmt"])) if record is not None and status == "A" else Decimal(0)
        found[key] = {"status": status, "total": f"{total.normalize():f}"}
    return found


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
        far.read()
        wrong += [f"night {night}: {one}" for one in complaints(world, far, ever)]
    return wrong


def complaints(world: Company, far: Inventiv, ever: Mapping[str, str]) -> list[str]:
    wrong = []
    true = truth(world, ever)
    # What came and went before it was ever sent is nothing to the far side.
    known = {key: one for key, one in true.items() if one["status"] != "D" or key in far.invoices}
    if far.invoices != known:
        wrong.append(
            f"differ: {[(one, far.invoices.get(key), key) for key, one in known.items() if far.invoices.get(key) != one]}"
        )
    customers = {(one["Id"], one["DisplayName"], one["Active"]) for one in world.books.records["customers"].values()}
    if {(row["NO"], row["NAME"], row["ACTIVE"] == "Y") for row in far.lists[Pair.CUSTOMERS]} != customers:
        wrong.append("customers differ")
    if twice := [key for key, count in far.revisions.items() if count > 1]:
        wrong.append(f"sent twice: {twice}")
    return wrong


@pytest.mark.timeout(3600)
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
