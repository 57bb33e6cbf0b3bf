"""What the far side of the exchange holds, read as Inventiv would read it, against the books in QuickBooks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.exchange.distributor import Distributor
from sandbox.providers.quickbooks import Books

#: file -> the entity of QuickBooks that it is made of, and the column of its key
FILES: Mapping[str, tuple[str, str]] = {
    "customer.fil": ("Customer", "CUST_NO"),
    "item.fil": ("Item", "ITEM_NO"),
    "vendor.fil": ("Vendor", "VENDOR_NO"),
    "salesrep.fil": ("Employee", "REP_CODE"),
    "invoice.fil": ("Invoice", "TXN_ID"),
}
Rows = list[dict[str, str]]


def rows_of(body: bytes) -> Rows:
    """Read a file as the far side does: a line of names, then lines of values, between tabs."""
    lines = body.decode("utf-8").split("\r\n")
    assert lines.pop() == "", "the last line has no end"
    names, *rest = (line.split("\t") for line in lines)
    return [dict(zip(names, values, strict=True)) for values in rest]


def far_side(distributor: Distributor, account: str) -> dict[str, Rows]:
    """Return what lies in an account's folder, by file."""
    return {name: rows_of(body) for name, body in distributor.files(account).items()}


def wrong(found: Mapping[str, Rows], books: Books) -> list[str]:
    """Return where a night's five files are not what the books say, each in a sentence."""
    problems = [f"{name} is not there" for name in FILES if name not in found]
    problems += [f"{name} is no file of the exchange" for name in found if name not in FILES]
    for name in set(FILES) & set(found):
        problems += _wrong_of(name, found[name], books)
    return problems


def _wrong_of(name: str, rows: Rows, books: Books) -> list[str]:
    entity, key = FILES[name]
    wanted = {_key(entity, one): one for one in _truth(entity, books)}
    there = {row[key] for row in rows}
    problems = [f"{name}: {one} is missing" for one in sorted(set(wanted) - there)]
    problems += [f"{name}: {one} is not in QuickBooks" for one in sorted(there - set(wanted))]
    for row in rows:
        if (record := wanted.get(row[key])) is not None:
            problems += _differs(name, entity, row, record)
    if entity == "Invoice":
        problems += _totals(rows, wanted)
    return problems


def _truth(entity: str, books: Books) -> Sequence[Mapping[str, Any]]:
    found = books.truth(entity)
    if entity == "Employee":
        return [one for one in found if one.get("Active", True)]
    return [one for one in found if one.get("Type") != "Category"] if entity == "Item" else found


def _key(entity: str, record: Mapping[str, Any]) -> str:
    return str(record.get("Sku") or record["Id"]) if entity == "Item" else str(record["Id"])


def _differs(name: str, entity: str, row: Mapping[str, str], record: Mapping[str, Any]) -> list[str]:
    if entity == "Invoice":
        return []
    called = record.get("DisplayName") or record.get("Name") or ""
    same = row["NAME"] == str(called) and row["ACTIVE"] == ("Y" if record.get("Active", True) else "N")
    return [] if same else [f"{name}: {record['Id']} is {row['NAME']}, {row['ACTIVE']}, and not {called}"]


def _totals(rows: Rows, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare what the lines of each invoice come to with what QuickBooks calls its total."""
    problems = []
    for number, record in wanted.items():
        lines = [row for row in rows if row["TXN_ID"] == number and row["LINE_NO"]]
        if not lines:
            continue
        head = lines[0]
        worth = sum((Decimal(row["AMOUNT"] or "0") for row in lines), Decimal(0))
        worth += Decimal(head["TAX_TOTAL"] or "0") - Decimal(head["DISC_AMT"] or "0")
        if worth != Decimal(str(record["TotalAmt"])):
            problems.append(f"invoice.fil: {number} comes to {worth}, and QuickBooks says {record['TotalAmt']}")
    return problems
