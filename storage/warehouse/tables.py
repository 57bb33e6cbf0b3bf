"""The lake's tables: raw tables made from a stream's declaration, and two small ones of ours."""

from collections.abc import Iterator, Mapping

from storage.facts.streams import Column, Stream
from storage.warehouse.columns import SOURCE, SQL_TYPES, line_columns, main_columns
from storage.warehouse.errors import ColumnChanged
from storage.warehouse.names import lake, quote, raw_table
from storage.warehouse.session import CURSORS, Session

_CURSORS_SQL = (
    "(_source VARCHAR, stream VARCHAR, cursor VARCHAR, raw_table VARCHAR,"
    " live BIGINT, fingerprint VARCHAR, run_id VARCHAR)"
)

#: up to which snapshot each ready table of each source is built, from which raw state and by which SQL; the name '' is
#: the source itself
PROCESSED = "_processed"
_PROCESSED_SQL = "(_source VARCHAR, name VARCHAR, snapshot BIGINT, seen VARCHAR, definition VARCHAR, total BIGINT)"


def ensure_system_tables(session: Session, snapshot: int) -> dict[str, dict[str, str]]:
    """Make the two tables of ours in the open transaction; return the tables that its snapshot has."""
    existing = session.tables_at(snapshot)
    for name, columns in ((CURSORS, _CURSORS_SQL), (PROCESSED, _PROCESSED_SQL)):
        if name not in existing:
            session.run(f"CREATE TABLE {lake(name)} {columns}")
    return existing


def ensure_raw_tables(
    session: Session, existing: Mapping[str, Mapping[str, str]], provider: str, stream: Stream
) -> bool:
    """Make or widen a stream's tables in the open transaction; say whether anything was different.

    `existing` are the tables as they were when the transaction began.

    A column that is new in the stream is added and stays null in the rows that are already there, until they change.
    A column that the stream no longer names stays, null in new rows. Another type is refused (ColumnChanged).
    """
    different = False
    for name, columns in raw_tables(provider, stream):
        different |= _ensure(session, existing, name, columns)
    return different


def raw_tables(provider: str, stream: Stream) -> Iterator[tuple[str, tuple[Column, ...]]]:
    """Yield the name and columns of a stream's main table, then of its child tables."""
    yield raw_table(provider, stream.name), main_columns(stream)
    for child in stream.children:
        yield raw_table(provider, child.name), (SOURCE, *line_columns(child))


def _ensure(
    session: Session, existing: Mapping[str, Mapping[str, str]], name: str, columns: tuple[Column, ...]
) -> bool:
    if name not in existing:
        session.run(f"CREATE TABLE {lake(name)} ({', '.join(_definition(column) for column in columns)})")
        return True
    found = {column.casefold(): kind for column, kind in existing[name].items()}
    added = [column for column in columns if column.name.casefold() not in found]
    for column in columns:
        kind = found.get(column.name.casefold(), SQL_TYPES[column.type])
        if kind != SQL_TYPES[column.type]:
            raise ColumnChanged(
                f"{name}.{column.name} is {kind} in the lake and {SQL_TYPES[column.type]} in the stream"
            )
    for column in added:
        session.run(f"ALTER TABLE {lake(name)} ADD COLUMN {_definition(column)}")
    return bool(added)


def _definition(column: Column) -> str:
    return f"{quote(column.name)} {SQL_TYPES[column.type]}"
