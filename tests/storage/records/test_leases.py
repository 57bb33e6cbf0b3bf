"""A lease has one holder, ends by the database's time, and its generation grows with each holder."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.records import leases
from storage.sessions import Database, Session
from storage.tables import LeaseRow


def _expire(database: Database, name: str) -> None:
    past = "'2020-01-01T00:00:00.000000+00:00'" if database.is_sqlite else "now() - interval '1 second'"
    with database.write() as session:
        session.connection().execute(text(f"UPDATE leases SET until = {past} WHERE name = :name"), {"name": name})


def test_a_lease_is_held_renewed_and_given_back(database: Database) -> None:
    with database.write() as session:
        assert leases.acquire(session, "load:org", "a", 60) == 1
        assert leases.holds(session, "load:org", "a", 1)
    with database.write() as session:
        assert leases.acquire(session, "load:org", "b", 60) is None
        assert leases.acquire(session, "load:org", "a", 60) is None
        assert leases.acquire(session, "load:other", "b", 60) == 1
        assert leases.renew(session, "load:org", "a", 1, 60)
        assert not leases.renew(session, "load:org", "b", 1, 60)
        assert not leases.release(session, "load:org", "b", 1)
        assert leases.release(session, "load:org", "a", 1)
        assert not leases.holds(session, "load:org", "a", 1)
    with database.write() as session:
        assert leases.acquire(session, "load:org", "b", 60) == 2


def test_an_expired_holder_is_fenced(database: Database) -> None:
    with database.write() as session:
        assert leases.acquire(session, "load", "a", 60) == 1
    _expire(database, "load")
    with database.write() as session:
        assert not leases.holds(session, "load", "a", 1)
        assert not leases.renew(session, "load", "a", 1, 60)
        assert leases.acquire(session, "load", "b", 60) == 2
    with database.write() as session:
        assert not leases.holds(session, "load", "a", 1)
        assert not leases.release(session, "load", "a", 1)
        assert leases.holds(session, "load", "b", 2)
    # The same holder again is another holder: what it did before is over.
    _expire(database, "load")
    with database.write() as session:
        assert leases.acquire(session, "load", "b", 60) == 3
        assert not leases.holds(session, "load", "b", 2)


def _race(database: Database) -> list[int]:
    barrier = threading.Barrier(6)

    def run(number: int) -> int | None:
        barrier.wait()
        with database.write() as session:
            return leases.acquire(session, "load", f"holder{number}", 60)

    with ThreadPoolExecutor(6) as pool:
        return [found for found in pool.map(run, range(6)) if found is not None]


def test_one_of_many_racers_wins_and_generations_are_never_used_twice(database: Database) -> None:
    assert _race(database) == [1]
    for generation in (2, 3):
        _expire(database, "load")
        assert _race(database) == [generation]


def test_without_a_generation_the_old_holder_would_seem_to_hold(database: Database) -> None:
    """The twin: the guard asks for the name only; a process that was started again has the same one."""
    with database.write() as session:
        assert leases.acquire(session, "load", "worker", 60) == 1
    _expire(database, "load")
    with database.write() as session:
        assert leases.acquire(session, "load", "worker", 60) == 2
        held_by = session.connection().execute(text("SELECT holder FROM leases")).scalar_one()
        assert held_by == "worker"
        assert not leases.holds(session, "load", "worker", 1)


def test_two_that_look_before_they_take_would_both_have_it(database: Database) -> None:
    """The twin: looking and taking apart, so that the race of the other test finds two winners."""
    with database.write() as session:
        leases.acquire(session, "load", "a", 60)
    _expire(database, "load")

    def look() -> int:
        with database.read() as session:
            return int(session.connection().execute(text("SELECT generation FROM leases")).scalar_one())

    seen = [look(), look()]
    won = []
    for found in seen:
        with database.write() as session:
            session.connection().execute(text("UPDATE leases SET generation = :new"), {"new": found + 1})
            won.append(found + 1)
    assert won == [2, 2]


def by_the_time_alone(session: Session, name: str, holder: str, seconds: float) -> int | None:
    """Twin: what lies ahead is believed, however far."""
    row = session.get(LeaseRow, name)
    if row is not None and row.until > datetime.now(UTC):
        return None
    return leases.acquire(session, name, holder, seconds)


@pytest.mark.parametrize("given_back", [True, False], ids=["given back", "held"])
@pytest.mark.parametrize("acquire, waits", [(leases.acquire, False), (by_the_time_alone, True)])
def test_a_clock_that_was_set_back_keeps_nobody_waiting(
    database: Database, acquire: Callable[..., int | None], *, waits: bool, given_back: bool
) -> None:
    with database.write() as session:
        assert leases.acquire(session, "load", "a", 30) == 1
        if given_back:
            assert leases.release(session, "load", "a", 1)
    later = {"at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="microseconds")}
    with database.write() as session:
        # As a clock that was an hour ahead wrote it.
        session.connection().execute(text("UPDATE leases SET until = :at"), later)
    with database.write() as session:
        assert acquire(session, "load", "b", 30) == (None if waits else 2)
        # Whoever held it by the other clock is fenced.
        assert waits or not leases.holds(session, "load", "a", 1)
