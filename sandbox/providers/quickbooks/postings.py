"""GeneralLedger: every posting, account by account, with the balance that runs along."""

from collections.abc import Mapping
from typing import Any

from sandbox.providers.quickbooks import report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.chart import DEBIT_SIDE
from sandbox.providers.quickbooks.ledger import Entry
from sandbox.providers.quickbooks.sheet import Asked

#: title, type, key: in the order in which QuickBooks prints them, whatever the order in which they are asked for
_COLUMNS = (
    ("Date", "Date", "tx_date"),
    ("Transaction Type", "String", "txn_type"),
    ("Num", "String", "doc_num"),
    ("Name", "String", "name"),
    ("Customer", "String", "cust_name"),
    ("Class", "String", "klass_name"),
    ("Location", "String", "dept_name"),
    ("Memo/Description", "String", "memo"),
    ("Split", "String", "split_acc"),
    ("Amount", "Money", "subt_nat_amount"),
    ("Balance", "Money", "rbal_nat_amount"),
)
#: those that come without being asked for
_USUAL = frozenset(
    {"tx_date", "txn_type", "doc_num", "name", "memo", "split_acc", "subt_nat_amount", "rbal_nat_amount"}
)
#: key -> settings of the company of which one must be on for the column to be there
_TRACKED = {"klass_name": ("ClassTrackingPerTxn", "ClassTrackingPerTxnLine"), "dept_name": ("TrackDepartments",)}
#: how a report ends that is longer than QuickBooks prints
TOO_LONG = "Unable to display more data. Please reduce the date range."


def general_ledger(books: Books, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return columns and rows; amounts grow with the account's own side, as QuickBooks prints them."""
    by_account: dict[str, list[Entry]] = {}
    for entry in books.entries():
        if entry.date <= asked.last:
            by_account.setdefault(entry.account, []).append(entry)
    columns = _columns(books, asked)
    names = _Names(books, [key for _, _, key in columns])
    rows, left = [], books.most_postings
    for account in books.tables["Account"].records():
        found = by_account.get(str(account["Id"]), [])
        inside = sum(entry.date >= asked.first for entry in found)
        if inside:
            sign = 1 if account.get("Classification") in DEBIT_SIDE else -1
            rows.append(_section(account, found, sign, asked.first, names))
            left -= inside
        if left < 0:
            rows.append(names.cells({"tx_date": TOO_LONG}))
            break
    headings = [
        {"ColTitle": title, "ColType": kind, "MetaData": [{"Name": "ColKey", "Value": key}]}
        for title, kind, key in columns
    ]
    return {"Column": headings}, rows


def _columns(books: Books, asked: Asked) -> list[tuple[str, str, str]]:
    """Return the columns that are asked for and that this company has; of what else is asked nothing is said."""
    settings = next(iter(books.tables["Preferences"].records()), {}).get("AccountingInfoPrefs", {})
    wanted = set(asked.columns) or _USUAL
    off = {key for key, names in _TRACKED.items() if not any(settings.get(name) for name in names)}
    return [column for column in _COLUMNS if column[2] in wanted - off]


class _Names:
    """Writes cells under the columns that are there, with the names of what is referred to."""

    def __init__(self, books: Books, keys: list[str]) -> None:
        self._keys = keys
        self._tables = {
            key: books.tables[entity]
            for key, entity in (("klass_name", "Class"), ("dept_name", "Department"), ("cust_name", "Customer"))
        }

    def cells(self, said: Mapping[str, str | dict[str, str]]) -> dict[str, Any]:
        """Return a row of those cells; the others are empty."""
        found = (said.get(key, "") for key in self._keys)
        return {"ColData": [{"value": one} if isinstance(one, str) else one for one in found], "type": "Data"}

    def named(self, key: str, id_: str) -> str | dict[str, str]:
        """Return the cell that names something."""
        record = self._tables[key].get(id_) or {}
        return {"value": str(record.get("FullyQualifiedName", "")), "id": id_} if id_ else ""


def _section(account: dict[str, Any], found: list[Entry], sign: int, first: str, names: _Names) -> dict[str, Any]:
    balance = sign * sum(entry.cents for entry in found if entry.date < first)
    begins = {"tx_date": "Beginning Balance", "rbal_nat_amount": report.money(balance)}
    rows = [names.cells(begins)] if balance else []
    total = 0
    for entry in found:
        if entry.date >= first:
            total += sign * entry.cents
            balance += sign * entry.cents
            rows.append(names.cells(_posting(entry, sign * entry.cents, balance, names)))
    name = str(account.get("Name"))
    head = names.cells({})["ColData"]
    head[0] = {"value": name, "id": str(account["Id"])}
    foot = names.cells({"subt_nat_amount": report.money(total)})["ColData"]
    foot[0] = {"value": f"Total for {name}"}
    return {"Header": {"ColData": head}, "Rows": {"Row": rows}, "Summary": {"ColData": foot}, "type": "Section"}


def _posting(entry: Entry, worth: int, balance: int, names: _Names) -> dict[str, str | dict[str, str]]:
    who = {"value": str(entry.who.get("name", "")), "id": str(entry.who.get("value", ""))}
    return {
        "tx_date": entry.date,
        "txn_type": {"value": entry.kind, "id": entry.id},
        "doc_num": entry.number,
        "name": who if entry.who else "",
        "klass_name": names.named("klass_name", entry.class_id),
        "dept_name": names.named("dept_name", entry.department_id),
        "cust_name": names.named("cust_name", entry.customer_id),
        "subt_nat_amount": report.money(worth),
        "rbal_nat_amount": report.money(balance),
    }
