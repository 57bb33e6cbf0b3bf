"""One open DuckDB connection with one lake attached; the only place that talks to DuckDB."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from storage.warehouse.errors import Conflict, DetailExpired, NoLake, NoMemory, StorageFailed
from storage.warehouse.extensions import QUIET, load
from storage.warehouse.location import Location
from storage.warehouse.names import lake, literal, quote, text
from storage.warehouse.shares import KEYS

#: rows per Parquet row group: bounds a writer's memory to some 20 MB per thread for records of 2.4 KB (DuckDB's own
#: 122,880 rows cost 500 MB and five times the time)
ROW_GROUP = 8192
#: bytes of a row group, about: where records are wide a row group holds fewer. A writer has its widest column in memory
#: several times, and 8,192 records of 20 KB ended a load at its memory limit
ROW_GROUP_KILOBYTES = 16_000


#: where each stream of each source stands: its cursor, live rows, digest of them, and the run that last changed them
CURSORS = "_cursors"

_ONLY_EXISTING = "CREATE_IF_NOT_EXISTS false"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one open connection may use."""

    #: DuckDB's own words; beyond it intermediate results go to the staging folder
    memory: str = "256MB"
    threads: int = 2
    #: keys that one statement of a load brings together, see `shares`
    keys: int = KEYS

    def small(self) -> "Limits":
        """Return the limits for little work, where a second thread only doubles the CPU time."""
        return replace(self, threads=1)


