"""The story of the exchange: on both databases under SOAK, with products that break their word; its judges always."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.cli.stories import exchange as story
from bot.cli.stories import exchange_orders
from bot.cli.stories.exchanging import FILES, FarSide, Line, Rows, of_desktop, of_estimate, ordered, rows_of, wrong
from bot.cli.stories.stage import Stage
from connectors.pocketadvantage.orders.writing_back import write_back
from connectors.pocketadvantage.transfer.publishing import Published
from connectors.quickbooks.estimates import Estimates
from jobs.build import Jobs
from jobs.exchange.building import Built
from jobs.exchange.orders import turn
from jobs.exchange.orders.books import BooksNow
from jobs.exchange.orders_in import DeclaredOrders
from jobs.exchange.ports import FarSide as Side
from jobs.exchange.ports import OrdersTaken
from jobs.exchange.running import ExchangeHandler, Task
from jobs.work import EXCHANGE
from sandbox.exchange.desktop import SalesOrder
from sandbox.exchange.distributor import BY_FTPS
from sandbox.providers.quickbooks import Books, Size, generate
from storage.facts.clock import OffsetClock
from storage.facts.exchange import ExchangeRun, Guard
from storage.facts.exchange_orders import Order, Trace, Written
from storage.facts.sources import Source
from storage.records import exchange_orders as order_records
from storage.sessions import Session
from tests.bot.cli.broken import IN_VAIN, Twin, fails

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_story_is_seen_to_its_end(kind: str, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", "exchange", "--size", "20"]
    if kind == "postgres":
        command += ["--database", request.getfixturevalue("postgres_database").url]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=880, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for seen in (
        "over SFTP",
        "the next night both files have the new name",
        "both files have it anew",
        "are held until Daniel lets them go",
        "is put back with one press",
        "becomes one Estimate",
        "stays one Estimate",
        "a duplicate is refused",
        "a bad order is told why",
        "becomes one SalesOrderAdd",
    ):
        assert seen in ran.stdout
    assert ran.stderr == ""


# -- products that break their word ------------------------------------------------------------------------------------


class SendsOnce(ExchangeHandler):
    """Sends each file once, and takes every later one for sent."""

    def __init__(self, real: ExchangeHandler) -> None:
        vars(self).update(vars(real))
        self._sent: dict[tuple[str, str], Published] = {}

    async def _published(self, side: Side, built: Built, decided: ExchangeRun) -> Published:
        name = side.place.latest, built.path.name
        if name not in self._sent:
            self._sent[name] = await super()._published(side, built, decided)
        return self._sent[name]


class LetsThrough(ExchangeHandler):
    """Holds nothing: whatever shrank was agreed to."""

    def __init__(self, real: ExchangeHandler) -> None:
        vars(self).update(vars(real))

    def _decided(self, session: Session, task: Task, built: Built) -> ExchangeRun | None:
        agreed = {Guard.SHRINK.value: 0, Guard.EMPTY.value: 0}
        return super()._decided(session, replace(task, run=replace(task.run, agreed=agreed)), built)


class LooksForNothing(Estimates):
    """Writes an order without looking whether its number is there."""

    async def find_many(
        self, wanted: Sequence[tuple[Order, str]], traces: Sequence[Trace] = ()
    ) -> list[Written | None]:
        return [None for _ in wanted]

    def is_taken(self, order: Order) -> bool:
        return False


class KnowsNoNumbers(turn.LakeBooks):
    """Knows of no estimate that is there."""

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        found = await super().look(orders)
        return None if found is None else replace(found, numbers={})


@asynccontextmanager
async def blind_sink(ground: Any, source: Source, books: Source) -> Any:
    async with turn.quickbooks_sink(ground, source, books) as opened:
        vars(blind := LooksForNothing.__new__(LooksForNothing)).update(vars(opened))
        yield blind


class SaysNoReason(turn.Turn):
    """Answers to each order, but never why."""

    async def _answered(self) -> None:
        place, allowed = self._wanted.place, self._wanted.allowed
        found = await self._read(lambda session: order_records.unanswered(session, self.source.id, 500))
        if found:
            await write_back(place, allowed, [replace(turn._answer(one), error="") for one in found], self._now())
            await self.write(lambda session: order_records.answered(session, found, self._now()))


class Takes(turn.TakesOrders):
    """Takes orders in, in a way of its own."""

    def __init__(self, real: turn.TakesOrders, how: Callable[[Any, turn.OrdersIn], Awaitable[OrdersTaken]]) -> None:
        vars(self).update(vars(real))
        self._how = how

    async def take(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        return await self._how(self._ground, await self._of(source, books))


class TakesOrders(DeclaredOrders):
    def __init__(self, real: DeclaredOrders, how: Callable[[Any, turn.OrdersIn], Awaitable[OrdersTaken]]) -> None:
        vars(self).update(vars(real))
        self._how = how

    def _turn(self) -> turn.TakesOrders:
        return Takes(super()._turn(), self._how)


async def blindly(ground: Any, wanted: turn.OrdersIn) -> OrdersTaken:
    books = KnowsNoNumbers(ground, wanted.books)
    return await turn.take(ground, replace(wanted, sink=blind_sink), books=books)


async def silently(ground: Any, wanted: turn.OrdersIn) -> OrdersTaken:
    return await turn.take(ground, wanted, kind=SaysNoReason)


def handled_by(kind: Callable[[ExchangeHandler], ExchangeHandler]) -> Callable[[Jobs], Jobs]:
    """Let runs of the exchange be handled by another kind of handler."""

    def variant(jobs: Jobs) -> Jobs:
        return replace(jobs, handlers={**jobs.handlers, EXCHANGE: kind(_handler(jobs)).handle})

    return variant


def taken_by(how: Callable[[Any, turn.OrdersIn], Awaitable[OrdersTaken]]) -> Callable[[Jobs], Jobs]:
    """Let orders be taken in in another way."""

    def variant(jobs: Jobs) -> Jobs:
        handler = _handler(jobs)
        assert isinstance(handler._orders, DeclaredOrders)
        handler._orders = TakesOrders(handler._orders, how)
        return jobs

    return variant


def _handler(jobs: Jobs) -> ExchangeHandler:
    handler: Any = getattr(jobs.handlers[EXCHANGE], "__self__")  # noqa: B009 - what the method is bound to
    assert isinstance(handler, ExchangeHandler)
    return handler


async def edited(stage: Stage) -> None:
    await stage.first_reads()
    far = FarSide(stage)
    await story.switches_on(stage)
    await story.a_night(stage, far)
    done = await story.edits(stage)
    stage.impatient(IN_VAIN)
    await story.travelled(stage, far, done)


async def shrunk(stage: Stage) -> None:
    await stage.first_reads()
    far = FarSide(stage)
    await story.switches_on(stage)
    await story.a_night(stage, far)
    await story.a_held_file(stage, far)


async def sent_again(stage: Stage) -> None:
    await stage.first_reads()
    await exchange_orders.taken_again(stage, BY_FTPS, await exchange_orders.an_estimate(stage, BY_FTPS))


async def came_twice(stage: Stage) -> None:
    await stage.first_reads()
    await exchange_orders.an_estimate(stage, BY_FTPS)
    await exchange_orders.a_duplicate(stage, BY_FTPS)


async def was_bad(stage: Stage) -> None:
    await stage.first_reads()
    await exchange_orders.an_estimate(stage, BY_FTPS)
    await exchange_orders.a_bad_order(stage, BY_FTPS)


TWINS: Mapping[str, Twin] = {
    "an edit does not travel": Twin(
        edited, "that the next night's files are what QuickBooks has did not come true", handled_by(SendsOnce), True
    ),
    "the guard lets it through": Twin(shrunk, "what should be held was sent to", handled_by(LetsThrough), True),
    "an order is created again": Twin(sent_again, "order SO-2001 became 2 estimates", taken_by(blindly), exchange=True),
    "a duplicate is created": Twin(came_twice, "order SO-2002, a duplicate, was created", taken_by(blindly), True),
    "the reason is kept back": Twin(
        was_bad, "the bad order's reason at PocketAdvantage is ''", taken_by(silently), True
    ),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_makes_the_story_fail(name: str, capsys: pytest.CaptureFixture[str], logs_restored: None) -> None:
    fails(TWINS[name], 20, capsys)


# -- in every run: the judgement itself --------------------------------------------------------------------------------


def _books() -> Books:
    return generate(1, Size.of(4), as_of=NOW, clock=OffsetClock(), company="Temerity Goods")


def _as_it_should_be(books: Books) -> dict[str, Rows]:
    """Return what the far side has where everything went well."""
    named = {
        name: [
            {
                key: str(one.get("Sku") or one["Id"]) if entity == "Item" else str(one["Id"]),
                "NAME": str(one.get("DisplayName") or one.get("Name")),
                "ACTIVE": "Y" if one.get("Active", True) else "N",
            }
            for one in books.truth(entity)
            if one.get("Type") != "Category" and (entity != "Employee" or one.get("Active", True))
        ]
        for name, (entity, key) in FILES.items()
        if entity != "Invoice"
    }
    invoices = [
        {"TXN_ID": str(one["Id"]), "LINE_NO": "1", "AMOUNT": str(one["TotalAmt"]), "TAX_TOTAL": "0", "DISC_AMT": "0"}
        for one in books.truth("Invoice")
    ]
    return {**named, "invoice.fil": invoices}


def _lost(found: dict[str, Rows]) -> None:
    found["customer.fil"].pop()


def _never_sent(found: dict[str, Rows]) -> None:
    del found["vendor.fil"]


def _old_name(found: dict[str, Rows]) -> None:
    found["item.fil"][0]["NAME"] = "what it was called before"


def _foreign(found: dict[str, Rows]) -> None:
    found["customer.fil"].append({"CUST_NO": "999999", "NAME": "somebody else's", "ACTIVE": "Y"})


def _a_cent(found: dict[str, Rows]) -> None:
    found["invoice.fil"][0]["AMOUNT"] += "1"


def test_what_is_as_it_should_be_has_nothing_against_it() -> None:
    books = _books()
    assert wrong(_as_it_should_be(books), books) == []


@pytest.mark.parametrize("spoil", [_lost, _never_sent, _old_name, _foreign, _a_cent])
def test_one_row_that_is_another_is_noticed(spoil: Callable[[dict[str, Rows]], None]) -> None:
    books = _books()
    found = _as_it_should_be(books)
    spoil(found)
    assert len(wrong(found, books)) == 1


def test_files_are_read_as_the_far_side_reads_them() -> None:
    assert rows_of(b"A\tB\r\n1\t\r\n\xe2\x82\xac\t2\r\n") == [{"A": "1", "B": ""}, {"A": "\u20ac", "B": "2"}]


ROWS: list[dict[str, Any]] = [
    {"cust_no": "3", "line_no": "2", "item_no": "TG-RDP22-SAND", "qty": "4.5", "unit_price": None},
    {"cust_no": "3", "line_no": "1", "item_no": "TG-RDP22-INK", "qty": "2", "unit_price": "120.00"},
]
ORDERED = ("3", [("1", Decimal(2), Decimal(120)), ("2", Decimal("4.5"), Decimal(128))])


def _estimate(customer: str, lines: Sequence[Line]) -> Mapping[str, Any]:
    details = [{"ItemRef": {"value": item}, "Qty": qty, "UnitPrice": price} for item, qty, price in lines]
    sold = [{"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": one} for one in details]
    return {"CustomerRef": {"value": customer}, "Line": [*sold, {"DetailType": "SubTotalLineDetail"}]}


def _sales_order(customer: str, lines: Sequence[Line], books: Books) -> SalesOrder:
    names = {str(one["Id"]): one["Name"] for one in books.truth("Item")}
    called = next(one["DisplayName"] for one in books.truth("Customer") if one["Id"] == customer)
    written = [{"ItemRef": names[item], "Quantity": str(qty), "Rate": str(price)} for item, qty, price in lines]
    return SalesOrder("1A2B", 1, {"CustomerRef": called}, written)


def test_an_order_is_compared_with_what_it_became_line_by_line() -> None:
    books = _books()
    customer, (first, second) = ordered(ROWS, books)
    assert (customer, [first, second]) == ORDERED
    dear = (first[0], first[1], first[2] + 1)
    for lines in ([first, second], [second, first], [first], [first, first, second], [dear, second]):
        right = lines == [first, second]
        assert (of_estimate(_estimate("3", lines)) == ORDERED) is right
        assert (of_desktop(_sales_order("3", lines, books), books) == ORDERED) is right
    assert of_estimate(_estimate("4", [first, second])) != ORDERED
