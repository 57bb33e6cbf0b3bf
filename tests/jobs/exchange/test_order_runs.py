"""A run of the orders says what went into QuickBooks, also where it could not go on, and tells receivers which ones."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from connectors.errors import Broken, ConnectorError, Retry, WriteRefused
from jobs.exchange import telling
from jobs.exchange.desktop.sink import desktop_sink
from jobs.exchange.due import start
from jobs.exchange.orders.books import BooksNow, Customer, Item
from jobs.exchange.orders.preflight import Stopped, check
from jobs.exchange.orders.settling import settled
from jobs.exchange.ports import OrderMoves, OrdersTaken
from jobs.exchange.running import ExchangeHandler
from jobs.exchange.timing import Due
from storage.facts.exchange import Counts, ExchangeRun, Pair, Reject, RunState, Trigger
from storage.facts.exchange_orders import Into, KeptOrder, Order, OrderLine, OrderRead, OrderState, Wish, Written
from storage.facts.outgoing import EventType
from storage.records import capabilities, exchange, exchange_orders, outgoing, sources
from storage.sessions import Database, Session
from storage.tables import OutgoingMessageRow
from templates.notices.exchange_words import ended
from tests.jobs.exchange.nights import BOOKS, CUST_ID, FAR, ORGANIZATION, START, company
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_runs import TWO

WENT = OrdersTaken(
    read=4,
    counts=Counts(2, 1),
    moves=OrderMoves(("SO-1", "SO-3"), ("SO-2",)),
    left_out=1,
    problems=(Reject("SO-4", "", "It has no lines: add one, or cancel it."),),
)


ORDER = Order(CUST_ID, "SO-1", 1, TWO.date(), "7", (OrderLine("1", "A", Decimal(1)),))


class Killed(BaseException):
    """The process is gone."""


class Scripted:
    """Comes to one thing after the other."""

    def __init__(self, outcomes: Sequence[OrdersTaken]) -> None:
        self.outcomes = list(outcomes)

    async def take(self, *_given: object) -> OrdersTaken:
        return self.outcomes.pop(0)

    async def dry(self, *given: object) -> OrdersTaken:
        return await self.take(*given)


def receives(session: Session) -> None:
    """Let there be a receiver of everything."""
    outgoing.add_endpoint(
        session, "end_1", ORGANIZATION, "https://receiver.example", [*EventType], b"sealed", "mem_admin", START
    )


def told(session: Session) -> list[dict[str, object]]:
    """Return what receivers are told of objects that changed."""
    rows = session.exec(select(OutgoingMessageRow).where(OutgoingMessageRow.type == "exchange.changed"))
    return [json.loads(row.body)["data"] for row in rows]


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("ends", [RunState.DONE, RunState.FAILED])
async def test_what_went_before_it_stopped_is_told(
    sqlite_database: Database, tmp_path: Path, ends: RunState, *, loses: bool
) -> None:
    """PocketAdvantage's database falls silent once orders went; the twin says of that attempt only that it stopped."""
    away = Retry(None, "the database fell silent", code="database_unreachable")
    gone = Broken("the database has no view of that name", code="view_missing")
    first = OrdersTaken(stopped=away) if loses else replace(WENT, stopped=away)
    then = OrdersTaken(read=3, stopped=gone if ends is RunState.FAILED else None)
    kind = partial(ExchangeHandler, orders=Scripted([first, then]))
    world = company(sqlite_database, tmp_path, maps=plain, kind=kind)

    sqlite_database.in_write(receives)
    world.on(Pair.ORDERS)
    world.clock.at = TWO
    for _ in range(2):
        await world.worked()
        world.clock.at += (world.history(Pair.ORDERS)[0].next_at or TWO) - TWO
    run = world.history(Pair.ORDERS)[0]
    said = str(ended(run))
    assert ("3 orders went into QuickBooks" in said) != loses
    if loses:
        return
    assert (run.state, run.counts, run.rows, run.rejected) == (ends, Counts(2, 1), 4, 1)
    rejects = sqlite_database.in_read(lambda session: exchange.rejects_of(session, run.id))
    assert [one.key for one in rejects] == ["SO-4"]

    (changed,) = sqlite_database.in_read(told)
    assert [changed[what] for what in ("added", "updated", "removed")] == [["SO-1", "SO-3"], ["SO-2"], []]


class Dies(ExchangeHandler):
    """Its process dies before it has put the run off, once."""

    deaths = 1

    async def _stopped(self, run: ExchangeRun, error: ConnectorError) -> None:
        if self.deaths:
            self.deaths -= 1
            raise Killed
        await super()._stopped(run, error)


def by_attempt(session: Session, run: ExchangeRun, taken: OrdersTaken) -> None:
    """Tell as a twin does to whom an attempt has one turn."""
    telling.order_changed(session, run, f"{run.id}:a{run.attempt}", taken.moves, TWO)


