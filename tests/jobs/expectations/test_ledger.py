"""What does not happen is an event: a schedule that stops without a word is found, claimed once, and reported."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from jobs.asks import Enqueue
from jobs.expectations.ledger import Ledger
from jobs.schedule import schedule_of, start_catch_up, start_slot
from jobs.slots import Slot, next_slot
from storage.facts.expectations import ExpectationState
from storage.facts.sources import ConnectionState, Source
from storage.records import sources
from storage.sessions import Database, Session
from tests.jobs.expectations.ground import BEGAN, Ground

HOUR = timedelta(hours=1)
MINUTE, FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)


class Forgetful(Ledger):
    """Twin: goes through no sources, so that it knows only of slots that the clock itself wrote down."""

    def go_through(self, now: datetime) -> None:
        """Do nothing."""


def forgets(session: Session, slot: Slot, now: datetime, enqueue: Enqueue) -> str | None:
    """Twin: starts a slot and writes down nothing of the one after it."""
    return start_catch_up(session, sources.source(session, slot.source_id), slot.key, now, enqueue)


def twin_of(ledger: Ledger) -> Ledger:
    """Return the forgetful one over the same rows."""
    twin = Forgetful.__new__(Forgetful)
    twin.__dict__.update(ledger.__dict__)
    return twin


def test_a_schedule_that_silently_stopped_is_reported_within_five_minutes(sqlite_database: Database) -> None:
    ground = Ground(sqlite_database)
    stopped, *others = ground.sources()
    assert others
    ledger = ground.ledger()
    ground.pass_time(ledger, next_slot(schedule_of(stopped), BEGAN) + MINUTE, [stopped, *others])
    assert ground.told() == []
    # No job, no error: nobody submits it any more.
    due = next_slot(schedule_of(stopped), ground.clock.now())
    ground.pass_time(ledger, due + FIVE_MINUTES, others)
    channels = [delivery.channel for delivery in ground.told()]
    assert channels == ["slack", "email"]
    assert "1 scheduled collection did not start on time" in ground.words(ground.told()[0])
    assert all(delivery.created_at <= due + FIVE_MINUTES for delivery in ground.told())
    assert [one.source_id for one in ground.missed] == [stopped.id]
    # The same trouble is not told again, and its end is, once.
    ground.pass_time(ledger, due + 5 * FIVE_MINUTES, others)
    assert len(ground.told()) == 2
    again = next_slot(schedule_of(stopped), ground.clock.now())
    ground.pass_time(ledger, again + 2 * MINUTE, [stopped, *others])
    assert [ground.words(delivery)[:5] for delivery in ground.told()[2:]] == ["Over:", "Over:"]
    assert {one.state for one in ground.rows(stopped)} <= set(ExpectationState)


@pytest.mark.parametrize("how, knows", [(start_slot, True), (forgets, False)], ids=["product", "twin"])
def test_the_slot_that_starts_expects_the_next_one(sqlite_database: Database, how: Any, *, knows: bool) -> None:
    ground = Ground(sqlite_database)
    source, *_ = ground.sources()
    ledger = twin_of(ground.ledger())
    ground.pass_time(ledger, BEGAN + 2 * HOUR, [source], how)
    due = next_slot(schedule_of(source), ground.clock.now())
    ground.pass_time(ledger, due + FIVE_MINUTES, [], how)
    assert bool(ground.told()) == knows


@pytest.mark.parametrize("goes_through", [True, False], ids=["product", "twin"])
def test_a_schedule_that_never_began_is_found_too(sqlite_database: Database, *, goes_through: bool) -> None:
    ground = Ground(sqlite_database)
    source, *_ = ground.sources()
    ledger = ground.ledger() if goes_through else twin_of(ground.ledger())
    ground.pass_time(ledger, next_slot(schedule_of(source), BEGAN) + FIVE_MINUTES, [])
    assert (source.id in {one.source_id for one in ground.missed}) == goes_through


def test_what_was_down_for_an_hour_is_found_at_its_start(sqlite_database: Database) -> None:
    ground = Ground(sqlite_database)
    everything = ground.sources()
    ground.pass_time(ground.ledger(), BEGAN + HOUR, everything)
    ground.clock.advance(HOUR + timedelta(minutes=1))
    # The process begins again: its clock makes up for the newest slots while the ledger has patience.
    for source in everything:
        ground.start(source)
    again = ground.clock.now()
    ground.pass_time(ground.ledger(), again + FIVE_MINUTES, everything)
    told = ground.told()
    assert [delivery.channel for delivery in told] == ["slack", "email"]
    assert "All are made up for already" in ground.words(told[0])
    # Nobody is accused who came late only because we slept.
    assert ground.missed == []


def test_three_workers_report_once(database: Database) -> None:
    ground = Ground(database)
    ledgers = [ground.ledger() for _ in range(3)]
    due = min(next_slot(schedule_of(source), BEGAN) for source in ground.sources())
    with ThreadPoolExecutor(3) as pool:
        while ground.clock.now() < due + FIVE_MINUTES:
            ground.clock.advance(timedelta(seconds=50))
            for done in [pool.submit(ledger.tick) for ledger in ledgers]:
                done.result(60)
    assert sorted(delivery.channel for delivery in ground.told()) == ["email", "slack"]
    assert len(ground.missed) == len({one.id for one in ground.missed})


def test_what_is_disconnected_or_planned_anew_is_waited_for_no_more(sqlite_database: Database) -> None:
    ground = Ground(sqlite_database)
    first, second, *_ = ground.sources()
    ledger = ground.ledger()
    ground.pass_time(ledger, BEGAN + HOUR, [first, second])
    sqlite_database.in_write(lambda session: _change(session, first, second, ground.clock.now()))
    ground.pass_time(ledger, BEGAN + 3 * HOUR, [])
    assert {one.source_id for one in ground.missed} & {first.id} == set()
    # The slot of the old rhythm is dropped, the one of the new rhythm is missed.
    states = [one.state for one in ground.rows(second) if one.settled_at is None or one.missed_at is None]
    assert states == [ExpectationState.MET, ExpectationState.VOID, ExpectationState.REPORTED]


def _change(session: Session, first: Source, second: Source, now: datetime) -> None:
    sources.set_connection(session, first.id, ConnectionState.DISCONNECTED, "refused", now)
    session.execute(
        text("UPDATE sources SET schedule_minutes = 37, updated_at = :now WHERE id = :id"),
        {"now": now.isoformat(), "id": second.id},
    )
