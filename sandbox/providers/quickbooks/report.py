"""The shape of a report: sections, rows, totals and columns of time."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

#: Cents per column; None means that nothing was posted.
Cells = list[int | None]


@dataclass(frozen=True, slots=True)
class Period:
    """One column: first and last day, both included."""

    title: str
    key: str
    first: str
    last: str


def months(first: str, last: str) -> list[Period]:
    """Cut a span into calendar months, the outer ones as far as they are inside."""
    found = []
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    while start <= end:
        month_end = start.replace(day=calendar.monthrange(start.year, start.month)[1])
        until = min(month_end, end)
        key = f"{calendar.month_abbr[start.month]} {start.year}"
        whole = start.day == 1 and until == month_end
        span = f"{start.day}-{until.day}" if start.day != until.day else str(start.day)
        title = key if whole else f"{calendar.month_abbr[start.month]} {span}, {start.year}"
        found.append(Period(title, key, start.isoformat(), until.isoformat()))
        start = month_end + timedelta(days=1)
    return found


def add(*rows: Cells) -> Cells:
    """Add rows up, column by column; nothing plus nothing stays nothing."""
    return [_sum(column) for column in zip(*rows, strict=True)] if rows else []


def _sum(column: Sequence[int | None]) -> int | None:
    known = [worth for worth in column if worth is not None]
    return sum(known) if known else None


def money(worth: int | None) -> str:
    """Write an amount as report cells hold it; '' for nothing."""
    if worth is None:
        return ""
    whole, rest = divmod(abs(worth), 100)
    return f"{'-' if worth < 0 else ''}{whole}.{rest:02d}"


def cells(label: str, amounts: Cells, *, id_: str = "", total: bool = False) -> dict[str, Any]:
    """Return the ColData of a row; a total shows 0.00 where a row shows nothing."""
    first = {"value": label, "id": id_} if id_ else {"value": label}
    return {"ColData": [first, *({"value": money(0 if total and worth is None else worth)} for worth in amounts)]}


def section(
    title: str,
    rows: Sequence[dict[str, Any]],
    total: Cells,
    *,
    group: str = "",
    id_: str = "",
    own: Cells | None = None,
    closing: str | None = None,
) -> dict[str, Any]:
    """Return a section with header, rows and total; `own` is what was posted straight to a parent account."""
    found: dict[str, Any] = {
        "Header": cells(title, own if own is not None else [None] * len(total), id_=id_),
        "Rows": {"Row": list(rows)} if rows else {},
        "Summary": cells(closing or f"Total {title}", total, total=True),
        "type": "Section",
    }
    return found | ({"group": group} if group else {})


def line(title: str, amounts: Cells, group: str) -> dict[str, Any]:
    """Return a section that is only a total, such as Gross Profit."""
    return {"Summary": cells(title, amounts, total=True), "type": "Section", "group": group}


def data(label: str, amounts: Cells, *, id_: str = "", group: str = "") -> dict[str, Any]:
    """Return a plain row."""
    return {**cells(label, amounts, id_=id_), "type": "Data"} | ({"group": group} if group else {})


def columns(periods: Sequence[Period], *, by_month: bool, with_total: bool) -> dict[str, Any]:
    """Return the Columns of a report."""
    account = {"ColTitle": "", "ColType": "Account", "MetaData": [{"Name": "ColKey", "Value": "account"}]}
    found = [account]
    if by_month:
        for period in periods:
            meta = (("StartDate", period.first), ("EndDate", period.last), ("ColKey", period.key))
            found.append(
                {
                    "ColTitle": period.title,
                    "ColType": "Money",
                    "MetaData": [{"Name": name, "Value": value} for name, value in meta],
                }
            )
    if with_total or not by_month:
        total = [{"Name": "ColKey", "Value": "total"}]
        found.append({"ColTitle": "Total", "ColType": "Money", "MetaData": total})
    return {"Column": found}
