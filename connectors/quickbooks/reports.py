"""QuickBooks' reports, flattened to rows.

A report is a tree of sections. Each cell that holds a number becomes one row: of a plain line ("data"), of a section's
own header ("header": money posted straight to a parent account, which is lost if only lines are read) or of a total
("summary"). Columns are told apart by ColKey and dates, never by their localised titles.
"""

import hashlib
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec
import pyarrow as pa

from connectors.errors import Broken
from connectors.quickbooks.report_tree import Document, Heading, Line, flatten
from connectors.shapes import TYPED
from storage.facts.streams import RECORD_COLUMNS, Batch, Column, ColumnType, Stream

_COLUMNS = (
    Column("id"),
    Column("row_number", ColumnType.INTEGER),
    Column("level", ColumnType.INTEGER),
    Column("path"),
    Column("section"),
    Column("row_kind"),
    Column("account_id"),
    Column("account_name"),
    Column("column_key"),
    Column("is_total_column", ColumnType.BOOLEAN),
    Column("period_start", ColumnType.DATE),
    Column("period_end", ColumnType.DATE),
    Column("amount", ColumnType.MONEY),
    Column("basis"),
    Column("currency"),
)


class Span(StrEnum):
    """What time a report is about."""

    MONTHS = "months"
    YEAR = "year"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Report:
    """One report that is read."""

    #: QuickBooks' name
    name: str
    stream: Stream
    span: Span = Span.MONTHS
    #: "Accrual" or "Cash"; empty where the report knows no basis
    basis: str = "Accrual"

    def asked(self, until: datetime) -> dict[str, str]:
        """Return the parameters: by month from January of last year, this year to date, or as of the day."""
        basis = {"accounting_method": self.basis} if self.basis else {}
        if self.span is Span.DAY:
            return {"report_date": until.date().isoformat()}
        if self.span is Span.YEAR:
            return {"start_date": f"{until.year}-01-01", "end_date": until.date().isoformat(), **basis}
        last = f"{until:%Y-%m}-{monthrange(until.year, until.month)[1]:02d}"
        return {"start_date": f"{until.year - 1}-01-01", "end_date": last, **basis, "summarize_column_by": "Month"}


def _report(name: str, stream: str, label: str, span: Span = Span.MONTHS, basis: str = "Accrual") -> Report:
    return Report(name, Stream(stream, label, _COLUMNS, full=True), span, basis)


#: read again when a record changed, and when a day began
REPORTS = (
    _report("ProfitAndLoss", "profit_and_loss", "Profit and loss"),
    _report("BalanceSheet", "balance_sheet", "Balance sheet"),
)
#: read once a day, from the second collection on: the first one is to be over soon
DAILY_REPORTS = (
    _report("ProfitAndLoss", "profit_and_loss_cash", "Profit and loss, cash basis", basis="Cash"),
    _report("BalanceSheet", "balance_sheet_cash", "Balance sheet, cash basis", basis="Cash"),
    _report("CashFlow", "cash_flow", "Cash flow", basis=""),
    _report("TrialBalance", "trial_balance", "Trial balance", Span.YEAR),
    _report("TrialBalance", "trial_balance_cash", "Trial balance, cash basis", Span.YEAR, "Cash"),
    _report("AgedReceivables", "aged_receivables", "Aged receivables", Span.DAY, ""),
    _report("AgedPayables", "aged_payables", "Aged payables", Span.DAY, ""),
)


@dataclass(frozen=True, slots=True)
class _Period:
    key: str
    total: bool
    start: date | None
    end: date | None


def _periods(document: Document) -> list[_Period]:
    found = []
    dated = any(meta(heading).get("StartDate") for heading in document.columns.column)
    # A lone column is what the report says; beside others a total only repeats them.
    several = len(document.columns.column) > 2
    for number, heading in enumerate(document.columns.column):
        said = meta(heading)
        total = "StartDate" not in said and (dated or (several and said.get("ColKey") == "total"))
        start = said.get("StartDate") or document.header.start_period
        end = said.get("EndDate") or document.header.end_period
        key = f"{said['StartDate']}..{end}" if "StartDate" in said else said.get("ColKey") or f"column {number}"
        found.append(_Period(key, total, _date(start), _date(end)))
    return found


def meta(heading: Heading) -> dict[str, str]:
    """Return what a column says of itself, by name."""
    return {item.name: item.value for item in heading.meta_data or ()}


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Broken("a report's period is no date", code="report_unreadable") from error


def batch(report: Report, body: bytes) -> Batch:
    """Return the whole report as one batch."""
    document, lines = flatten(body)
    if document.header.report_name != report.name:
        raise Broken("QuickBooks sent another report than asked for", code="report_unreadable")
    periods = _periods(document)
    if any(line.column >= len(periods) for line in lines):
        raise Broken("a report has more cells than columns", code="report_unreadable")
    rows = [_row(document, line, periods[line.column], number) for number, line in enumerate(lines)]
    _name(rows)
    table = pa.Table.from_pylist(rows, schema=_schema())
    return Batch(report.stream, table, size=len(body))


def _row(document: Document, line: Line, period: _Period, number: int) -> dict[str, object]:
    facts: dict[str, object] = {
        "row_number": number,
        "level": line.level,
        "path": " > ".join(line.path),
        "section": line.section,
        "row_kind": line.row_kind,
        "account_id": line.account_id,
        "account_name": line.account_name,
        "column_key": period.key,
        "is_total_column": period.total,
        "period_start": period.start,
        "period_end": period.end,
        "amount": line.amount,
        "basis": document.header.report_basis,
        "currency": document.header.currency,
    }
    raw = msgspec.json.encode(facts)
    return facts | {
        "_raw": raw.decode(),
        "_hash": hashlib.sha256(raw).digest()[:16].hex(),
        "_updated_at": instant(document.header.time),
    }


def _name(rows: list[dict[str, object]]) -> None:
    """Give each row a key that stays the same when amounts change or rows come and go around it."""
    used: dict[str, int] = {}
    for row in rows:
        what = row["account_id"] or row["account_name"]
        key = f"{row['path']}|{what}|{row['row_kind']}|{row['column_key']}"
        used[key] = used.get(key, 0) + 1
        row["id"] = key if used[key] == 1 else f"{key}|{used[key]}"


def _schema() -> pa.Schema:
    return pa.schema([(column.name, TYPED[column.type]) for column in (*_COLUMNS, *RECORD_COLUMNS)])


def instant(text: str | None) -> datetime | None:
    """Read the report's own time: ISO with an offset today, milliseconds in old answers."""
    if text and text.isdigit() and len(text) == 13:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
