"""Rows of a file to records: the key, the declared columns, and every cell as it was written."""

from collections.abc import Callable
from typing import IO

import msgspec

from connectors.files.cells import CellError, amount_reader, date_reader
from connectors.files.keys import joined
from connectors.files.spool import Spool
from connectors.files.table import Header, cell, rows
from connectors.files.wrong import FileError
from connectors.folder.manifest import Kind, Table

#: decimals of a column of numbers
_PLACES = 9

_Column = tuple[str, str, tuple[int, ...], Callable[[str], str | None]]


def read(table: Table, body: IO[bytes], records: Spool) -> None:
    """Read a whole file into `records`; FileError for anything that is not as declared, and nothing counts then."""
    header, lines = rows(table, body)
    columns = _columns(table, header)
    keys = [(label, header.places(label)) for label in table.key]
    came = set[str]()
    for number, line in lines:
        parts = [cell(line, places, label, number).strip() for label, places in keys]
        if not all(parts):
            raise FileError(f"has a row without {' and '.join(table.key)}", row=number)
        key = joined(parts)
        if key in came:
            raise FileError(f"has two rows of one {' and '.join(table.key)}", row=number)
        came.add(key)
        records.add(key, _record(columns, header, key, line, number))


def _columns(table: Table, header: Header) -> list[_Column]:
    readers: dict[Kind, Callable[[str], str | None]] = {
        "text": _text,
        "money": amount_reader(table.decimal, table.thousands),
        "number": amount_reader(table.decimal, table.thousands, _PLACES),
        "date": date_reader(table.dates),
    }
    labels = [(name, table.labels.get(name, name), kind) for name, kind in table.columns.items()]
    return [(name, label, header.places(label), readers[kind]) for name, label, kind in labels]


def _text(said: str) -> str | None:
    return said if said.strip() else None


def _record(columns: list[_Column], header: Header, key: str, line: list[str], number: int) -> bytes:
    record: dict[str, object] = {"id": key}
    for name, label, places, reader in columns:
        try:
            record[name] = reader(cell(line, places, label, number))
        except CellError as error:
            raise FileError(f"{label!r} {error}", row=number) from None
    # Columns that nobody declared are kept in the raw record; labels may repeat, so that these are pairs.
    record["_cells"] = list(zip(header.labels, line, strict=True))
    return msgspec.json.encode(record)
