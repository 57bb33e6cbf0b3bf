"""A small invented company: streams, batches and ready tables for the warehouse's tests."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from storage.facts.ready import ReadyTable
from storage.facts.streams import RECORD_COLUMNS, Batch, ChildTable, Column, ColumnType, Stream
from storage.warehouse import LoadRun

SOURCE = "src_1"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

CUSTOMERS = Stream("customers", "Customers", (Column("id"), Column("name")))
INVOICES = Stream(
    "invoices",
    "Invoices",
    (
        Column("id"),
        Column("customer_id"),
        Column("total", ColumnType.MONEY),
        Column("rate", ColumnType.NUMBER),
        Column("issued", ColumnType.DATE),
    ),
    children=(ChildTable("invoice_lines", (Column("item"), Column("amount", ColumnType.MONEY))),),
)
REPORT = Stream("balances", "Balances", (Column("id"), Column("balance", ColumnType.MONEY)), full=True)
STREAMS = (CUSTOMERS, INVOICES, REPORT)

READY = (
    ReadyTable(
        "books_invoices",
        "SELECT i.id, i.total, c.name AS customer FROM raw_books_invoices i LEFT JOIN raw_books_customers c ON c.id = i.customer_id",
        parent="raw_books_invoices",
        lookups={"raw_books_customers": "customer_id"},
    ),
    ReadyTable(
        "books_lines",
        "SELECT l.parent_id AS invoice_id, l.position, l.amount, c.name AS item FROM raw_books_invoices i"
        " JOIN raw_books_invoice_lines l ON l.parent_id = i.id LEFT JOIN raw_books_customers c ON c.id = l.item",
        parent="raw_books_invoices",
        key="invoice_id",
        lines=("raw_books_invoice_lines",),
        lookups={"raw_books_customers": "raw_books_invoice_lines.item"},
    ),
    ReadyTable(
        "books_sales",
        "SELECT customer_id, sum(total) AS total, count(*) AS invoices FROM raw_books_invoices GROUP BY customer_id",
        parent="raw_books_invoices",
        whole=True,
    ),
    ReadyTable("books_balances", "SELECT id, balance FROM raw_books_balances", parent="raw_books_balances"),
)


def run(run_id: str, source_id: str = SOURCE) -> LoadRun:
    return LoadRun(run_id, source_id, "books", NOW, "books 1")


@dataclass(frozen=True)
class Invoice:
    id: str
    customer_id: str = "c1"
    total: Decimal = Decimal("10.00")
    lines: tuple[tuple[str, Decimal], ...] = ()

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


def invoices(records: Iterable[Invoice], deleted: Iterable[str] = (), stream: Stream = INVOICES) -> Batch:
    rows = list(records)
    main: dict[str, list[Any]] = {
        "id": [row.id for row in rows],
        "customer_id": [row.customer_id for row in rows],
        "total": [row.total for row in rows],
        "rate": [Decimal("0.123456789") for _ in rows],
        "issued": [date(2026, 4, 30) for _ in rows],
        "_raw": [json.dumps({"Id": row.id, "é'": str(row.total)}) for row in rows],
        "_hash": [row.digest for row in rows],
        "_updated_at": [NOW for _ in rows],
    }
    lines: dict[str, list[Any]] = {"parent_id": [], "position": [], "item": [], "amount": []}
    for row in rows:
        for position, (item, amount) in enumerate(row.lines):
            for name, value in zip(lines, (row.id, position, item, amount), strict=True):
                lines[name].append(value)
    return Batch(
        stream, table(stream.columns + RECORD_COLUMNS, main), {"invoice_lines": line_table(lines)}, tuple(deleted)
    )


def line_table(lines: Mapping[str, list[Any]]) -> Any:
    columns = (Column("parent_id"), Column("position", ColumnType.INTEGER), *INVOICES.children[0].columns)
    return table(columns, lines)


def simple(stream: Stream, records: Mapping[str, Any], deleted: Iterable[str] = ()) -> Batch:
    """A batch of a stream with one column beside its id."""
    second = stream.columns[1].name
    content = {
        "id": list(records),
        second: list(records.values()),
        "_raw": [f'{{"{key}": "{value}"}}' for key, value in records.items()],
        "_hash": [f"{key}={value}" for key, value in records.items()],
        "_updated_at": [NOW for _ in records],
    }
    return Batch(stream, table(stream.columns + RECORD_COLUMNS, content), {}, tuple(deleted))


def table(columns: Iterable[Column], content: Mapping[str, list[Any]]) -> Any:
    types = {
        ColumnType.TEXT: pa.string(),
        ColumnType.MONEY: pa.decimal128(18, 2),
        ColumnType.NUMBER: pa.decimal128(28, 9),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
    return pa.table({column.name: pa.array(content[column.name], types[column.type]) for column in columns})
