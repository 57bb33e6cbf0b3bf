"""What a file leaves out is told with its number and why, and goes as soon as it can, also when it went that night."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.pocketadvantage.transfer.publishing import Published
from jobs.desk import Desk
from jobs.errors import TooLateError
from jobs.exchange.alerting import EXCHANGE_NIGHT
from jobs.exchange.building import Built, Maps
from jobs.exchange.mapping.results import Mapped, Rejected, Skipped
from jobs.exchange.running import ExchangeHandler, Task
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.facts.people import Role
from storage.facts.subscriptions import Topic
from storage.sessions import Database, Session
from tests.jobs.exchange.nights import Company, actor, company
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_telling import SLACK, at, chooses, peopled, told

#: when the runs of the invoices are due in New York
TWO, THREE = (datetime(2026, 10, 31, hour, tzinfo=UTC) for hour in (6, 7))
#: the next nights begin: the clocks went back in the first of them
NEXT = [datetime(2026, 11, day, 7, tzinfo=UTC) for day in range(1, 5)]


class Given(ExchangeHandler):
    """Twin: what an earlier file of the night held was given, whatever became of that file."""

    def _settled(self, session: Session, task: Task, run: ExchangeRun, built: Built, done: Published) -> None:
        built.moves = replace(built.moves, withdrawn={})
        super()._settled(session, task, run, built, done)


class Deleted(ExchangeHandler):
    """Twin: whoever was told once that an invoice is deleted knows it, whatever became of that file."""

    def _settled(self, session: Session, task: Task, run: ExchangeRun, built: Built, done: Published) -> None:
        withdrawn = {key: replace(one, status="D") for key, one in built.moves.withdrawn.items()}
        built.moves = replace(built.moves, withdrawn=withdrawn)
        super()._settled(session, task, run, built, done)


@dataclass
class Changing:
    """The plain mapping, and from a time on one that refuses an invoice."""

    refused: str = ""

    def __call__(self, session: Session, organization_id: str, pair: Pair) -> Maps:
        of = plain(session, organization_id, pair)

        def mapped(record: dict[str, Any], *, deleted: bool = False) -> Mapped | Skipped | Rejected:
            if record["Id"] == self.refused:
                return Rejected(self.refused, "TERMS", "there is no such code")
            return of.map(record, deleted=deleted)

        return replace(of, map=mapped)


def invoiced(world: Company) -> Company:
    """Let there be two invoices, and a run of them at two and three in the morning."""
    world.books.customer("1", "One")
    world.books.item("1", "Thing")
    for number in ("1", "2"):
        world.books.invoice(number, "1", [10.0])
    world.collect()
    world.on(Pair.INVOICES, schedule="every 60 within 02:00-04:00")
    return world


def there(world: Company) -> set[str]:
    return {row["TXN_ID"] for row in world.rows(Pair.INVOICES)}


async def test_an_invoice_that_is_refused_later_in_a_night_is_told_and_goes_with_the_next(
    sqlite_database: Database, tmp_path: Path
) -> None:
    world = peopled(invoiced(company(sqlite_database, tmp_path, maps=plain)))
    chooses(world, "viewer", Topic.SENT, SLACK)
    await at(world, TWO)
    assert there(world) == {"1", "2"}
    world.books.put("invoices", "2", TotalAmt=999)
    await at(world, THREE)
    assert there(world) == {"1"}
    (message,) = told(world, EXCHANGE_NIGHT).values()
    assert "1 file. 1 invoice left out." in message.summary
    assert "INV-2 (id 2), TOTAL: " in str(message)
    world.books.invoice("2", "1", [12.0])
    await at(world, NEXT[0])
    assert there(world) == {"2"}


@pytest.mark.parametrize("loses", [False, True])
async def test_what_a_mapping_refuses_later_in_a_night_is_not_taken_for_given(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    maps = Changing()
    world = invoiced(company(sqlite_database, tmp_path, kind=Given if loses else ExchangeHandler, maps=maps))
    await at(world, TWO)
    assert there(world) == {"1", "2"}
    maps.refused = "2"
    await at(world, THREE)
    assert there(world) == {"1"}
    assert world.history(Pair.INVOICES)[-1].counts.touched == 0, "nothing of it is called changed"
    # The mapping is put right the next day. Nobody touched the invoice in QuickBooks.
    maps.refused = ""
    await at(world, NEXT[0])
    assert there(world) == (set() if loses else {"2"})
    if loses:
        return
    # Told once, it is not told again; and of what was withdrawn a deletion still is.
    await at(world, NEXT[1])
    assert there(world) == set()
    world.books.put("invoices", "1", PrivateNote="x")
    await at(world, NEXT[2])
    maps.refused = "1"
    await at(world, NEXT[2] + timedelta(hours=1))
    maps.refused = ""
    world.books.delete("1")
    await at(world, NEXT[3])
    assert [(row["TXN_ID"], row["STATUS"]) for row in world.rows(Pair.INVOICES)] == [("1", "D")]


@pytest.mark.parametrize("loses", [False, True])
async def test_a_deletion_that_a_mapping_refuses_later_in_a_night_is_told_with_the_next(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    maps = Changing()
    world = invoiced(company(sqlite_database, tmp_path, kind=Deleted if loses else ExchangeHandler, maps=maps))
    await at(world, TWO)
    world.books.delete("2")
    await at(world, NEXT[0])
    assert [(row["TXN_ID"], row["STATUS"]) for row in world.rows(Pair.INVOICES)] == [("2", "D")]
    maps.refused = "2"
    await at(world, NEXT[0] + timedelta(hours=1))
    assert there(world) == set()
    maps.refused = ""
    await at(world, NEXT[1])
    told_again = [(row["TXN_ID"], row["STATUS"]) for row in world.rows(Pair.INVOICES)]
    assert told_again == ([] if loses else [("2", "D")])


@pytest.mark.parametrize("loses", [False, True])
async def test_invoices_of_several_nights_are_sent_again(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    world = invoiced(company(sqlite_database, tmp_path, maps=plain))
    await at(world, TWO)
    world.books.invoice("3", "1", [30.0])
    world.books.delete("2")
    await at(world, NEXT[0])
    world.books.invoice("4", "1", [40.0])
    await at(world, NEXT[1])
    assert there(world) == {"4"}
    service, pair = world.service(Desk(sqlite_database.url)), world.pair(Pair.INVOICES)
    night = date(2026, 11, 1)
    assert await service.sent_since(actor(), pair.id, night) == 3
    if loses:
        # Only started again, it sends what is new.
        await service.start(actor(), pair.id, TriggerKey("T1", "1"))
    else:
        with pytest.raises(TooLateError, match="no invoice went"):
            await service.send_again(actor(), pair.id, date(2026, 11, 9), TriggerKey("T1", "0"))
        for _ in range(2):
            await service.send_again(actor(), pair.id, night, TriggerKey("T1", "1"))
    await world.worked()
    sent = {(row["TXN_ID"], row["STATUS"]) for row in world.rows(Pair.INVOICES)}
    assert sent == ({("4", "A")} if loses else {("2", "D"), ("3", "A"), ("4", "A")})
    # Once: the next night has what is new, and nothing else.
    await at(world, NEXT[2])
    assert there(world) == set()


@pytest.mark.parametrize("how", ["off", "planned anew"])
async def test_a_night_is_told_when_the_last_that_it_waits_for_is_stopped(
    sqlite_database: Database, tmp_path: Path, how: str
) -> None:
    world = peopled(invoiced(company(sqlite_database, tmp_path, maps=plain)))
    chooses(world, "viewer", Topic.SENT, SLACK)
    world.on(Pair.CUSTOMERS)
    await at(world, TWO)
    assert world.history(Pair.CUSTOMERS)[-1].state is RunState.DONE
    assert told(world, EXCHANGE_NIGHT) == {}, "invoices are to come"
    service, pair, trigger = world.service(Desk(sqlite_database.url)), world.pair(Pair.INVOICES), TriggerKey("T1", "1")
    if how == "off":
        await service.switch(actor(Role.ADMIN), pair.id, trigger, on=False)
    else:
        await service.schedule(actor(), pair.id, "nightly 02:00 within 02:00-04:00", pair.schedule_version, trigger)
    found = told(world, EXCHANGE_NIGHT)
    assert set(found) == {"T1/Uviewer"}
    assert "2 files, as QuickBooks had it" in found["T1/Uviewer"].summary
    # Once.
    await service.switch(actor(Role.ADMIN), world.pair(Pair.CUSTOMERS).id, TriggerKey("T1", "2"), on=False)
    assert set(told(world, EXCHANGE_NIGHT)) == {"T1/Uviewer"}
