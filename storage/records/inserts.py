"""Inserts without the unit of work: one statement a row, in the order in which they are written down.

A click has to commit within two seconds while fifty others do the same, and there the object layer is most of the cost.
"""

from functools import cache
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert(session: Session, table: type[SQLModel], **values: object) -> None:
    """Insert a row now; IntegrityError when a key of it is taken."""
    session.connection().execute(_plain(table), {**_defaults(table), **values})


def insert_new(session: Session, table: type[SQLModel], **values: object) -> bool:
    """Insert a row now unless a key of it is taken; return whether it is new."""
    connection = session.connection()
    statement = _careful(table, connection.dialect.name)
    return bool(connection.execute(statement, {**_defaults(table), **values}).rowcount)


@cache
def _plain(table: type[SQLModel]) -> Insert:
    return table.__table__.insert()  # type: ignore[attr-defined,no-any-return]  # SQLModel's declared table


@cache
def _careful(table: type[SQLModel], dialect: str) -> Insert:
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return make(table.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]  # SQLModel's declared table


@cache
def _defaults(table: type[SQLModel]) -> dict[str, Any]:
    return {
        name: field.get_default(call_default_factory=False)
        for name, field in table.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
