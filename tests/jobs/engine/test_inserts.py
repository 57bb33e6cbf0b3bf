"""The engine's rows are the same whether its own statements write them or our prepared ones; dbos is pinned to that."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from jobs.engine import Engine, Work
from storage.engine_inserts import EngineConnection, EngineInserts
from storage.facts.clock import SystemClock
from storage.sessions import Database, Session
from tests.jobs.engine.stage import running

#: the id, when it was written, and the token of whoever wrote it
_OWN = {"workflow_uuid", "created_at", "updated_at", "creator_xid", "retention_timestamp"}


class _Plain(EngineInserts):
    """Hands the engine our session as it is."""

    def on(self, session: Session) -> EngineConnection:
        return session  # type: ignore[return-value]  # what the engine takes otherwise


class _Forgetful(EngineInserts):
    """A twin that loses a value on its way into the row."""

    def on(self, session: Session) -> EngineConnection:
        class Lossy(EngineConnection):
            def execute(self, statement: Any, values: Any) -> Any:
                return super().execute(statement, {**values, "queue_name": None} if "queue_name" in values else values)

        return Lossy(session.connection(), {})


async def _rows(database: Database, inserts: EngineInserts) -> list[dict[str, Any]]:
    """Enqueue three kinds of work and return the engine's rows, without what is a row's own."""
    from datetime import timedelta

    engine = Engine(database, SystemClock(), role="web")
    engine._inserts = inserts
    await engine.launch()
    name = type(inserts).__name__
    works = [
        Work("run", f"{name}1", partition="org_1"),
        Work("delivery", f"{name}2", queue="notify"),
        Work("delivery", f"{name}3", queue="notify", delay=timedelta(days=1)),
    ]
    try:
        with database.write() as session:
            for work in works:
                engine.enqueue(session, work)
                engine.enqueue(session, work)
        with database.read() as session:
            return [_row(session.connection(), database, work.id, name) for work in works]
    finally:
        await engine.close()


def _row(connection: Connection, database: Database, work_id: str, name: str) -> dict[str, Any]:
    prefix = "" if database.is_sqlite else "dbos."
    statement = (
        f"SELECT * FROM {prefix}workflow_status s JOIN {prefix}workflow_input i "
        "ON i.workflow_uuid = s.workflow_uuid WHERE s.workflow_uuid = :id"
    )
    found = connection.execute(text(statement), {"id": work_id}).mappings().one()
    kept = {key: value for key, value in found.items() if key not in _OWN}
    kept["delay_until_epoch_ms"] = kept["delay_until_epoch_ms"] is not None
    return {key: value.replace(name, "") if isinstance(value, str) else value for key, value in kept.items()}


async def test_prepared_inserts_write_what_the_engine_would(database: Database) -> None:
    ours, theirs = await _rows(database, EngineInserts()), await _rows(database, _Plain())
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other


async def test_a_lost_value_would_be_seen(database: Database) -> None:
    assert await _rows(database, _Forgetful()) != await _rows(database, _Plain())


async def test_the_engines_schema_does_not_leak_into_our_statements(database: Database) -> None:
    async with running(database, {}) as engine:
        with database.write() as session:
            engine.enqueue(session, Work("run", "s", partition="org"))
            assert "schema_translate_map" not in session.connection().get_execution_options()


def test_an_insert_with_values_of_its_own_is_refused(database: Database) -> None:
    from storage.tables import BucketRow

    statement = BucketRow.__table__.insert().values(tokens=5)  # type: ignore[attr-defined]  # SQLModel's table
    with database.write() as session, pytest.raises(TypeError, match="by itself"):
        EngineInserts().on(session).execute(statement, {"name": "b"})
