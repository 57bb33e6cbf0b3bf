"""An insert says whether the row is new, on both databases."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from storage.facts.clock import SystemClock
from storage.records.inserts import insert_new
from storage.sessions import Database
from storage.tables import SeenTriggerRow


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
