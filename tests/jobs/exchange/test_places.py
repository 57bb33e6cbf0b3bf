"""Slow customers keep no other organization waiting, and whoever waits for a place is told so."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs.exchange.places import Places
from jobs.exchange.ports import OrdersTaken
from jobs.exchange.running import ExchangeHandler
from jobs.work import EXCHANGE_PLACES, EXCHANGE_QUEUE
from storage.facts.exchange import Pair, RunState
from storage.facts.exchange_orders import Into, OrderRead, OrderState, Wish, Written
from storage.records import exchange_orders, sources
from storage.sessions import Database, Session
from templates.notices.exchange_said import exchange_started
from templates.notices.exchange_words import doing
from tests.jobs.exchange.nights import BOOKS, CUST_ID, FAR, ORGANIZATION, company
from tests.jobs.exchange.plain import plain
from tests.jobs.exchange.test_runs import TWO, stocked


@pytest.mark.parametrize("of_one, loses", [(2, False), (99, True)])
def test_the_slow_connections_of_one_organization_leave_places_to_others(of_one: int, *, loses: bool) -> None:
    """However many connections it has; the twin gives it each place."""
    places, taken = Places(of_one=of_one), 0
    held = [places.held("org_slow", f"xrn_{number}") for number in range(EXCHANGE_PLACES)]
    for one in held:
        if places.free("org_slow"):
            one.__enter__()
            taken += 1
    assert places.free("org_other")
    assert (taken == EXCHANGE_QUEUE.worker_concurrency) == loses
    for one in held[:taken]:
        one.__exit__(None, None, None)
    assert places.free("org_slow")


async def test_the_pairs_of_one_connection_take_turns(sqlite_database: Database, tmp_path: Path) -> None:
    """Old file servers allow one or two connections; the engine begins one piece of work of a partition at a time."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.CUSTOMERS, Pair.ITEMS, Pair.INVOICES)
    world.clock.at = TWO
    await world.sweep()
    assert [(one.queue, one.partition) for one in world.asked] == [(EXCHANGE_QUEUE.name, FAR)] * 3
    assert EXCHANGE_QUEUE.partition_concurrency == 1


def test_the_last_place_comes_free_soon() -> None:
    places = Places(most=3)
    with places.held("a", "first"), places.held("b", "second"), places.held("c", "last"):
        assert [places.at_most(one, 3600) for one in ("first", "second", "last")] == [3600, 3600, 600]
        assert [places.at_most(one) for one in ("first", "last")] == [None, 600]
        assert places.at_most("last", 60) == 60
    with places.held("c", "last"):
        assert places.at_most("last") is None


@pytest.mark.parametrize("of_one, loses", [(1, False), (2, True)])
async def test_a_run_that_waits_for_others_of_its_organization_says_so(
    sqlite_database: Database, tmp_path: Path, of_one: int, *, loses: bool
) -> None:
    """And begins by itself; here it has to wait for QuickBooks' data then."""
    places = Places(of_one=of_one)
    world = company(sqlite_database, tmp_path, maps=plain, kind=partial(ExchangeHandler, places=places))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    with places.held(ORGANIZATION, "xrn_other"):
        await world.worked()
        (run,) = world.history(Pair.CUSTOMERS)
        assert run.state is RunState.WAITING
        assert (run.code == "places") != loses
        assert ("of your organization are being exchanged" in str(doing(run, world.clock.at))) != loses
    world.clock.at += timedelta(seconds=30)
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.code, run.attempt) == ("books_never", 1 if loses else 2)


def _one_went(session: Session) -> None:
    read = OrderRead(CUST_ID, "SO-1", 1, Wish.READY, "t1", "f1")
    exchange_orders.keep(session, sources.source(session, FAR), [read], TWO)
    (one,) = exchange_orders.due(session, FAR, TWO, 1)
    assert exchange_orders.claim(session, one, Into("estimate", BOOKS), TWO, TWO)
    (mine,) = exchange_orders.by_order(session, ORGANIZATION, "SO-1")
    assert exchange_orders.move(session, mine, OrderState.CONFIRMED, TWO, written=Written("145", "SO-1"))


class Slow:
    """Orders of a database that never comes to an end."""

    def __init__(self) -> None:
        self.database: Database | None = None

    async def take(self, *_given: object) -> OrdersTaken:
        if self.database is not None:
            self.database.in_write(_one_went)
        await asyncio.sleep(0)
        return OrdersTaken()

    async def dry(self, *given: object) -> OrdersTaken:
        return await self.take(*given)


@pytest.mark.parametrize("most, loses", [(1, False), (2, True)])
async def test_orders_in_the_last_place_give_it_up_and_go_on_later(
    sqlite_database: Database, tmp_path: Path, most: int, *, loses: bool
) -> None:
    """The time of the last place is over at once here; whoever has another one ends in peace."""
    orders = Slow()
    kind = partial(ExchangeHandler, orders=orders, places=Places(most=most, short=0.0))
    world = company(sqlite_database, tmp_path, maps=plain, kind=kind)
    orders.database = sqlite_database
    world.on(Pair.ORDERS)
    world.clock.at = TWO
    await world.worked()
    (run,) = world.history(Pair.ORDERS)
    assert (run.state, run.code) == ((RunState.UNCHANGED, "") if loses else (RunState.WAITING, "timeout"))
    assert run.counts.added == (0 if loses else 1), "what went until then is told"


@pytest.mark.parametrize("most, loses", [(1, False), (2, True)])
async def test_a_file_in_the_last_place_gives_it_up_and_goes_on_later(
    sqlite_database: Database, tmp_path: Path, most: int, *, loses: bool
) -> None:
    kind = partial(ExchangeHandler, places=Places(most=most, short=0.0))
    world = stocked(company(sqlite_database, tmp_path, maps=plain, kind=kind))
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    world.collect()
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == ((RunState.DONE, "") if loses else (RunState.WAITING, "timeout"))


async def test_who_waits_for_its_turn_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    await world.sweep()
    (run,) = world.history(Pair.CUSTOMERS)
    assert "in a moment" in str(doing(run, world.clock.at))
    assert "as soon as a place is free" in str(doing(run, world.clock.at + timedelta(minutes=2)))


@pytest.mark.parametrize(
    "state, minutes, said",
    [
        (RunState.QUEUED, 0, "it begins in a moment."),
        (RunState.QUEUED, 10, "it waits."),
        (RunState.WAITING, 0, "it waits."),
        (RunState.BUILDING, 10, "it has begun."),
    ],
)
async def test_who_wants_what_waits_already_is_not_told_that_it_begins(
    sqlite_database: Database, tmp_path: Path, state: RunState, minutes: int, said: str
) -> None:
    """A second wish is answered with the run of the first one, and that may wait for a place, or for data."""
    world = company(sqlite_database, tmp_path, maps=plain)
    world.on(Pair.CUSTOMERS)
    world.clock.at = TWO
    await world.sweep()
    (run,) = world.history(Pair.CUSTOMERS)
    now = TWO + timedelta(minutes=minutes)
    told = exchange_started(replace(run, state=state, why="nothing was imported yet"), now)
    assert told.summary == f"Customers: {said}"
    assert ("nothing was imported yet" in str(told)) == (state is RunState.WAITING)
