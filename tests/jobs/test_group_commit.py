"""Requests that share a transaction: one that fails takes nobody with it, and nothing is told before the commit."""

import threading
from collections.abc import Callable
from concurrent.futures import wait
from datetime import UTC, datetime

import pytest

from jobs.errors import UnavailableError
from jobs.group_commit import GroupCommit
from storage.records import triggers
from storage.sessions import ConflictError, Database, Session, open_database

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _remember(name: str) -> Callable[[Session], None]:
    return lambda session: triggers.remember(session, "T0", name, name, NOW)


def _known(database: Database, name: str) -> bool:
    return database.in_read(lambda session: triggers.first_result(session, "T0", name)) is not None


def test_what_fails_takes_nobody_with_it(sqlite_database: Database) -> None:
    group = GroupCommit(sqlite_database, 2.0)
    gate = threading.Event()

    def hold(_session: Session) -> None:
        gate.wait(5)

    def fail(session: Session) -> None:
        triggers.remember(session, "T0", "half", "half", NOW)
        raise RuntimeError("broken")

    held = group.submit(hold)
    good, twin, bad, last = (group.submit(work) for work in (_remember("a"), _remember("a"), fail, _remember("b")))
    gate.set()
    wait([held, good, twin, bad, last], 5)
    group.close()

    assert good.exception() is None
    assert isinstance(twin.exception(), ConflictError)
    assert isinstance(bad.exception(), RuntimeError)
    assert last.exception() is None
    assert _known(sqlite_database, "a")
    assert _known(sqlite_database, "b")
    assert not _known(sqlite_database, "half")


def test_a_busy_database_writes_nothing_and_says_so(sqlite_database: Database) -> None:
    impatient = open_database(sqlite_database.url, busy_seconds=0.1)
    group = GroupCommit(impatient, 0.1)
    try:
        with sqlite_database.write() as holder:
            triggers.remember(holder, "T0", "holder", "", NOW)
            with pytest.raises(UnavailableError):
                group.submit(_remember("late")).result(5)
        group.submit(_remember("later")).result(5)
    finally:
        group.close()
        impatient.close()
    assert not _known(sqlite_database, "late")
    assert _known(sqlite_database, "later")


def test_nothing_is_told_before_the_commit(sqlite_database: Database) -> None:
    group = GroupCommit(sqlite_database, 2.0)
    seen: list[bool] = []
    done = group.submit(_remember("a"))
    done.add_done_callback(lambda _: seen.append(_known(sqlite_database, "a")))
    wait([done], 5)
    group.close()
    assert seen == [True]
