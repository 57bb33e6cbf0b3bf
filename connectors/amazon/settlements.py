"""Settlements: what Amazon paid out, to the cent, from the files that it makes by itself about every two weeks.

They cannot be asked for: they are listed, for the last 90 days. A file's first row is its summary, all others are
amounts that must add up to it; one that does not add up is refused. European files write amounts with a comma and days
with points. Kinds of amounts may be new or in the seller's language: they are kept as they are.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec

from connectors.amazon.document import Text
from connectors.amazon.flat import Amounts, Sheet, amounts, sheet, stamp, whole
from connectors.amazon.reports import Report
from connectors.errors import Broken
from connectors.files.spool import MOST as MOST_ROWS
from connectors.files.spool import FullError, Spool
from connectors.shapes import Field, Shape
from storage.facts.streams import ColumnType

TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
LABEL = "Settlements"
#: Amazon lists reports for 90 days.
LISTED_FOR = timedelta(days=89)
#: Files that are opened in one collection: Amazon lets a document be opened about once a minute, and 15 at once.
MOST = 5

_MONEY, _TIME = ColumnType.MONEY, ColumnType.TIMESTAMP
SETTLEMENTS = Shape(
    "settlements",
    LABEL,
    (
        Field("id", "settlement-id"),
        Field("started_at", "settlement-start-date", _TIME),
        Field("ended_at", "settlement-end-date", _TIME),
        Field("deposited_at", "deposit-date", _TIME),
        Field("total_amount", "total-amount", _MONEY),
        Field("currency", "currency"),
        Field("lines", "lines", ColumnType.INTEGER),
    ),
    updated="settlement-end-date",
)
_LINE = (
    "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
    "amount-type", "amount-description", "fulfillment-id", "order-item-code", "merchant-order-item-id",
    "merchant-adjustment-item-id", "sku", "promotion-id",
)  # fmt: skip
LINES = Shape(
    "settlement_lines",
    "Settlement lines",
    (
        Field("id", "id"),
        Field("settlement_id", "settlement-id"),
        Field("line_number", "line", ColumnType.INTEGER),
        Field("posted_at", "posted-date-time", _TIME),
        Field("amount", "amount", _MONEY),
        Field("quantity_purchased", "quantity-purchased", ColumnType.INTEGER),
        *(Field(name.replace("-", "_"), name) for name in _LINE),
    ),
    updated="posted-date-time",
)
_NEEDED = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "amount-type", "amount-description", "amount", "posted-date",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settled:
    """One file's records."""

    settlements: list[bytes]
    #: on disk; to be closed
    lines: Spool


def due(listed: Sequence[Report], cursor: str | None) -> tuple[list[Report], list[Report]]:
    """Return the files to read now, the newest first, and those that wait for the next collection."""
    known = set((cursor or "").split(","))
    new = [report for report in listed if report.report_id not in known]
    return new[:MOST], new[MOST:]


def cursor_after(listed: Sequence[Report], waiting: Sequence[Report]) -> str:
    """Return the cursor: the listed files that were read."""
    later = {report.report_id for report in waiting}
    return ",".join(sorted(report.report_id for report in listed if report.report_id not in later))


def settled(text: Text, most: int = MOST_ROWS) -> Settled:
    """Read a file (Broken for anything that cannot be read without guessing, or does not add up)."""
    found = sheet(text, LABEL, _NEEDED)
    money = amounts(found, ("amount", "total-amount"))
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(contextlib.closing(Spool(most=most)))
        try:
            heads = _added_up(found, money, lines)
        except FullError as error:
            raise Broken(f"{LABEL}: a file {error}", code="report_too_large") from error
        stack.pop_all()
    return Settled([msgspec.json.encode(head) for head in heads], lines)


def _added_up(found: Sheet, money: Amounts, lines: Spool) -> list[dict[str, object]]:
    """Return the summaries; the lines go to the disk, since none of them counts before they add up."""
    heads: dict[str, dict[str, object]] = {}
    counts: Counter[str] = Counter()
    sums: dict[str, Decimal] = {}
    for row in found.rows():
        key = row.get("settlement-id")
        if key is None:
            raise Broken(f"{LABEL}: a row has no settlement", code="record_unreadable")
        if "total-amount" in row:
            if key in heads:
                raise Broken(f"{LABEL}: a settlement has two summaries", code="record_unreadable")
            heads[key] = _head(row, money)
        else:
            counts[key] += 1
            line = _line(row, money, counts[key])
            sums[key] = sums.get(key, Decimal(0)) + Decimal(str(line["amount"]))
            lines.add(key, msgspec.json.encode(line))
    if not heads or set(counts) - set(heads):
        raise Broken(f"{LABEL}: a file has no summary", code="record_unreadable")
    for key, head in heads.items():
        if sums.get(key, Decimal(0)) != Decimal(str(head["total-amount"])):
            raise Broken(f"{LABEL}: the amounts of a settlement do not add up to its total", code="settlement_sum")
        head["lines"] = counts[key]
    return list(heads.values())


def _head(row: dict[str, str], money: Amounts) -> dict[str, object]:
    dates = ("settlement-start-date", "settlement-end-date", "deposit-date")
    return {
        "settlement-id": row["settlement-id"],
        **{name: stamp(row[name], LABEL).isoformat() for name in dates if name in row},
        "total-amount": money.read(row["total-amount"]),
        "currency": row.get("currency"),
    }


def _line(row: dict[str, str], money: Amounts, number: int) -> dict[str, object]:
    if "amount" not in row:
        raise Broken(f"{LABEL}: a line has no amount", code="record_unreadable")
    made: dict[str, object] = {"id": f"{row['settlement-id']}-{number}", "line": number, **row}
    made["amount"] = money.read(row["amount"])
    if "quantity-purchased" in row:
        made["quantity-purchased"] = whole(row["quantity-purchased"], LABEL)
    posted = row.get("posted-date-time") or row.get("posted-date")
    if posted is not None:
        made["posted-date-time"] = stamp(posted, LABEL).isoformat()
    return made
