"""Reads without the unit of work: a statement is put together once, and its rows come back as they are.

What a click asks in its two seconds: putting a query together each time, and objects that remember where they came
from, cost five times as much as the look itself.
"""

from functools import cache
from typing import Any

from sqlalchemy import CursorResult, Executable, Row, Select, bindparam, select
from sqlmodel import Session, SQLModel


def look(session: Session, statement: Executable, **values: object) -> CursorResult[Any]:
    """Run a statement of columns with these values; what the session still holds back is written first."""
    session.flush()
    return session.connection().execute(statement, values)


def first(session: Session, table: type[SQLModel], **keys: object) -> Row[Any] | None:
    """Return the first row whose columns have these values, as a tuple with names; None when there is none."""
    return look(session, _by(table, tuple(keys)), **keys).first()


@cache
def _by(table: type[SQLModel], keys: tuple[str, ...]) -> Select[Any]:
    columns = table.__table__.c  # type: ignore[attr-defined]  # SQLModel's declared table
    return select(*columns).where(*(columns[key] == bindparam(key) for key in keys)).limit(1)
