"""CashFlow and TrialBalance, computed from the company's transactions."""

from typing import Any

from sandbox.providers.quickbooks import report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.report import Cells
from sandbox.providers.quickbooks.sheet import PROFIT, Asked, Sheet

#: what moves cash beside the profit: title, group (the typing error is Intuit's), closing, account types
_ACTIVITIES = (
    ("INVESTING ACTIVITIES", "InvestingActivities", "Net cash provided by investing activities", ("Fixed Asset",)),
    (
        "FINANCING ACTIVITIES",
        "FinancingActivites",
        "Net cash provided by financing activities",
        ("Long Term Liability", "Equity"),
    ),
)
_ADJUSTED = (
    "Accounts Receivable", "Other Current Asset", "Accounts Payable", "Credit Card", "Other Current Liability",
)  # fmt: skip


class CashSheet(Sheet):
    """Where the money of bank accounts came from, and where it went."""

    def cash_flow(self) -> list[dict[str, Any]]:
        """Return the rows: what bank accounts gained is the profit, and what all other accounts gave."""
        profit = self._sum(PROFIT)
        adjusted, rest = self._moves(_ADJUSTED)
        title = "Adjustments to reconcile Net Income to Net Cash provided by operations:"
        inner = report.section(title, adjusted, rest, group="OperatingAdjustments", closing=f"Total {title}")
        operating = report.add(profit, rest)
        rows = [
            report.section(
                "OPERATING ACTIVITIES",
                [report.data("Net Income", profit), inner],
                operating,
                group="OperatingActivities",
                closing="Net cash provided by operating activities",
            )
        ]
        increase = operating
        for title, group, closing, kinds in _ACTIVITIES:
            moves, total = self._moves(kinds)
            if moves:
                rows.append(report.section(title, moves, total, group=group, closing=closing))
                increase = report.add(increase, total)
        rows.append(report.line("Net cash increase for period", increase, "CashIncrease"))
        return rows

    def _sum(self, kinds: tuple[str, ...]) -> Cells:
        return report.add([None] * self._width, *(self._amounts(id_, -1) for id_ in self._of(kinds)))

    def _moves(self, kinds: tuple[str, ...]) -> tuple[list[dict[str, Any]], Cells]:
        rows, total = [], report.add([None] * self._width)
        for id_ in self._of(kinds):
            amounts = self._amounts(id_, -1)
            if any(worth is not None for worth in amounts):
                rows.append(report.data(str(self._accounts[id_].get("Name")), amounts, id_=id_))
                total = report.add(total, amounts)
        return rows, total

    def _of(self, kinds: tuple[str, ...]) -> list[str]:
        return [id_ for id_, account in self._accounts.items() if account.get("AccountType") in kinds]


def trial_balance(books: Books, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return columns and rows of a trial balance: each account on its side, both sides the same."""
    ledger, year = books.ledger(asked.basis), f"{asked.last[:4]}-01-01"
    balances: dict[str, int] = {}
    names: dict[str, str] = {}
    retained, earlier = "", 0
    for account in books.tables["Account"].records():
        id_ = str(account["Id"])
        names[id_] = str(account.get("FullyQualifiedName"))
        profit = account.get("AccountType") in PROFIT
        balances[id_] = ledger.moved(id_, year if profit else "", asked.last) or 0
        if profit:
            earlier += (ledger.moved(id_, "", asked.last) or 0) - balances[id_]
        if account.get("AccountSubType") == "RetainedEarnings":
            retained = id_
    if earlier:
        balances[retained] = balances.get(retained, 0) + earlier
    sides = {id_: [max(worth, 0) or None, max(-worth, 0) or None] for id_, worth in balances.items() if worth}
    rows = [report.cells(names.get(id_, "Retained Earnings"), side, id_=id_) for id_, side in sides.items()]
    if rows:
        rows.append(report.line("TOTAL", report.add(*sides.values()), "GrandTotal"))
    money = [_column(title, "Money", title.lower()) for title in ("Debit", "Credit")]
    return {"Column": [_column("", "Account", "account"), *money]}, rows


def _column(title: str, kind: str, key: str) -> dict[str, Any]:
    return {"ColTitle": title, "ColType": kind, "MetaData": [{"Name": "ColKey", "Value": key}]}
