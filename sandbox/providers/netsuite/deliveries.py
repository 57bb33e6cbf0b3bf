"""A general ledger in memory, and its saved searches as files: in American or German form, whole, late or growing."""

import csv
import gzip
import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from storage.facts.clock import Clock

_ACCOUNTS = ("1000 Checking", "1200 Accounts Receivable", "4000 Sales : 4010 Products", "6100 Freight")
_NAMES = ("C0008 Canyon Freight : North Depot", "C0011 Bramble & Söhne", "- None -", 'C0012 "Quoted", Inc.')
_HEADER = (
    "Internal ID", "Line Unique Key", "Date", "Period", "Type", "Document Number", "Name", "Account", "Memo",
    "Amount (Debit)", "Amount (Credit)", "Amount", "Subsidiary", "Date",
)  # fmt: skip


@dataclass(frozen=True)
class Style:
    """In which form a sending user's preferences write a file."""

    encoding: str
    delimiter: str
    amount: Callable[[Decimal], str]
    day: Callable[[date], str]
    #: what a feed must declare to read it
    declared: dict[str, str]


def _german(amount: Decimal) -> str:
    said = f"{abs(amount):,.2f}".translate(str.maketrans(",.", ".,"))
    return f"({said})" if amount < 0 else said


AMERICAN = Style(
    "utf-8-sig", ",", lambda amount: f"{amount:,.2f}", lambda day: f"{day.month}/{day.day}/{day.year}",
    {"encoding": "utf-8", "delimiter": ",", "decimal": ".", "thousands": ",", "dates": "MM/DD/YYYY"},
)  # fmt: skip
GERMAN = Style(
    "cp1252", ";", _german, lambda day: f"{day:%d.%m.%Y}",
    {"encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": ".", "dates": "DD.MM.YYYY"},
)  # fmt: skip


@dataclass
class NetSuite:
    """One account and the folder that it delivers to."""

    folder: Path
    clock: Clock
    seed: int = 1
    #: line key -> line
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._next = 48_000

    def post(self, count: int, month: date) -> None:
        """Post transactions of two lines each, which balance."""
        for _ in range(count):
            self._next += 1
            amount = Decimal(self._random.randrange(1, 5_000_000)) / 100
            day = month.replace(day=self._random.randrange(1, 29))
            debit, credit = self._random.sample(_ACCOUNTS, 2)
            for number, (account, signed) in enumerate(((debit, amount), (credit, -amount))):
                self.lines[f"{self._next}{number}"] = {
                    "transaction_id": str(self._next),
                    "txn_date": day,
                    "period": f"{day:%b %Y}",
                    "name": self._random.choice(_NAMES),
                    "account": account,
                    "memo": self._random.choice(("", "Soil, 5 bags", 'Line with "quotes"\nand a newline')),
                    "amount": signed,
                }

    def mutate(self, changed: int = 3, removed: int = 2) -> None:
        """Change the amounts of some lines, and remove some."""
        for key in self._random.sample(sorted(self.lines), changed):
            self.lines[key]["amount"] += Decimal("0.01")
        for key in self._random.sample(sorted(self.lines), removed):
            del self.lines[key]

    def csv(self, style: Style = AMERICAN, *, period: str | None = None) -> bytes:
        """Return the saved search as a file."""
        text = StringIO(newline="")
        writer = csv.writer(text, delimiter=style.delimiter, lineterminator="\r\n")
        writer.writerow(_HEADER)
        for key, line in self.lines.items():
            if period in {None, line["period"]}:
                amount, day = line["amount"], style.day(line["txn_date"])
                debit, credit = (style.amount(abs(amount)), "") if amount >= 0 else ("", style.amount(-amount))
                writer.writerow(
                    (line["transaction_id"], key, day, line["period"], "Journal", f"JE{line['transaction_id']}",
                     line["name"], line["account"], line["memo"], debit, credit, style.amount(amount),
                     "Parent Co : US Sub", day)
                )  # fmt: skip
        return text.getvalue().encode(style.encoding)

    def deliver(
        self, body: bytes, *, at: datetime | None = None, feed: str = "gl", written: datetime | None = None,
        manifest: dict[str, Any] | None = None,
    ) -> Path:  # fmt: skip
        """Put a file where a customer's script would, with the instant of its data in its name."""
        at = at or self.clock.now()
        packed = ".gz" if body.startswith(b"\x1f\x8b") else ""
        path = self.folder / (self.name_of(at, feed) + packed)
        self.write(path, body, written or at + timedelta(seconds=5))
        if manifest is not None:
            self.write(path.with_name(path.name + ".done"), json.dumps(manifest).encode(), at)
        return path

    @staticmethod
    def name_of(at: datetime, feed: str = "gl") -> str:
        """Return the path of a feed's file, with the instant of its data in it."""
        return f"{feed}/{at:%Y/%m/%d}/{feed}_{at:%Y%m%dT%H%M%SZ}.csv"

    def write(self, path: Path, body: bytes, modified: datetime) -> None:
        """Write a file whole, changed at that instant."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        os.utime(path, (modified.timestamp(), modified.timestamp()))

    def feed(self, style: Style = AMERICAN, **more: Any) -> dict[str, Any]:
        """Return the declaration of the general ledger's files."""
        return {
            "name": "gl",
            "pattern": "gl/*.csv*",
            "into": "transaction_lines",
            "key": ["Line Unique Key"],
            "columns": {
                "transaction_id": "Internal ID", "line_id": "Line Unique Key", "txn_date": "Date", "type": "Type",
                "document_number": "Document Number", "name": "Name", "account": "Account", "memo": "Memo",
                "debit": "Amount (Debit)", "credit": "Amount (Credit)", "amount": "Amount", "subsidiary": "Subsidiary",
            },
            **style.declared,
            **more,
        }  # fmt: skip

    @staticmethod
    def packed(body: bytes) -> bytes:
        """Return a file packed."""
        return gzip.compress(body, mtime=0)
