"""An Inventiv database in a file: a view of orders that arrive over time, with amendments, cancels and bad ones."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

_SHAPE = """
CREATE TABLE order_header (
    cust_id TEXT, order_no TEXT, revision INTEGER, status TEXT, order_date TEXT, req_ship_date TEXT, cust_no TEXT,
    ship_to_1 TEXT, ship_to_2 TEXT, ship_to_3 TEXT, ship_to_4 TEXT, ship_to_5 TEXT, ship_to_city TEXT,
    ship_to_state TEXT, ship_to_zip TEXT, salesrep TEXT, po_no TEXT, terms TEXT, memo TEXT, discount TEXT,
    currency TEXT, modified_at TEXT, sync_status TEXT, sync_id TEXT, sync_number TEXT, sync_error TEXT, synced_at TEXT
);
CREATE TABLE order_line (
    cust_id TEXT, order_no TEXT, revision INTEGER, line_no TEXT, item_no TEXT, qty TEXT, unit_price TEXT, uom TEXT,
    tax_code TEXT, note TEXT
);
CREATE INDEX order_header_modified ON order_header (cust_id, modified_at);
CREATE INDEX order_line_order ON order_line (cust_id, order_no, revision);
CREATE VIEW v_orders_for_export AS
SELECT h.cust_id, h.order_no, h.revision, h.status, h.order_date, h.req_ship_date, h.cust_no, h.ship_to_1, h.ship_to_2,
    h.ship_to_3, h.ship_to_4, h.ship_to_5, h.ship_to_city, h.ship_to_state, h.ship_to_zip, h.salesrep, h.po_no,
    h.terms, h.memo, h.discount, h.currency, l.line_no, l.item_no, l.qty, l.unit_price, l.uom, l.tax_code, l.note,
    h.modified_at