async def test_what_two_turns_of_one_attempt_did_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    """The first one's process dies once that is written down; the engine begins the attempt again."""
    away = Retry(None, "the database fell silent", code="database_unreachable")
    more = OrdersTaken(read=5, counts=Counts(1), moves=OrderMoves(("SO-5",)))
    turns = [replace(WENT, stopped=away), more]
    world = company(sqlite_database, tmp_path, maps=plain, kind=partial(Dies, orders=Scripted(turns)))
    sqlite_database.in_write(receives)
    world.on(Pair.ORDERS)
    world.clock.at = TWO
    with pytest.raises(Killed):
        await world.worked()
    (run,) = world.history(Pair.ORDERS)
    await world.handler.take(run.id, run.attempt)
    (run,) = world.history(Pair.ORDERS)
    assert (run.state, run.attempt, run.counts) == (RunState.DONE, 1, Counts(3, 1))
    assert sorted(str(one["added"]) for one in sqlite_database.in_read(told)) == ["['SO-1', 'SO-3']", "['SO-5']"]
    for turn in turns:
        sqlite_database.in_write(partial(by_attempt, run=run, taken=turn))
    assert len(sqlite_database.in_read(told)) == 3, "the twin tells of one of two"


async def test_a_turn_that_was_cut_off_tells_nothing_of_quickbooks_desktop(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """What that answered meanwhile was told when it did."""
    company(sqlite_database, tmp_path, maps=plain)

    def goes(session: Session, number: str, into: Into) -> None:
        read = OrderRead(CUST_ID, number, 1, Wish.READY, "t1", "f1", replace(ORDER, order_no=number))
        exchange_orders.keep(session, sources.source(session, FAR), [read], TWO)
        for state in (OrderState.NEW, OrderState.CONFIRMED):
            (one,) = exchange_orders.by_order(session, ORGANIZATION, number)
            if state is OrderState.NEW:
                assert exchange_orders.claim(session, one, into, TWO, TWO)
            else:
                assert exchange_orders.move(session, one, state, TWO, written=Written(f"id {number}", number))

    sqlite_database.in_write(partial(goes, number="SO-1", into=Into("desktop")))
    sqlite_database.in_write(partial(goes, number="SO-2", into=Into("estimate", BOOKS)))
    assert sqlite_database.in_read(lambda session: exchange_orders.went(session, FAR, TWO)) == (["SO-2"], [], [])


async def test_an_order_is_told_when_quickbooks_desktop_has_it(sqlite_database: Database, tmp_path: Path) -> None:
    """Once; that it is there as it was, when a person has it taken again, is no news. No dry run is said to do it."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.ORDERS)
    world.clock.at = TWO
    await world.sweep()
    (sends,) = world.history(Pair.ORDERS)

    def looks(session: Session) -> None:
        exchange.stop(session, sends, "over", "over", TWO)
        due = Due("dry-1", TWO + timedelta(minutes=1), TWO + timedelta(hours=1))
        start(session, exchange.pair(session, sends.pair_id), Trigger.DRY, due, due.at, world.enqueue)

    sqlite_database.in_write(looks)
    assert world.history(Pair.ORDERS)[-1].trigger is Trigger.DRY
    into, there = Into("desktop"), Written("1A-2", "SO-1")

    def comes(session: Session, first: bool) -> KeptOrder:  # noqa: FBT001 - a fact
        if first:
            read = OrderRead(CUST_ID, "SO-1", 1, Wish.READY, "t1", "f1", ORDER)
            exchange_orders.keep(session, sources.source(session, FAR), [read], TWO)
        (one,) = exchange_orders.by_order(session, ORGANIZATION, "SO-1")
        assert first or exchange_orders.again(session, one, TWO)
        one = exchange_orders.find(session, one.id) or one
        assert exchange_orders.claim(session, one, into, TWO, TWO)
        one = exchange_orders.find(session, one.id) or one
        assert exchange_orders.move(session, one, OrderState.WAITING, TWO)
        return one

    for first in (True, False):
        one = sqlite_database.in_write(partial(comes, first=first))
        if first:
            sqlite_database.in_write(receives)
        assert sqlite_database.in_write(lambda session: settled(session, one.id, there, TWO)) is not None  # noqa: B023 - called at once
        (changed,) = sqlite_database.in_read(told)
        assert (changed["added"], changed["pair"], changed["run"]) == (["SO-1"], "orders", sends.id)


async def test_quickbooks_desktop_is_written_to_only_once_an_admin_allowed_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Registering it allows nothing yet, as connecting allows nothing."""
    world = company(sqlite_database, tmp_path, maps=plain)
    far, books = sqlite_database.in_read(lambda session: [sources.source(session, one) for one in (FAR, BOOKS)])
    with pytest.raises(WriteRefused):
        async with desktop_sink(world.ground, far, books):
            raise AssertionError("it was opened")
    sqlite_database.in_write(lambda session: capabilities.let_write(session, BOOKS, TWO, allowed=True))
    async with desktop_sink(world.ground, far, books) as sink:
        assert sink.target == "desktop"


@pytest.mark.parametrize("target, stopped", [("estimate", True), ("desktop", False)])
def test_the_number_of_an_estimate_stops_no_sales_order(target: str, *, stopped: bool) -> None:
    books = BooksNow(
        {"7": Customer("7", "Amber", active=True)}, {"A": [Item("1", "A", active=True, price=Decimal(2))]},
        {"SO-1": ["typed in by hand"]},
    )  # fmt: skip
    assert isinstance(check(ORDER, books, target), Stopped) == stopped
