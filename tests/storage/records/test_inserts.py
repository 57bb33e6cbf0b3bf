"""An insert says whether the row is new, on both databases."""

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from storage.facts.clock import SystemClock
from storage.records.inserts import insert, insert_new
from storage.records.triggers import first_result
from storage.sessions import ConflictError, Database
from storage.tables import AuditRow, SeenTriggerRow


def forgetful(session: Session, trigger_id: str) -> bool:
    """Twin: trusts the count that the driver keeps by itself."""
    connection = session.connection()
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(SeenTriggerRow.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # SQLModel's declared table
    values = {"team_id": "T1", "trigger_id": trigger_id, "result": "", "at": SystemClock().now()}
    return bool(connection.execute(statement, values).rowcount)


def test_only_the_first_of_two_equal_rows_is_new(database: Database) -> None:
    now = SystemClock().now()
    with database.write() as session:
        found = [
            insert_new(session, SeenTriggerRow, team_id="T1", trigger_id=name, result="", at=now)
            for name in ("one", "one", "two")
        ]
    assert found == [True, False, True]


def test_a_twin_that_trusts_the_driver_is_caught(postgres_database: Database) -> None:
    with postgres_database.write() as session:
        assert [forgetful(session, name) for name in ("one", "one")] == [True, True]


def test_a_taken_key_is_a_conflict_and_takes_the_rest_with_it(database: Database) -> None:
    now = SystemClock().now()

    def twice(session: Session) -> None:
        for name in ("first", "taken", "taken"):
            insert(session, SeenTriggerRow, team_id="T1", trigger_id=name, result="", at=now)

    with pytest.raises(ConflictError):
        database.in_write(twice)
    assert database.in_read(lambda session: first_result(session, "T1", "first")) is None


def test_what_was_inserted_reads_back_as_it_was(database: Database) -> None:
    now = SystemClock().now()
    with database.write() as session:
        insert(session, AuditRow, id="a", organization_id="o", sequence=1, at=now, actor="m", action="x",
               object_id="y", detail={"s": ["ä", 1, None]}, previous_hash="p", hash="h")  # fmt: skip
        insert(session, SeenTriggerRow, team_id="T1", trigger_id="t", result="r", at=now)
    with database.read() as session:
        row = session.get_one(AuditRow, "a")
        assert (row.at, row.detail, row.sequence) == (now, {"s": ["ä", 1, None]}, 1)
        assert session.get_one(SeenTriggerRow, ("T1", "t")).at == now
