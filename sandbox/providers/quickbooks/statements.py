"""The reports that the stand-in answers, by their names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.providers.quickbooks import aging, report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.cash import CashSheet, trial_balance
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.postings import general_ledger
from sandbox.providers.quickbooks.sheet import Asked, Sheet
from sandbox.providers.quickbooks.values import encode

#: reports of accounts, with a basis and columns of time
_OF_ACCOUNTS = ("ProfitAndLoss", "BalanceSheet", "CashFlow", "TrialBalance", "GeneralLedger")
REPORTS = (*_OF_ACCOUNTS, *aging.SIDES)


def answer(books: Books, name: str, parameters: Mapping[str, str]) -> bytes:
    """Return the body of a report; raises Refusal."""
    if name in books.fixed_reports:
        return books.fixed_reports[name]
    if name not in REPORTS:
        raise Refusal("5020", "Permission Denied Error", f"Permission Denied Error : {name} is not a report")
    today = books.clock.now().astimezone(books.zone).date()
    if name in aging.SIDES:
        with books.lock:
            columns, rows, day = aging.aged(books, name, parameters, today)
        asked = Asked(day, day, "", by_month=False)
        return _body(name, books, asked, columns, rows)
    asked = Asked.read(parameters, today)
    with books.lock:
        columns, rows = _of_accounts(books, name, asked)
    return _body(name, books, asked, columns, rows)


def _of_accounts(books: Books, name: str, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match name:
        case "TrialBalance":
            return trial_balance(books, asked)
        case "GeneralLedger":
            return general_ledger(books, asked)
        case "CashFlow":
            cash = CashSheet(books, asked, balance=False)
            rows = cash.cash_flow()
            return report.columns(asked.periods, by_month=asked.by_month, with_total=True), rows
        case "BalanceSheet":
            sheet = Sheet(books, asked, balance=True)
            rows = sheet.balance_sheet()
        case _:
            sheet = Sheet(books, asked, balance=False)
            rows = sheet.profit_and_loss()
    columns = report.columns(asked.periods, by_month=asked.by_month, with_total=name == "ProfitAndLoss")
    return columns, [] if sheet.empty else rows


def _body(name: str, books: Books, asked: Asked, columns: dict[str, Any], rows: list[dict[str, Any]]) -> bytes:
    header = _header(name, books, asked, empty=not rows)
    return encode({"Header": header, "Columns": columns, "Rows": {"Row": rows} if rows else {}})


def _header(name: str, books: Books, asked: Asked, *, empty: bool) -> dict[str, Any]:
    now: datetime = books.clock.now().astimezone(books.zone)
    options = (("AccountingStandard", "GAAP"), ("NoReportData", "true" if empty else "false"))
    basis = {"ReportBasis": asked.basis} if asked.basis and name != "CashFlow" else {}
    return {
        "Time": now.isoformat(timespec="seconds"),
        "ReportName": name,
        **basis,
        "StartPeriod": asked.first,
        "EndPeriod": asked.last,
        "SummarizeColumnsBy": "Month" if asked.by_month else "Total",
        "Currency": "USD",
        "Option": [{"Name": key, "Value": value} for key, value in options],
    }
