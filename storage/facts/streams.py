"""The shape of data on its way from a connector to the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class ColumnType(StrEnum):
    """What a column holds; the warehouse knows one SQL and one Arrow type for each."""

    TEXT = "text"
    #: an amount: DECIMAL(18, 2); Arrow decimal128(18, 2)
    MONEY = "money"
    #: a quantity, unit price or rate: DECIMAL(28, 9); Arrow decimal128(28, 9)
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    #: an instant: TIMESTAMP WITH TIME ZONE; Arrow timestamp("us", "UTC")
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class Column:
    """One typed column of a raw table."""

    name: str
    type: ColumnType = ColumnType.TEXT


#: Columns that the connector adds to every record of a main table, after the typed ones.
RECORD_COLUMNS = (
    #: the record's own bytes, as text
    Column("_raw"),
    #: hash of those bytes' meaning; equal hash means unchanged
    Column("_hash"),
    #: the provider's own time of the last change
    Column("_updated_at", ColumnType.TIMESTAMP),
)

#: The first two columns of every child table: the parent's key, and the place from 0.
LINE_COLUMNS = (Column("parent_id"), Column("position", ColumnType.INTEGER))

#: Columns that the warehouse adds to every record of a main table when it loads.
LOAD_COLUMNS = (
    Column("_extracted_at", ColumnType.TIMESTAMP),
    Column("_run_id"),
    Column("_deleted", ColumnType.BOOLEAN),
)


@dataclass(frozen=True, slots=True)
class ChildTable:
    """Lines of a record, replaced with their parent: ``raw_<provider>_<name>``."""

    name: str
    #: its own columns; LINE_COLUMNS come before them
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record of a source, and where its raw rows go: ``raw_<provider>_<name>``."""

    name: str
    #: what people read: "Invoices"
    label: str
    #: typed columns of the main table; ``id`` (text, the key) comes first
    columns: tuple[Column, ...]
    children: tuple[ChildTable, ...] = ()
    #: True when each collection reads everything, so that what is missing was deleted (reports, small lists)
    full: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one stream, decoded; a later batch of the same collection wins over an earlier one."""

    stream: Stream
    #: the stream's columns, then RECORD_COLUMNS
    rows: "pa.Table"
    #: child table name -> parent_id, position, then its own columns
    children: Mapping[str, "pa.Table"] = field(default_factory=dict)
    #: keys that the provider says are gone
    deleted: tuple[str, ...] = ()
    #: uncompressed size of the provider's bytes behind this batch
    size: int = 0


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What one run did to one stream."""

    new: int = 0
    changed: int = 0
    deleted: int = 0
    #: rows read that were the same as before
    unchanged: int = 0
    #: live rows of the main table after the run
    total: int = 0

    def plus(self, earlier: "StreamCounts") -> "StreamCounts":
        """Return these counts with what an earlier run did added; the live rows stay those after this one."""
        return StreamCounts(
            new=self.new + earlier.new,
            changed=self.changed + earlier.changed,
            deleted=self.deleted + earlier.deleted,
            unchanged=self.unchanged,
            total=self.total,
        )

    @property
    def touched(self) -> int:
        """Rows that are different after the run."""
        return self.new + self.changed + self.deleted
