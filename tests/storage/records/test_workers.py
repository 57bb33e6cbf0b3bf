"""Heartbeats by the database's clock."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from storage.records import workers
from storage.records.instants import database_now
from storage.sessions import Database


def _age(database: Database, executor_id: str) -> None:
    past = "'2020-01-01T00:00:00.000000+00:00'" if database.is_sqlite else "now() - interval '1 hour'"
    with database.write() as session:
        session.connection().execute(text(f"UPDATE workers SET beat_at = {past} WHERE executor_id = '{executor_id}'"))


def test_the_living_and_the_dead(database: Database) -> None:
    with database.write() as session:
        for name in ("a", "b"):
            workers.register(session, name, "worker")
    _age(database, "b")
    with database.write() as session:
        assert workers.alive(session, 30) == {"a"}
        assert workers.known(session) == {"a", "b"}
        assert workers.beat(session, "a", 30)
        # Too late: others may have taken its work, so it must not simply go on.
        assert not workers.beat(session, "b", 30)
        assert not workers.beat(session, "unknown", 30)
        workers.forget(session, "a", 30)
        workers.forget(session, "b", 30)
        assert workers.known(session) == {"a"}
        workers.register(session, "b", "worker")
        assert workers.alive(session, 30) == {"a", "b"}
        workers.forget(session, "a")
        assert workers.known(session) == {"b"}


def test_the_database_tells_an_aware_time(database: Database) -> None:
    little, began = timedelta(seconds=1), datetime.now(UTC)
    with database.read() as session:
        found = database_now(session)
    assert found.utcoffset() == timedelta(0)
    assert began - little < found < datetime.now(UTC) + little