FROM order_header h
LEFT JOIN order_line l ON l.cust_id = h.cust_id AND l.order_no IS h.order_no AND l.revision IS h.revision;
"""
VIEW, ANSWERS = "v_orders_for_export", "order_header"
#: kind of a bad order -> what is changed of a good one: (field of the header, field of each line)
BAD: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "unknown customer": ({"cust_no": "999999"}, {}),
    "unknown item": ({}, {"item_no": "NO-SUCH-ITEM"}),
    "no quantity": ({}, {"qty": "0"}),
    "quantity in words": ({}, {"qty": "twelve"}),
    "quantity in Arabic": ({}, {"qty": "\u0661\u0662"}),
    "no day": ({"order_date": None}, {}),
    "a day that is none": ({"order_date": "2026-02-30"}, {}),
    "foreign currency": ({"currency": "XXX"}, {}),
    "control characters": ({"memo": "bell \x07"}, {}),
    "price too fine": ({}, {"unit_price": "1.1234567"}),
    "same line twice": ({}, {"line_no": "1"}),
    "no customer": ({"cust_no": ""}, {}),
}
_REPS = ("Marisol Vega", "Theo Lindqvist", "")


@dataclass
class Inventiv:
    """One account's orders; everything is drawn from the seed."""

    path: Path
    cust_id: str
    #: numbers of customers, and items with their prices, as QuickBooks has them
    customers: Sequence[str]
    items: Sequence[tuple[str, Decimal]]
    seed: int = 1
    currency: str = "USD"
    _number: int = 1000
    _random: Random = field(init=False)
    #: last revision of each order
    revisions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/inventiv")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(_SHAPE)

    def arrive(self, count: int, at: datetime, **header: Any) -> list[str]:
        """Let new orders be ready; return their numbers."""
        numbers = []
        with self._open() as database:
            for place in range(count):
                number = self._next()
                numbers.append(number)
                self._insert(database, number, 1, at + timedelta(milliseconds=place), header)
        return numbers

    def bad(self, kind: str, at: datetime) -> str:
        """Let a bad order be ready; return its number."""
        header, line = BAD[kind]
        number = self._next()
        with self._open() as database:
            self._insert(database, number, 1, at, header, line)
        return number

    def put(
        self, number: str, revision: int, at: datetime, line: Mapping[str, Any] | None = None, **header: Any
    ) -> None:
        """Let an order of that number and revision be there."""
        with self._open() as database:
            self._insert(database, number, revision, at, header, line or {})

    def amend(self, number: str, at: datetime, **header: Any) -> int:
        """Let an order be other than it was, as its next revision; return which."""
        revision = self.revisions[number] + 1
        with self._open() as database:
            self._insert(database, number, revision, at, header)
        return revision

    def cancel(self, number: str, at: datetime) -> int:
        """Let an order be cancelled, as its next revision; return which."""
        return self.amend(number, at, status="CANCELLED")

    def correct(self, number: str, at: datetime, **header: Any) -> None:
        """Put right what stands in the last revision of an order."""
        with self._open() as database:
            for name, value in {**header, "modified_at": _text(at)}.items():
                database.execute(
                    f"UPDATE order_header SET {name} = ? WHERE order_no = ? AND revision = ?",  # noqa: S608 - names of ours
                    (value, number, self.revisions[number]),
                )

    def correct_lines(self, number: str, at: datetime, **line: Any) -> None:
        """Put right what stands in the lines of the last revision of an order."""
        with self._open() as database:
            for name, value in line.items():
                database.execute(
                    f"UPDATE order_line SET {name} = ? WHERE order_no = ? AND revision = ?",  # noqa: S608 - names of ours
                    (value, number, self.revisions[number]),
                )
        self.correct(number, at)

    def rows(self, number: str, revision: int | None = None) -> list[dict[str, Any]]:
        """Return the view's rows of an order."""
        wanted = self.revisions[number] if revision is None else revision
        with self._open() as database:
            found = database.execute(
                f"SELECT * FROM {VIEW} WHERE order_no = ? AND revision = ?",  # noqa: S608 - a name of ours
                (number, wanted),
            )
            return [dict(row) for row in found]

    def answers(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Return what was written back, by number and revision."""
        with self._open() as database:
            found = database.execute(f"SELECT * FROM {ANSWERS} WHERE synced_at IS NOT NULL")  # noqa: S608 - a name of ours
            return {
                (row["order_no"], row["revision"]): {
                    name: row[name] for name in ("sync_status", "sync_id", "sync_number", "sync_error")
                }
                for row in found
            }

    def _next(self) -> str:
        self._number += 1
        return f"SO-{self._number}"

    def _insert(
        self, database: sqlite3.Connection, number: str, revision: int, at: datetime,
        header: Mapping[str, Any], line: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        draw = self._random
        day = date(at.year, at.month, at.day)
        first = {
            "cust_id": self.cust_id, "order_no": number, "revision": revision, "status": "READY",
            "order_date": day.isoformat(), "req_ship_date": (day + timedelta(days=draw.randrange(1, 9))).isoformat(),
            "cust_no": draw.choice(self.customers), "ship_to_1": "Dock 4", "ship_to_2": "1180 Foundry Way",
            "ship_to_city": "Oakland", "ship_to_state": "CA", "ship_to_zip": "94607", "salesrep": draw.choice(_REPS),
            "po_no": f"PO-{draw.randrange(10_000)}", "terms": "Net 30", "memo": "", "discount": None,
            "currency": self.currency, "modified_at": _text(at),
        }  # fmt: skip
        _put(database, "order_header", {**first, **header})
        for place in range(1, draw.randrange(1, 5) + (2 if line and "line_no" in line else 1)):
            item, price = draw.choice(self.items)
            quantity = (
                str(draw.randrange(1, 30))
                if draw.random() < 0.8
                else f"{draw.randrange(1, 90)}.{draw.randrange(1, 10)}"
            )
            charged = str(price) if draw.random() < 0.9 else None
            values = {
                "cust_id": self.cust_id, "order_no": number, "revision": revision, "line_no": str(place),
                "item_no": item, "qty": quantity, "unit_price": charged, "uom": "EA",
                "tax_code": draw.choice(("TAX", "NON", "")), "note": "",
            }  # fmt: skip
            _put(database, "order_line", {**values, **(line or {})})
        self.revisions[number] = max(revision, self.revisions.get(number, 0))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as database:
            database.row_factory = sqlite3.Row
            with database:
                yield database


def _put(database: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(row)
    marks = ", ".join("?" for _ in row)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - names of ours


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
