"""GeneralLedger: every posting, account by account, with the balance that runs along."""

from typing import Any

from sandbox.providers.quickbooks import report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.chart import DEBIT_SIDE
from sandbox.providers.quickbooks.ledger import Entry
from sandbox.providers.quickbooks.sheet import Asked

#: title, type, key
_COLUMNS = (
    ("Date", "Date", "tx_date"),
    ("Transaction Type", "String", "txn_type"),
    ("Num", "String", "doc_num"),
    ("Name", "String", "name"),
    ("Memo/Description", "String", "memo"),
    ("Split", "String", "split_acc"),
    ("Amount", "Money", "subt_nat_amount"),
    ("Balance", "Money", "rbal_nat_amount"),
)


def general_ledger(books: Books, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return columns and rows; amounts grow with the account's own side, as QuickBooks prints them."""
    by_account: dict[str, list[Entry]] = {}
    for entry in books.entries():
        if entry.date <= asked.last:
            by_account.setdefault(entry.account, []).append(entry)
    rows = []
    for account in books.tables["Account"].records():
        found = by_account.get(str(account["Id"]), [])
        if any(entry.date >= asked.first for entry in found):
            sign = 1 if account.get("Classification") in DEBIT_SIDE else -1
            rows.append(_section(account, found, sign, asked.first))
    columns = [
        {"ColTitle": title, "ColType": kind, "MetaData": [{"Name": "ColKey", "Value": key}]}
        for title, kind, key in _COLUMNS
    ]
    return {"Column": columns}, rows


def _section(account: dict[str, Any], found: list[Entry], sign: int, first: str) -> dict[str, Any]:
    balance = sign * sum(entry.cents for entry in found if entry.date < first)
    rows = [_cells("Beginning Balance", balance=balance)] if balance else []
    total = 0
    for entry in found:
        if entry.date >= first:
            total += sign * entry.cents
            balance += sign * entry.cents
            rows.append(_posting(entry, sign * entry.cents, balance))
    name = str(account.get("Name"))
    head = _cells(name)["ColData"]
    head[0]["id"] = str(account["Id"])
    return {
        "Header": {"ColData": head},
        "Rows": {"Row": rows},
        "Summary": {"ColData": _cells(f"Total for {name}", amount=total)["ColData"]},
        "type": "Section",
    }


def _posting(entry: Entry, worth: int, balance: int) -> dict[str, Any]:
    row = _cells(entry.date, amount=worth, balance=balance)
    cells = row["ColData"]
    cells[1] = {"value": entry.kind, "id": entry.id}
    cells[2] = {"value": entry.number}
    if entry.who:
        cells[3] = {"value": str(entry.who.get("name", "")), "id": str(entry.who.get("value", ""))}
    return row


def _cells(first: str, *, amount: int | None = None, balance: int | None = None) -> dict[str, Any]:
    texts = [first, "", "", "", "", "", report.money(amount), report.money(balance)]
    return {"ColData": [{"value": text} for text in texts], "type": "Data"}
