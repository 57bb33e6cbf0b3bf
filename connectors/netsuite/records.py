"""Rows of a file to records: keys, columns by their labels, and everything else kept as it was written."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

import msgspec

from connectors.errors import Broken
from connectors.files.cells import CellError, amount_reader, date_reader
from connectors.files.keys import JOINT, joined, plain
from connectors.files.spool import Spool
from connectors.files.table import Header, cell, rows
from connectors.files.wrong import FileError
from connectors.netsuite.feeds import Feed
from connectors.netsuite.shapes import FILLED, NEEDED, OWN
from storage.facts.streams import ColumnType

#: what NetSuite prints for an empty reference
_NOTHING = "- None -"
#: of one file: days of 13 years
_MOST_PERIODS = 5_000


@dataclass
class Read:
    """What one file holds."""

    #: its records by their keys
    records: Spool
    #: period -> keys; one period "" where the feed has none
    periods: dict[str, set[str]] = field(default_factory=dict)
    #: labels of its columns
    labels: frozenset[str] = frozenset()

    @property
    def keys(self) -> set[str]:
        """Every key; made each time where there is more than one period."""
        return next(iter(self.periods.values())) if len(self.periods) == 1 else set().union(*self.periods.values())


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    label: str
    places: tuple[int, ...]
    read: Callable[[str], str | None]


def check_columns(feed: Feed) -> None:
    """Raise Broken for a declaration that names columns which are not there, or leaves out what must be."""
    known = {one.name for one in FILLED[feed.into].fields} - OWN
    if set(feed.columns) - known or set(NEEDED[feed.into]) - set(feed.columns):
        needed = ", ".join(NEEDED[feed.into]) or "none"
        words = f"feed {feed.name}: columns may be {', '.join(sorted(known))}; needed are {needed}"
        raise Broken(words, code="feeds_malformed")
    if feed.into == "transaction_lines" and not {"amount", "debit", "credit"} & set(feed.columns):
        raise Broken(f"feed {feed.name}: lines need an amount, or debit and credit", code="feeds_malformed")


def prefix_of(feed: str, period: str | None = None) -> str:
    """Return how the keys of a feed, or of one of its periods, begin."""
    return f"{feed}{JOINT}" if period is None else f"{feed}{JOINT}{plain(period)}{JOINT}"


def read(feed: Feed, body: IO[bytes], records: Spool) -> Read:
    """Read a whole file into `records`; FileError for anything that is not as declared, and nothing counts then."""
    header, lines = rows(feed, body)
    columns = _columns(feed, header)
    keys = [(label, header.places(label)) for label in feed.key]
    period = (feed.period, header.places(feed.period)) if feed.period else None
    found, times = Read(records, labels=frozenset(filter(None, header.labels))), Counter[str]()
    for number, line in lines:
        parts = [cell(line, places, label, number).strip() for label, places in keys]
        if not any(parts):
            raise FileError(f"has a row without {' and '.join(feed.key)}", row=number)
        month = cell(line, period[1], period[0], number).strip() if period else ""
        if period and not month:
            raise FileError(f"has a row without {feed.period}", row=number)
        key = prefix_of(feed.name, month) + joined(parts)
        of_period = found.periods.get(month)
        if of_period is None:
            if len(found.periods) == _MOST_PERIODS:
                raise FileError(
                    f"has more than {_MOST_PERIODS:,} periods: {feed.period} is no column of periods", row=number
                )
            of_period = found.periods[month] = set()
        if feed.numbered:
            times[key] += 1
            key += f"#{times[key]}"
        elif key in of_period:
            raise FileError(f"has two rows of one {' and '.join(feed.key)}", row=number)
        of_period.add(key)
        records.add(key, _record(feed, header, columns, key, month, line, number))
    return found


def _text(cell: str) -> str | None:
    """Return a text; None for an empty cell and for NetSuite's word for nothing."""
    return None if not cell.strip() or cell == _NOTHING else cell


def _columns(feed: Feed, header: Header) -> list[_Column]:
    kinds = {one.name: one.type for one in FILLED[feed.into].fields}
    readers = {
        ColumnType.MONEY: amount_reader(feed.decimal, feed.thousands),
        ColumnType.DATE: date_reader(feed.dates),
        ColumnType.TEXT: _text,
    }
    return [_Column(name, label, header.places(label), readers[kinds[name]]) for name, label in feed.columns.items()]


def _record(
    feed: Feed, header: Header, columns: list[_Column], key: str, period: str, line: list[str], number: int
) -> bytes:
    record: dict[str, object] = {"id": key, "feed": feed.name, "period": period or None}
    for column in columns:
        try:
            record[column.name] = column.read(cell(line, column.places, column.label, number))
        except CellError as error:
            raise FileError(f"{column.label!r} {error}", row=number) from None
    for name in NEEDED[feed.into]:
        if record[name] is None:
            raise FileError(f"{feed.columns[name]!r} is empty", row=number)
    record["cells"] = msgspec.json.encode(list(_named(header, line))).decode()
    return msgspec.json.encode(record)


def _named(header: Header, line: list[str]) -> Iterator[tuple[str, str]]:
    """Every cell as it was written, under its label: labels repeat, so that these are pairs."""
    return zip(header.labels, line, strict=True)
