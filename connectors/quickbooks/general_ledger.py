"""GeneralLedger, flattened: a row for each line of a transaction in each account, as QuickBooks itself posts them.

The report is read in quarters, since QuickBooks does not finish long ones of busy companies; a quarter that it cannot
finish, or prints a part of, is asked for in halves, down to a day. Columns are told apart by ColKey, never by their
localised titles. Class, department and customer of a line come only when they are asked for, and only where the
company keeps them: whether QuickBooks said them is kept with each line, since nothing said is not the same as none.
Which columns hold the company's own currency is decided once for all parts (`Chosen`).
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec
import pyarrow as pa

from connectors.errors import Broken, Retry
from connectors.quickbooks.company import Company
from connectors.quickbooks.report_tree import Cell, Document, Rows, amount, read
from connectors.quickbooks.reports import instant, meta
from connectors.shapes import TYPED
from connectors.wire import Answer
from storage.facts.streams import RECORD_COLUMNS, Batch, Column, ColumnType, Stream

NAME = "GeneralLedger"
STREAM = Stream(
    "general_ledger",
    "General ledger",
    (
        Column("id"),
        Column("level", ColumnType.INTEGER),
        Column("path"),
        Column("row_kind"),
        Column("account_id"),
        Column("account_name"),
        Column("txn_date", ColumnType.DATE),
        Column("txn_type"),
        Column("txn_id"),
        Column("doc_number"),
        Column("entity_id"),
        Column("entity_name"),
        Column("memo"),
        Column("split_account_id"),
        Column("split_account_name"),
        Column("amount", ColumnType.MONEY),
        Column("balance", ColumnType.MONEY),
        Column("period_start", ColumnType.DATE),
        Column("period_end", ColumnType.DATE),
        Column("basis"),
        Column("currency"),
        Column("class_id"),
        Column("class_name"),
        Column("class_known", ColumnType.BOOLEAN),
        Column("department_id"),
        Column("department_name"),
        Column("department_known", ColumnType.BOOLEAN),
        Column("customer_id"),
        Column("customer_name"),
        Column("customer_known", ColumnType.BOOLEAN),
    ),
    full=True,
)
#: what QuickBooks says when a report is too long for it
_TOO_LONG = frozenset({"server_error", "timeout"})
#: and what when it does not understand what is asked of it
_REFUSED = frozenset({"request_refused", "query_refused"})
#: how it ends, as a row, where it is too long to be printed whole
_CUT = "Unable to display more data"
#: the home currency's columns first: companies with several currencies have them, and no other amount counts there
_AMOUNT = ("subt_nat_home_amount", "subt_nat_amount")
_BALANCE = ("rbal_nat_home_amount", "rbal_nat_amount")
#: what a line is of -> the column that names it
_OF = {"class": "klass_name", "department": "dept_name", "customer": "cust_name"}
_COLUMNS = ("tx_date", "txn_type", "doc_num", "name", "memo", "split_acc", *_OF.values(), *_AMOUNT, *_BALANCE)


@dataclass(frozen=True, slots=True)
class _Line:
    level: int
    path: tuple[str, ...]
    account: Cell
    kind: str
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of one answer."""

    there: frozenset[str]
    #: those in which the company's own currency stands
    amount: str
    balance: str


@dataclass
class Chosen:
    """Which columns count in all parts of one reading: the home currency's as soon as anything stands in them anywhere.

    A part in which nothing stands there would else be read by the plain ones, and other currencies be added up with it.
    """

    #: the home currency's columns in which anything stood
    home: set[str] = field(default_factory=set)
    #: the plain ones that were taken in their place
    plain: set[str] = field(default_factory=set)
    #: plain ones were taken, and should not have been
    wrong: bool = False

    def of(self, lines: Sequence[_Line], names: tuple[str, str]) -> str:
        """Return the column that counts; one alone, so that currencies never mix."""
        home, plain = names
        if home not in self.home and _filled(lines, home):
            self.home.add(home)
            self.wrong = self.wrong or plain in self.plain
        if home in self.home:
            return home
        if _filled(lines, plain):
            self.plain.add(plain)
        return plain


