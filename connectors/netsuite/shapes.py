"""The streams: lines of transactions by their meaning, rows of any other saved search, and the files themselves."""

from connectors.shapes import Field, Shape
from storage.facts.streams import ColumnType

_MONEY, _DATE = ColumnType.MONEY, ColumnType.DATE

TRANSACTION_LINES = Shape(
    "transaction_lines",
    "Transaction lines",
    (
        Field("id", "id"),
        Field("feed", "feed"),
        Field("period", "period"),
        Field("transaction_id", "transaction_id"),
        Field("line_id", "line_id"),
        Field("txn_date", "txn_date", _DATE),
        Field("type", "type"),
        Field("document_number", "document_number"),
        Field("name", "name"),
        Field("account", "account"),
        Field("memo", "memo"),
        Field("debit", "debit", _MONEY),
        Field("credit", "credit", _MONEY),
        Field("amount", "amount", _MONEY),
        Field("currency", "currency"),
        Field("subsidiary", "subsidiary"),
        Field("department", "department"),
        Field("class", "class"),
        Field("location", "location"),
        Field("status", "status"),
    ),
    updated="_none",
)

ROWS = Shape(
    "rows",
    "Rows of other saved searches",
    (
        Field("id", "id"),
        Field("feed", "feed"),
        Field("period", "period"),
        Field("row_date", "row_date", _DATE),
        Field("amount", "amount", _MONEY),
        Field("cells", "cells"),
    ),
    updated="_none",
)

FILES = Shape(
    "files",
    "Files delivered",
    (
        Field("id", "id"),
        Field("feed", "feed"),
        Field("path", "path"),
        Field("size", "size", ColumnType.INTEGER),
        Field("sha256", "sha256"),
        Field("data_as_of", "data_as_of", ColumnType.TIMESTAMP),
        Field("modified_at", "modified_at", ColumnType.TIMESTAMP),
        Field("row_count", "row_count", ColumnType.INTEGER),
        Field("fate", "fate"),
    ),
    updated="modified_at",
)

#: the streams that a feed may fill, by name
FILLED = {shape.name: shape for shape in (TRANSACTION_LINES, ROWS)}
#: columns that every row gets without the feed's declaring them
OWN = frozenset({"id", "feed", "period", "cells"})
#: columns of lines without which they mean nothing
NEEDED = {"transaction_lines": ("transaction_id", "txn_date", "account"), "rows": ()}
