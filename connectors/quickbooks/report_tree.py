"""A report as QuickBooks sends it: a tree of sections, and its cells from top to bottom."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from connectors.errors import Broken
from connectors.shapes import MOST_DIGITS

_AMOUNT = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,2}0{0,8})?", re.ASCII)


class Cell(msgspec.Struct):
    """One cell."""

    value: str = ""
    id: str | None = None


class Cells(msgspec.Struct, rename="pascal"):
    """The cells of a header or total."""

    col_data: list[Cell] = []


class Row(msgspec.Struct, rename="pascal"):
    """A section or a plain line; which one shows by what it holds, since ``type`` is sometimes missing."""

    col_data: list[Cell] | None = None
    header: Cells | None = None
    summary: Cells | None = None
    rows: "Rows | None" = None
    group: str | None = msgspec.field(name="group", default=None)


class Rows(msgspec.Struct, rename="pascal"):
    """Rows, or none: ``{}``, ``null`` and a missing list all mean that."""

    row: list[Row] | None = None


class Named(msgspec.Struct, rename="pascal"):
    """A name and its value."""

    name: str
    value: str = ""


class Heading(msgspec.Struct, rename="pascal"):
    """A column."""

    col_type: str = ""
    meta_data: list[Named] | None = None


class Headings(msgspec.Struct, rename="pascal"):
    """The columns."""

    column: list[Heading] = []


class Header(msgspec.Struct, rename="pascal"):
    """What the report is about."""

    report_name: str
    time: str | None = None
    report_basis: str | None = None
    start_period: str | None = None
    end_period: str | None = None
    currency: str | None = None


class Document(msgspec.Struct, rename="pascal"):
    """A whole report."""

    header: Header
    columns: Headings
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One flattened cell."""

    level: int
    path: tuple[str, ...]
    section: str | None
    row_kind: str
    account_id: str | None
    account_name: str
    column: int
    amount: Decimal | None


def flatten(body: bytes) -> tuple[Document, list[Line]]:
    """Read a report and list its cells from top to bottom; Broken when it is not one."""
    document = read(body)
    return document, list(_rows(document.rows, 0, (), None))


def read(body: bytes) -> Document:
    """Read a report; Broken when it is not one."""
    try:
        return msgspec.json.decode(body, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Broken("QuickBooks sent a report that cannot be read", code="report_unreadable") from error


def _rows(rows: Rows | None, level: int, path: tuple[str, ...], section: str | None) -> Iterator[Line]:
    for row in (rows.row if rows else None) or ():
        group = row.group or section
        if row.col_data is not None:
            yield from _cells(row.col_data, level, (*path, _title(row.col_data)), group, "data")
            continue
        title = _title(row.header.col_data if row.header else (row.summary.col_data if row.summary else []))
        here = (*path, title)
        if row.header:
            yield from _cells(row.header.col_data, level, here, group, "header")
        yield from _rows(row.rows, level + 1, here, group)
        if row.summary:
            yield from _cells(row.summary.col_data, level, here, group, "summary")


def _title(cells: list[Cell]) -> str:
    return cells[0].value if cells else ""


def _cells(cells: list[Cell], level: int, path: tuple[str, ...], section: str | None, kind: str) -> Iterator[Line]:
    for number, cell in enumerate(cells[1:], start=1):
        worth = amount(cell.value)
        if worth is None and kind == "header":
            continue
        yield Line(level, path, section, kind, cells[0].id, cells[0].value, number, worth)


def amount(text: str) -> Decimal | None:
    """Read a cell; None where it is empty, Broken where it is no amount."""
    if text == "":
        return None
    if not _AMOUNT.fullmatch(text):
        raise Broken("a report's cell is no amount", code="report_unreadable")
    worth = Decimal(text)
    if worth.adjusted() >= MOST_DIGITS:
        raise Broken(
            f"a report's cell has more than {MOST_DIGITS} digits: no table could hold it", code="report_unreadable"
        )
    return worth
