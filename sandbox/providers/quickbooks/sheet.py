"""ProfitAndLoss and BalanceSheet, computed from the company's transactions."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.providers.quickbooks import report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.ledger import Ledger
from sandbox.providers.quickbooks.report import Cells, Period
from sandbox.providers.quickbooks.values import Record, referred

#: Types whose postings make the profit.
PROFIT = ("Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report was asked for."""

    first: str
    last: str
    basis: str
    by_month: bool
    #: keys; none: those that come by themselves
    columns: tuple[str, ...] = ()

    @property
    def periods(self) -> list[Period]:
        """Return its columns of time."""
        if self.by_month:
            return report.months(self.first, self.last)
        return [Period("Total", "total", self.first, self.last)]

    @classmethod
    def read(cls, parameters: Mapping[str, str], today: date) -> "Asked":
        """Read the parameters; raises Refusal."""
        first = _date(parameters, "start_date", today.replace(month=1, day=1))
        last = _date(parameters, "end_date", today)
        if first > last:
            raise Refusal.query("start_date is after end_date")
        basis = _choice(parameters, "accounting_method", ("Accrual", "Cash"))
        columns = tuple(filter(None, parameters.get("columns", "").split(",")))
        by_month = _choice(parameters, "summarize_column_by", ("Total", "Month")) == "Month"
        return cls(first, last, basis, by_month, columns)


def _date(parameters: Mapping[str, str], name: str, default: date) -> str:
    text = parameters.get(name, default.isoformat())
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal.query(f"Invalid date for {name}: {text}") from None