class Session:
    """A connection that may be handed from thread to thread but is used by one at a time: each statement holds a lock.

    Every engine error leaves as an error of this package, so that nobody else needs to know DuckDB.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, location: Location, shapes: list[Any] | None = None
    ) -> None:
        self._connection = connection
        self._location = location
        #: the version of the lake's tables and these, as they were listed last; one for all sessions of an engine
        self._shapes: list[Any] = [] if shapes is None else shapes
        self._lock = threading.Lock()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Execute one statement and drop its result."""
        with self._executed(sql, parameters):
            pass

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows."""
        with self._executed(sql, parameters) as result:
            return result.fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
        """Return the only row."""
        (found,) = self.rows(sql, parameters)
        return found

    def count(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Execute one INSERT or DELETE and return the number of rows that it says it touched."""
        return int(self.row(sql, parameters)[0])

    def hold(self, name: str, table: Any) -> None:
        """Make a temporary table of a pyarrow Table; to read that itself again and again is dearer than the copy."""
        with self._lock:
            self._connection.register("~held", table)
        try:
            self.run(f'CREATE TEMP TABLE {quote(name)} AS FROM "~held"')
        finally:
            with self._lock:
                self._connection.unregister("~held")

    def dicts(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return all rows by column name."""
        with self._executed(sql, parameters) as result:
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Return the result as a pyarrow Table."""
        with self._executed(sql, parameters) as result:
            return result.to_arrow_table()

    def batches(self, sql: str, parameters: Sequence[object], rows: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of one SELECT by so many as they come; nothing else is asked of this session meanwhile."""
        with self._executed(sql, parameters) as result:
            while some := result.fetchmany(rows):
                yield some

    def replace_rows(
        self, table: str, where: str, parameters: Sequence[object], rows: Sequence[tuple[str | int | None, ...]]
    ) -> None:
        """Delete some rows of a small table of ours and insert others (at least one), in two statements.

        The values stand in the statement: a hundred that are bound take the engine 10 ms more.
        """
        self.run(f"DELETE FROM {lake(table)} WHERE {where}", parameters)
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        self.run(f"INSERT INTO {lake(table)} VALUES {values}")

    def catalog(self, table: str) -> str:
        """Return a table of DuckLake's own catalog as SQL.

        To read one of them costs a quarter of what DuckLake's functions cost over it, and no more with more snapshots.
        """
        return f"__ducklake_metadata_lake.{quote(self._location.schema or 'main')}.{quote(table)}"

    def stored(self, tables: Sequence[str]) -> dict[str, int]:
        """Return how many rows the catalog says the files of some tables hold, less those that were deleted.

        One look for all of them, whatever lies in them, where counting them costs some 6 ms each.
        """
        sql = (
            "SELECT t.table_name, coalesce(sum(f.record_count - coalesce(d.delete_count, 0)), 0)"
            f" FROM {self.catalog('ducklake_table')} t"
            f" LEFT JOIN {self.catalog('ducklake_data_file')} f ON f.table_id = t.table_id AND f.end_snapshot IS NULL"
            f" LEFT JOIN {self.catalog('ducklake_delete_file')} d"
            " ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL"
            f" WHERE t.end_snapshot IS NULL AND t.table_name IN ({', '.join(map(text, tables))}) GROUP BY 1"
        )
        return {name: int(rows) for name, rows in self.rows(sql)} if tables else {}

    def snapshot(self) -> int:
        """Return the newest snapshot that this session (or its open transaction) sees."""
        return int(self.row("SELECT id FROM lake.current_snapshot()")[0])

    def tables_at(self, snapshot: int) -> dict[str, dict[str, str]]:
        """Return the same for the snapshot that the open transaction sees, which made or changed no table yet.

        Kept on the engine for as long as the catalog counts no change of a table: to list them takes some 4 ms.
        """
        sql = f"SELECT schema_version FROM {self.catalog('ducklake_snapshot')} WHERE snapshot_id = {int(snapshot)}"
        version = [int(row[0]) for row in self.rows(sql)]
        with self._lock:
            known = self._shapes[:]
        if known[:-1] != version or not version:
            known = [*version, self.tables()]
            with self._lock:
                self._shapes[:] = known
        return {name: dict(columns) for name, columns in known[-1].items()}

    def tables(self) -> dict[str, dict[str, str]]:
        """Return the lake's tables: name -> column name -> SQL type, in order."""
        sql = (
            "SELECT table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = 'lake' AND schema_name = 'main' ORDER BY table_name, column_index"
        )
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self.rows(sql):
            found.setdefault(table, {})[column] = kind
        return found

    def describe(self, relation: str) -> dict[str, str]:
        """Return column name -> SQL type of a relation given as SQL."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE {relation}")}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin; roll back unless the body committed. The body commits itself, with `commit`, at its very end."""
        self.run("BEGIN")
        try:
            yield
        finally:
            # After a commit, or a failed one, there is no transaction left to roll back.
            with suppress(StorageFailed):
                self.run("ROLLBACK")

    def commit(self) -> None:
        """Commit the open transaction (Conflict when somebody else was first)."""
        self.run("COMMIT")

    def another(self) -> "Session":
        """Return a session on the same engine with temporary tables and transactions of its own."""
        with self._lock:
            return Session(self._connection.cursor(), self._location, self._shapes)

    def close(self) -> None:
        """Give memory, files and connections back."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _executed(self, sql: str, parameters: Sequence[object]) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lock:
            failure: Exception | None = None
            try:
                yield self._connection.execute(sql, list(parameters)) if parameters else self._connection.execute(sql)
            except duckdb.Error as error:
                failure = _translated(error, self._location)
        if failure is not None:
            # Raised here, outside of the handler, because the engine's own error may hold the catalog's password.
            raise failure


def _translated(error: duckdb.Error, location: Location) -> StorageFailed | DetailExpired:
    message = location.redact(str(error))
    if isinstance(error, duckdb.TransactionException) or "database is locked" in message or "onflict" in message:
        return Conflict(message)
    if "No snapshot found at version" in message:
        return DetailExpired(message)
    # A lake that a crash left before its first load has no tables of ours.
    if "creating a new DuckLake is explicitly disabled" in message or f"name {CURSORS} does not exist" in message:
        return NoLake(message)
    return NoMemory(message) if isinstance(error, duckdb.OutOfMemoryException) else StorageFailed(message)


@contextmanager
def opened(location: Location, limits: Limits, *, write: bool, snapshot: int | None = None) -> Iterator[Session]:
    """Open a connection, attach the lake, shut everything else off; close it at the end.

    Afterwards the connection reads and writes files only below the organization's folder, installs and loads nothing,
    and its settings cannot be changed by SQL. Without `write` a lake that does not exist is NoLake; with it, made.
    """
    session = connect(location, limits, write=write, snapshot=snapshot)
    try:
        yield session
    finally:
        session.close()


def connect(location: Location, limits: Limits, *, write: bool, snapshot: int | None = None) -> Session:
    """Return an open session; see `opened`."""
    if write:
        location.create_folders()
    elif location.catalog is not None and not (location.catalog.is_file() and location.catalog.stat().st_size):
        raise NoLake("nothing was collected for this organization yet")
    connection = duckdb.connect(":memory:", config=_settings(location, limits))
    failure: Exception | None = None
    try:
        load(connection, location.extensions)
        _attach(connection, location, write=write, snapshot=snapshot)
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        # No silent merge with somebody else's commit: the whole transaction is planned again instead.
        connection.execute("SET GLOBAL ducklake_max_retry_count = 0")
        connection.execute(f"SET allowed_directories = [{text(str(location.home))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        failure = _translated(error, location)
    except BaseException:
        connection.close()
        raise
    if failure is not None:
        connection.close()
        # Raised outside of the handler, because the engine's own error may hold the catalog's password.
        raise failure
    return Session(connection, location)


def _settings(location: Location, limits: Limits) -> dict[str, str | bool | int | float | list[str]]:
    return {
        **QUIET,
        # Signatures are checked once for each file, see `load`.
        "allow_unsigned_extensions": True,
        "memory_limit": limits.memory,
        "threads": limits.threads,
        "preserve_insertion_order": False,
        # One folder for each connection: two of them must not meet in each other's spilled files.
        "temp_directory": str(location.staging / f"spill-{secrets.token_hex(8)}"),
    }


def _attach(connection: duckdb.DuckDBPyConnection, location: Location, *, write: bool, snapshot: int | None) -> None:
    options = [*location.options, "DATA_INLINING_ROW_LIMIT 0"]
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {int(snapshot)}")
    attach = f"ATTACH {text(location.target)} AS lake ({', '.join(options)}"
    if not write:
        connection.execute(f"{attach}, READ_ONLY, {_ONLY_EXISTING})")
        return
    try:
        connection.execute(f"{attach}, {_ONLY_EXISTING})")
    except duckdb.Error as error:
        if not isinstance(_translated(error, location), NoLake):
            raise
        _create_schema(connection, location)
        connection.execute(f"{attach})")
    _set_options(connection)


def _create_schema(connection: duckdb.DuckDBPyConnection, location: Location) -> None:
    """Make the schema of a Postgres catalog, since DuckLake does not."""
    if location.conninfo:
        connection.execute(f"ATTACH {text(location.conninfo)} AS catalog_server (TYPE postgres)")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS catalog_server.{quote(location.schema)}")
        connection.execute("DETACH catalog_server")


def _set_options(connection: duckdb.DuckDBPyConnection) -> None:
    """Store how Parquet files are written, once; the catalog keeps it for every writer."""
    wanted = {
        "parquet_compression": "zstd",
        # The engine's own level 3 takes a fifth more processor time for the same rows and saves a twentieth in bytes.
        "parquet_compression_level": "1",
        "parquet_row_group_size": str(ROW_GROUP),
    }
    found = dict(connection.execute("SELECT option_name, value FROM ducklake_options('lake')").fetchall())
    for name, value in wanted.items():
        if found.get(name) != value:
            connection.execute(f"CALL ducklake_set_option('lake', {text(name)}, {text(value)})")
    # Said with a unit, kept as a number.
    if found.get("parquet_row_group_size_bytes") != f"{ROW_GROUP_KILOBYTES}000":
        said = text(f"{ROW_GROUP_KILOBYTES}KB")
        connection.execute(f"CALL ducklake_set_option('lake', 'parquet_row_group_size_bytes', {said})")
