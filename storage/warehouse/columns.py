"""One SQL type and one Arrow type for each column type, and the columns of raw tables."""

from typing import Any

import pyarrow as pa

from storage.facts.streams import LOAD_COLUMNS, RECORD_COLUMNS, ChildTable, Column, ColumnType, Stream
from storage.warehouse.errors import WrongBatch
from storage.warehouse.names import identifier

SQL_TYPES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.MONEY: "DECIMAL(18,2)",
    ColumnType.NUMBER: "DECIMAL(28,9)",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}

SOURCE = Column("_source")
PARENT_ID = Column("parent_id")
POSITION = Column("position", ColumnType.INTEGER)


def arrow_type(kind: ColumnType) -> Any:
    """Return the Arrow type of a column type."""
    return {
        ColumnType.TEXT: pa.string(),
        ColumnType.MONEY: pa.decimal128(18, 2),
        ColumnType.NUMBER: pa.decimal128(28, 9),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }[kind]


def batch_columns(stream: Stream) -> tuple[Column, ...]:
    """Return the columns that a connector fills in a batch of this stream."""
    return stream.columns + RECORD_COLUMNS


def main_columns(stream: Stream) -> tuple[Column, ...]:
    """Return all columns of a stream's raw table."""
    return (SOURCE, *batch_columns(stream), *LOAD_COLUMNS)


def line_columns(child: ChildTable) -> tuple[Column, ...]:
    """Return the columns that a connector fills in a child table."""
    return (PARENT_ID, POSITION, *child.columns)


def arrow_schema(columns: tuple[Column, ...]) -> Any:
    """Return the Arrow schema of those columns."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def conform(table: Any, columns: tuple[Column, ...], what: str) -> Any:
    """Return the table with exactly those columns and types; a value that does not fit is refused (WrongBatch)."""
    names = [column.name for column in columns]
    if sorted(table.column_names) != sorted(names):
        odd = sorted(set(names) ^ set(table.column_names))
        raise WrongBatch(f"{what}: columns missing, twice or unknown: {', '.join(odd) or table.column_names}")
    try:
        return table.select(names).cast(arrow_schema(columns))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise WrongBatch(f"{what}: {error}") from error


def check_stream(stream: Stream) -> None:
    """Refuse a stream whose names cannot be columns, or whose key is not first (WrongBatch)."""
    if not stream.columns or stream.columns[0] != Column("id"):
        raise WrongBatch(f"{stream.name}: the first column must be id, a text")
    for table, columns in [(stream.name, stream.columns), *((child.name, child.columns) for child in stream.children)]:
        names = [identifier(column.name).casefold() for column in columns]
        if len(set(names)) != len(names) or (table != stream.name and {"parent_id", "position"} & set(names)):
            raise WrongBatch(f"{stream.name}: {table} names a column twice")
    tables = [identifier(name).casefold() for name in (stream.name, *(child.name for child in stream.children))]
    if len(set(tables)) != len(tables):
        raise WrongBatch(f"{stream.name}: a table is named twice")