def _choice(parameters: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = parameters.get(name, allowed[0])
    found = next((word for word in allowed if word.lower() == text.lower()), None)
    if found is None:
        raise Refusal.query(f"Invalid value for {name}: {text}")
    return found


class Sheet:
    """The accounts of a company, their amounts per column, and the sections made of them."""

    def __init__(self, books: Books, asked: Asked, *, balance: bool) -> None:
        self._ledger: Ledger = books.ledger(asked.basis)
        self._asked = asked
        self._balance = balance
        self._accounts: dict[str, Record] = {str(a["Id"]): a for a in books.tables["Account"].records()}
        self._children: dict[str, list[str]] = defaultdict(list)
        for id_, account in sorted(self._accounts.items(), key=lambda pair: str(pair[1].get("Name"))):
            self._children[referred(account, "ParentRef")].append(id_)
        self.empty = True

    def profit_and_loss(self) -> list[dict[str, Any]]:
        """Return the rows of a profit and loss statement."""
        rows: list[dict[str, Any]] = []
        income = self._group(rows, "Income", "Income", "Income", -1)
        costs = self._group(rows, "Cost of Goods Sold", "Cost of Goods Sold", "COGS", 1)
        gross = report.add(income, _negative(costs))
        rows.append(report.line("Gross Profit", gross, "GrossProfit"))
        expenses = self._group(rows, "Expenses", "Expense", "Expenses", 1)
        operating = report.add(gross, _negative(expenses))
        rows.append(report.line("Net Operating Income", operating, "NetOperatingIncome"))
        before = len(rows)
        other = self._group(rows, "Other Income", "Other Income", "OtherIncome", -1)
        spent = self._group(rows, "Other Expenses", "Other Expense", "OtherExpenses", 1)
        net_other = report.add(other, _negative(spent))
        if len(rows) > before:
            rows.append(report.line("Net Other Income", net_other, "NetOtherIncome"))
        rows.append(report.line("Net Income", report.add(operating, net_other), "NetIncome"))
        return rows

    def balance_sheet(self) -> list[dict[str, Any]]:
        """Return the rows of a balance sheet; assets equal liabilities and equity by double entry."""
        current: list[dict[str, Any]] = []
        bank = self._group(current, "Bank Accounts", "Bank", "BankAccounts", 1)
        receivable = self._group(current, "Accounts Receivable", "Accounts Receivable", "AR", 1)
        other = self._group(current, "Other Current Assets", "Other Current Asset", "OtherCurrentAssets", 1)
        current_total = report.add(bank, receivable, other)
        assets = [report.section("Current Assets", current, current_total, group="CurrentAssets")]
        fixed = self._group(assets, "Fixed Assets", "Fixed Asset", "FixedAssets", 1)
        total = report.add(current_total, fixed)
        liabilities, owed = self._liabilities()
        equity, own = self._equity()
        both = report.add(owed, own)
        closing = "TOTAL LIABILITIES AND EQUITY"
        return [
            report.section("ASSETS", assets, total, group="TotalAssets", closing="TOTAL ASSETS"),
            report.section(
                "LIABILITIES AND EQUITY",
                [liabilities, equity],
                both,
                group="TotalLiabilitiesAndEquity",
                closing=closing,
            ),
        ]

    def _liabilities(self) -> tuple[dict[str, Any], Cells]:
        current: list[dict[str, Any]] = []
        payable = self._group(current, "Accounts Payable", "Accounts Payable", "AP", -1)
        cards = self._group(current, "Credit Cards", "Credit Card", "CreditCards", -1)
        other = self._group(
            current, "Other Current Liabilities", "Other Current Liability", "OtherCurrentLiabilities", -1
        )
        current_total = report.add(payable, cards, other)
        rows = [report.section("Current Liabilities", current, current_total, group="CurrentLiabilities")]
        long_term = self._group(rows, "Long-Term Liabilities", "Long Term Liability", "LongTermLiabilities", -1)
        total = report.add(current_total, long_term)
        return report.section("Liabilities", rows, total, group="Liabilities"), total

    def _equity(self) -> tuple[dict[str, Any], Cells]:
        rows: list[dict[str, Any]] = []
        total: Cells = [None] * self._width
        for id_ in self._children[""]:
            account = self._accounts[id_]
            if account.get("AccountType") != "Equity":
                continue
            amounts = self._amounts(id_, -1)
            if account.get("AccountSubType") == "RetainedEarnings":
                amounts = report.add(amounts, self._profit(lambda year: ("", f"{int(year) - 1:04d}-12-31")))
            if any(worth is not None for worth in amounts):
                rows.append(report.data(str(account["Name"]), amounts, id_=id_))
                total = report.add(total, amounts)
        profit = self._profit(lambda year: (f"{year}-01-01", "9999-12-31"))
        rows.append(report.data("Net Income", profit, group="NetIncome"))
        total = report.add(total, profit)
        return report.section("Equity", rows, total, group="Equity"), total

    def _profit(self, window: Callable[[str], tuple[str, str]]) -> Cells:
        """Profit up to the end of each column, within the part of time that `window` gives for its year."""
        found: Cells = []
        for period in self._asked.periods:
            first, last = window(period.last[:4])
            kept = [id_ for id_, account in self._accounts.items() if account.get("AccountType") in PROFIT]
            sums = [self._ledger.moved(id_, first, min(last, period.last)) for id_ in kept]
            known = [worth for worth in sums if worth is not None]
            found.append(-sum(known) if known else None)
        return found

    def _group(self, rows: list[dict[str, Any]], title: str, kind: str, group: str, sign: int) -> Cells:
        """Append the section of an account type, if anything is in it, and return its total."""
        inner: list[dict[str, Any]] = []
        total: Cells = [None] * self._width
        for id_ in self._children[""]:
            if self._accounts[id_].get("AccountType") == kind:
                total = report.add(total, self._tree(inner, id_, sign))
        if inner:
            self.empty = False
            rows.append(report.section(title, inner, total, group=group))
        return total

    def _tree(self, rows: list[dict[str, Any]], id_: str, sign: int) -> Cells:
        own = self._amounts(id_, sign)
        inner: list[dict[str, Any]] = []
        total = own
        for child in self._children[id_]:
            total = report.add(total, self._tree(inner, child, sign))
        name = str(self._accounts[id_].get("Name"))
        if inner:
            rows.append(report.section(name, inner, total, id_=id_, own=own))
        elif any(worth is not None for worth in own):
            rows.append(report.data(name, own, id_=id_))
        return total

    @property
    def _width(self) -> int:
        return len(self._asked.periods) + (1 if self._asked.by_month and not self._balance else 0)

    def _amounts(self, id_: str, sign: int) -> Cells:
        spans = [("" if self._balance else period.first, period.last) for period in self._asked.periods]
        if self._asked.by_month and not self._balance:
            spans.append((self._asked.first, self._asked.last))
        moved = [self._ledger.moved(id_, first, last) for first, last in spans]
        return [None if worth is None else sign * worth for worth in moved]


def _negative(row: Cells) -> Cells:
    return [None if worth is None else -worth for worth in row]
