"""Questions that share a session: each sees what was there when it was asked, and one that fails takes nobody with it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from jobs.errors import UnavailableError
from jobs.group_read import GroupRead
from storage.records import triggers
from storage.sessions import Database, Session

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def readers(database: Database) -> Iterator[GroupRead]:
    group = GroupRead(database, 5.0, 1)
    yield group
    group.close()


def _known(session: Session) -> bool:
    return triggers.first_result(session, "T0", "a") is not None


def _write(database: Database) -> None:
    database.in_write(lambda session: triggers.remember(session, "T0", "a", "a", NOW))


def test_what_waits_together_shares_a_session_and_failures_are_told_alone(readers: GroupRead) -> None:
    gate = threading.Event()

    def broken(session: Session) -> None:
        session.connection().execute(text("SELECT nothing FROM nowhere"))

    held = readers.submit(lambda _session: gate.wait(5))
    first, bad, second = (readers.submit(work) for work in (id, broken, id))
    known = readers.submit(_known)
    gate.set()
    wait([held, first, bad, second, known], 5)
    assert first.result() == second.result()
    assert bad.exception() is not None
    assert known.result() is False


class _Hoarder(GroupRead):
    """A twin that keeps its transaction for the next group."""

    def _read_together(self, group: list) -> None:  # type: ignore[type-arg]  # of a private type
        if not hasattr(self, "_kept"):
            self._kept = Session(self._database._readers)
        for question in group:
            question.done.set_result(question.work(self._kept))


def _sees_what_was_committed_before(database: Database, kind: type[GroupRead]) -> bool:
    group = kind(database, 5.0, 1)
    try:
        assert group.submit(_known).result(5) is False
        _write(database)
        return bool(group.submit(_known).result(5))
    finally:
        group.close()
        if isinstance(group, _Hoarder):
            group._kept.close()


def test_an_answer_is_never_from_before_the_question(sqlite_database: Database) -> None:
    assert _sees_what_was_committed_before(sqlite_database, GroupRead)


def test_a_kept_transaction_would_be_seen(sqlite_database: Database) -> None:
    assert not _sees_what_was_committed_before(sqlite_database, _Hoarder)


def test_what_cannot_begin_in_time_does_not_begin(sqlite_database: Database) -> None:
    group = GroupRead(sqlite_database, 0.05, 1)
    started, gate = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        started.set()
        gate.wait(5)

    held = group.submit(hold)
    assert started.wait(5)
    late = group.submit(_known)
    time.sleep(0.1)
    gate.set()
    with pytest.raises(UnavailableError):
        late.result(5)
    held.result(5)
    group.close()


def test_what_waits_is_answered_before_the_end(database: Database) -> None:
    group = GroupRead(database, 5.0, 3)
    asked = [group.submit(_known) for _ in range(40)]
    group.close()
    assert [question.result(0) for question in asked] == [False] * 40