def quarters(until: date) -> list[tuple[date, date]]:
    """Return the quarters from January of last year to the one that the day is in."""
    first = [date(year, month, 1) for year in (until.year - 1, until.year) for month in (1, 4, 7, 10)]
    begun = [day for day in first if day <= until]
    return [(day, _next_quarter(day) - timedelta(days=1)) for day in begun]


def _next_quarter(day: date) -> date:
    return date(day.year + (day.month == 10), (day.month + 2) % 12 + 1, 1)


async def batches(company: Company, until: datetime, chosen: Chosen | None = None) -> AsyncIterator[Batch]:
    """Read the ledger, a batch for each part; once more, where a later part shows that other columns count."""
    chosen = chosen or Chosen()
    while True:
        used: dict[str, int] = {}
        async with aclosing(_bodies(company, until)) as bodies:
            async for body in bodies:
                yield batch(body, used, chosen)
                if chosen.wrong:
                    break
            else:
                return
        # The same lines come again under the same ids, and take the place of those that came before.
        chosen.wrong = False


async def _bodies(company: Company, until: datetime) -> AsyncGenerator[bytes, None]:
    for first, last in quarters(until.date()):
        async for body in _parts(company, first, last):
            yield body


async def _parts(company: Company, first: date, last: date) -> AsyncIterator[bytes]:
    try:
        body = (await _asked(company, first, last)).body
    except Retry as slow:
        if slow.code not in _TOO_LONG or first == last:
            raise
    else:
        if not _is_cut(body):
            yield body
            return
        if first == last:
            raise Broken("QuickBooks prints a part of a day of the general ledger only", code="report_unreadable")
    middle = first + (last - first) // 2
    for start, end in ((first, middle), (middle + timedelta(days=1), last)):
        async for body in _parts(company, start, end):
            yield body


async def _asked(company: Company, first: date, last: date) -> Answer:
    path, name = f"/reports/{NAME}", f"report {NAME}"
    params = {"start_date": first.isoformat(), "end_date": last.isoformat(), "accounting_method": "Accrual"}
    # A ledger without classes is better than none: what is narrowed to one says that it is not known. The amounts in
    # the company's own currency are asked for as long as QuickBooks takes that: those beside them may be in others.
    for columns in (_COLUMNS, tuple(one for one in _COLUMNS if one not in _OF.values())):
        try:
            return await company.get(path, name, {**params, "columns": ",".join(columns)})
        except Broken as refused:
            if refused.code not in _REFUSED:
                raise
    return await company.get(path, name, params)


def _is_cut(body: bytes) -> bool:
    """Whether QuickBooks says that there is more; somebody's own words in a line of a transaction say nothing."""
    said = body.count(_CUT.encode())
    if not said:
        return False
    document = read(body)
    lines = _lines(document.rows, _keys(document), (), Cell())
    return said > sum(cell.value.count(_CUT) for line in lines if line.kind == "data" for cell in line.cells.values())


def _keys(document: Document) -> list[str]:
    return [meta(heading).get("ColKey", "") for heading in document.columns.column]


def batch(body: bytes, used: dict[str, int], chosen: Chosen | None = None) -> Batch:
    """Return a part of the ledger (Broken when it is none).

    `used` counts the keys of all parts, and `chosen` says which columns count in all of them.
    """
    chosen = chosen or Chosen()
    document = read(body)
    if document.header.report_name != NAME:
        raise Broken("QuickBooks sent another report than asked for", code="report_unreadable")
    keys = _keys(document)
    if "tx_date" not in keys or not set(keys) & set(_AMOUNT):
        raise Broken("a general ledger without dates or amounts", code="report_unreadable")
    lines = list(_lines(document.rows, keys, (), Cell()))
    columns = _Columns(frozenset(keys), chosen.of(lines, _AMOUNT), chosen.of(lines, _BALANCE))
    rows = [_row(document, columns, line, used) for line in lines]
    table = pa.Table.from_pylist(rows, schema=_schema())
    return Batch(STREAM, table, size=len(body))


