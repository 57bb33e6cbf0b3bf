"""Inserts without the unit of work: one statement a row, in the order in which they are written down.

A click has to commit within two seconds while fifty others do the same, and there the object layer is most of the cost.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel


def insert(session: Session, table: type[SQLModel], **values: object) -> None:
    """Insert a row now; IntegrityError when a key of it is taken."""
    _run(session.connection(), _plain(table), table, values)


def insert_new(session: Session, table: type[SQLModel], **values: object) -> bool:
    """Insert a row now unless a key of it is taken; return whether it is new."""
    connection = session.connection()
    return bool(_run(connection, _careful(table, connection.dialect.name), table, values))


def insert_all(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows of the same columns now, in one statement; IntegrityError when a key of one is taken."""
    if not rows:
        return
    connection, whole = session.connection(), [{**_defaults(table), **row} for row in rows]
    if connection.dialect.name != "sqlite":
        connection.execute(_plain(table), whole)
    else:
        _prepared(_plain(table), tuple(whole[0])).all(connection, whole)


def _run(connection: Connection, statement: Insert, table: type[SQLModel], values: Mapping[str, object]) -> int:
    row = {**_defaults(table), **values}
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, row).rowcount
    return _prepared(statement, tuple(row)).run(connection, row)


class _Prepared:
    """An insert as SQLite takes it. There the layers above the driver cost ten times the insert itself."""

    def __init__(self, statement: Insert, names: tuple[str, ...]) -> None:
        dialect = sqlite.dialect()
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        self._text = str(compiled)
        self._columns = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ]

    def run(self, connection: Connection, row: Mapping[str, Any]) -> int:
        return self._execute(connection, self._values(row), _driver(connection).execute)

    def all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        return self._execute(connection, [self._values(row) for row in rows], _driver(connection).executemany)

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        return [turn(row[name]) if turn else row[name] for name, turn in self._columns]

    def _execute(self, connection: Connection, values: list[Any], run: Callable[..., sqlite3.Cursor]) -> int:
        try:
            return run(self._text, values).rowcount
        except sqlite3.Error as error:
            # As the layers above would have said it: a taken key, a full disk.
            raise DBAPIError.instance(self._text, values, error, sqlite3.Error, dialect=connection.dialect) from error


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@cache
def _prepared(statement: Insert, names: tuple[str, ...]) -> _Prepared:
    return _Prepared(statement, names)


@cache
def _plain(table: type[SQLModel]) -> Insert:
    return table.__table__.insert()  # type: ignore[attr-defined,no-any-return]  # SQLModel's declared table


@cache
def _careful(table: type[SQLModel], dialect: str) -> Insert:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = make(table.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # SQLModel's declared table
    # Without it the Postgres driver's count of an insert is -1, and every row would pass for new.
    return statement.execution_options(preserve_rowcount=True)


@cache
def _defaults(table: type[SQLModel]) -> dict[str, Any]:
    return {
        name: field.get_default(call_default_factory=False)
        for name, field in table.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
