"""Small tables are read from their Parquet files at once, as the catalog lists them.

A look into a table by way of DuckLake asks the catalog three questions before it reads anything, some 3 ms of CPU of
the 5 to 9 that a small look costs, and a run looks into a few dozen tables. Here one question lists the files of all of
them. It serves looks into tables that the open transaction has not written yet; whatever is out of the ordinary (many
rows, columns that are younger than a file, data that is not plain Parquet) is left to DuckLake.
"""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.warehouse.names import FEW_ROWS, lake, quote, text
from storage.warehouse.session import Session


@dataclass(slots=True)
class _Listed:
    """The files of one table: its data, and which rows of it are deleted."""

    data: list[str] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    rows: int = 0
    #: whether there is nothing about them that only DuckLake knows how to read
    plain: bool = True


class Files:
    """What the catalog lists at the snapshot of an open transaction, asked when it is first needed."""

    def __init__(self, session: Session, snapshot: int, existing: Mapping[str, Mapping[str, str]]) -> None:
        self._session = session
        self._snapshot = snapshot
        #: the lake's tables as they were when the transaction began: name -> column -> SQL type
        self._existing = existing
        self._tables: dict[str, _Listed] | None = None

    def of(self, table: str) -> str:
        """Return a table that this transaction has not written, as SQL to read from."""
        if self._tables is None:
            self._tables = _listed(self._session, self._snapshot)
        found = self._tables.get(table)
        if found is None or not found.plain or not found.data or found.rows > FEW_ROWS:
            return lake(table)
        columns = ", ".join(
            f"CAST({quote(name)} AS {kind}) AS {quote(name)}" for name, kind in self._existing[table].items()
        )
        if not found.deletes:
            return f"(SELECT {columns} FROM {_parquet(found.data, 'union_by_name = true')})"
        # A file of deletes names the data file with the folder in which it was then; names of files are never reused.
        return (
            f"(SELECT {columns} FROM"
            f" {_parquet(found.data, 'union_by_name = true, filename = true, file_row_number = true')} f"
            f" ANTI JOIN (SELECT parse_filename(file_path) AS gone, pos FROM {_parquet(found.deletes)}) d"
            " ON d.gone = parse_filename(f.filename) AND d.pos = f.file_row_number)"
        )


def _parquet(paths: list[str], options: str = "") -> str:
    return f"read_parquet([{', '.join(map(text, paths))}]{', ' if options else ''}{options})"


def _listed(session: Session, snapshot: int) -> dict[str, _Listed]:
    """Return the files of every table at a snapshot; nothing when the catalog is seen as it was before that."""

    def now(table: str) -> str:
        ended = f"({table}.end_snapshot IS NULL OR {table}.end_snapshot > {snapshot})"
        return f"{table}.begin_snapshot <= {snapshot} AND {ended}"

    sql = (
        "SELECT t.table_name, s.path, t.path, f.path, f.record_count, d.path,"
        " s.path_is_relative AND t.path_is_relative AND f.path_is_relative AND coalesce(d.path_is_relative, true)"
        " AND f.file_format = 'parquet' AND f.encryption_key IS NULL AND f.mapping_id IS NULL"
        " AND coalesce(d.format, 'parquet') = 'parquet' AND d.encryption_key IS NULL AND f.begin_snapshot >= c.newest"
        f" AND (SELECT max(snapshot_id) FROM {session.catalog('ducklake_snapshot')}) >= {snapshot}"
        f" FROM {session.catalog('ducklake_table')} t"
        f" JOIN {session.catalog('ducklake_schema')} s ON s.schema_id = t.schema_id"
        f" JOIN {session.catalog('ducklake_data_file')} f ON f.table_id = t.table_id AND {now('f')}"
        f" JOIN (SELECT table_id, max(begin_snapshot) AS newest FROM {session.catalog('ducklake_column')} GROUP BY 1) c"
        " ON c.table_id = t.table_id"
        f" LEFT JOIN {session.catalog('ducklake_delete_file')} d ON d.data_file_id = f.data_file_id AND {now('d')}"
        f" WHERE {now('t')} AND {now('s')}"
    )
    found: dict[str, _Listed] = {}
    for table, schema, folder, data, rows, deletes, plain in session.rows(sql):
        one = found.setdefault(table, _Listed())
        home = session.data / schema / folder
        one.data.append(str(home / data))
        one.deletes += [str(home / deletes)] if deletes is not None else []
        one.rows += rows
        one.plain &= bool(plain)
    return found
