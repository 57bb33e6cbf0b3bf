"""The columns that declared tables have, asked of the engine over empty tables: no lake, no rows."""

from collections.abc import Iterable, Mapping

import duckdb

from storage.facts.ready import ReadyTable
from storage.facts.streams import Stream
from storage.warehouse.columns import SQL_TYPES
from storage.warehouse.errors import WrongReadyTable
from storage.warehouse.extensions import QUIET
from storage.warehouse.names import quote, ready_table
from storage.warehouse.tables import raw_tables

#: what the SQL of ready tables does not see, see `storage.warehouse.build`
_HIDDEN = frozenset({"_source", "_deleted"})


def declared_columns(
    provider: str, streams: Iterable[Stream], ready: Iterable[ReadyTable]
) -> Mapping[str, Mapping[str, str]]:
    """Return table name -> column name -> SQL type, of the raw tables and of the ready tables' own columns.

    Raises WrongReadyTable for SQL that does not fit the raw tables.
    """
    found: dict[str, Mapping[str, str]] = {}
    connection = duckdb.connect(":memory:", config=QUIET)
    try:
        for stream in streams:
            for name, columns in raw_tables(provider, stream):
                found[name] = {column.name: SQL_TYPES[column.type] for column in columns}
                seen = ", ".join(f"{quote(key)} {kind}" for key, kind in found[name].items() if key not in _HIDDEN)
                connection.execute(f"CREATE TABLE {quote(name)} ({seen})")
        for table in ready:
            rows = connection.execute(f"DESCRIBE ({table.sql})").fetchall()
            found[ready_table(table.name)] = {row[0]: row[1] for row in rows}
    except duckdb.Error as error:
        raise WrongReadyTable(str(error)) from error
    finally:
        connection.close()
    return found