def _lines(rows: Rows | None, keys: list[str], path: tuple[str, ...], account: Cell) -> Iterator[_Line]:
    for row in (rows.row if rows else None) or ():
        if row.col_data is not None:
            cells = dict(zip(keys, row.col_data, strict=False))
            begins = not _dated(cells.get("tx_date", Cell()).value)
            yield _Line(len(path), path, account, "beginning" if begins else "data", cells)
            continue
        head = row.header.col_data[0] if row.header and row.header.col_data else account
        here = (*path, head.value) if row.header else path
        yield from _lines(row.rows, keys, here, head)
        if row.summary:
            yield _Line(len(here), here, head, "summary", dict(zip(keys, row.summary.col_data, strict=False)))


def _dated(text: str) -> bool:
    return len(text) == len("2026-11-22") and text[:4].isdigit()


def _filled(lines: Sequence[_Line], name: str) -> bool:
    return any(line.cells.get(name, Cell()).value for line in lines)


def _row(document: Document, columns: _Columns, line: _Line, used: dict[str, int]) -> dict[str, object]:
    cell = {name: found for name, found in line.cells.items() if found.value}
    dated = line.kind == "data"
    facts: dict[str, object] = {
        "level": line.level,
        "path": " > ".join(line.path),
        "row_kind": line.kind,
        "account_id": line.account.id,
        "account_name": line.account.value,
        "txn_date": _date(cell["tx_date"].value) if dated else None,
        "txn_type": _value(cell, "txn_type"),
        "txn_id": _id(cell, "txn_type"),
        "doc_number": _value(cell, "doc_num"),
        "entity_id": _id(cell, "name"),
        "entity_name": _value(cell, "name"),
        "memo": _value(cell, "memo"),
        "split_account_id": _id(cell, "split_acc"),
        "split_account_name": _value(cell, "split_acc"),
        "amount": _amount(cell, columns.amount),
        "balance": _amount(cell, columns.balance),
        "period_start": _date(document.header.start_period),
        "period_end": _date(document.header.end_period),
        "basis": document.header.report_basis,
        "currency": document.header.currency,
    }
    for one, name in _OF.items():
        called, id_ = _value(cell, name), _id(cell, name)
        # A name without an id could be anybody's.
        known = name in columns.there and (called is None or bool(id_)) if dated else None
        facts |= {f"{one}_id": id_ or None, f"{one}_name": called, f"{one}_known": known}
    raw = msgspec.json.encode(facts)
    # What a line is of, and which of several of the same transaction in the account it is.
    what = (line.account.id or facts["path"], line.kind, facts["txn_type"], facts["txn_id"])
    key = "|".join("" if part is None else str(part) for part in what)
    if not dated:
        key += f"|{facts['path']}|{facts['period_start']}"
    used[key] = used.get(key, 0) + 1
    return facts | {
        "id": f"{key}|{used[key]}",
        "_raw": raw.decode(),
        "_hash": hashlib.sha256(raw).digest()[:16].hex(),
        "_updated_at": instant(document.header.time),
    }


def _value(cell: dict[str, Cell], name: str) -> str | None:
    return cell[name].value if name in cell else None


def _id(cell: dict[str, Cell], name: str) -> str | None:
    return cell[name].id if name in cell else None


def _amount(cell: dict[str, Cell], name: str) -> Decimal | None:
    return amount(cell[name].value) if name in cell else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Broken("a date in the general ledger is none", code="report_unreadable") from error


def _schema() -> pa.Schema:
    return pa.schema([(column.name, TYPED[column.type]) for column in (*STREAM.columns, *RECORD_COLUMNS)])
