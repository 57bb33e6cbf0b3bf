"""AgedReceivables and AgedPayables: what is open, by how long it is overdue."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sandbox.providers.quickbooks import report
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.faults import Refusal
from sandbox.providers.quickbooks.values import Record, cents, referred

#: report -> who, the reference to them, documents that are owed and documents that lower it
SIDES = {
    "AgedReceivables": ("Customer", "CustomerRef", "Invoice", "CreditMemo"),
    "AgedPayables": ("Vendor", "VendorRef", "Bill", "VendorCredit"),
}
#: title, key
_COLUMNS = (
    ("Current", "current"), ("1 - 30", "0"), ("31 - 60", "1"), ("61 - 90", "2"), ("91 and over", "3"),
    ("Total", "total"),
)  # fmt: skip


def aged(
    books: Books, name: str, parameters: Mapping[str, str], today: date
) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """Return columns, rows and the day of a report; raises Refusal."""
    text = parameters.get("report_date", today.isoformat())
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal.query(f"Invalid date for report_date: {text}") from None
    who, reference, owed, lowered = SIDES[name]
    open_: dict[str, list[int]] = defaultdict(lambda: [0] * len(_COLUMNS))
    total = [0] * len(_COLUMNS)
    for entity, sign in ((owed, 1), (lowered, -1)):
        for record in books.tables[entity].records():
            worth = sign * cents(record.get("Balance"))
            if worth and str(record.get("TxnDate", "")) <= day.isoformat():
                for cells in (open_[referred(record, reference)], total):
                    cells[_bucket(record, day)] += worth
                    cells[-1] += worth
    rows = [_row(books.tables[who].get(id_), id_, cells) for id_, cells in sorted(open_.items()) if any(cells)]
    if rows:
        rows.append(report.line("TOTAL", list(total), "GrandTotal"))
    money = [
        {"ColTitle": title, "ColType": "Money", "MetaData": [{"Name": "ColKey", "Value": key}]}
        for title, key in _COLUMNS
    ]
    return {"Column": [{"ColTitle": "", "ColType": who}, *money]}, rows, day.isoformat()


def _bucket(record: Record, day: date) -> int:
    late = (day - date.fromisoformat(str(record.get("DueDate") or record.get("TxnDate")))).days
    return 0 if late <= 0 else min(4, 1 + (late - 1) // 30)


def _row(person: Record | None, id_: str, cells: list[int]) -> dict[str, Any]:
    name = str(person.get("DisplayName")) if person else id_
    return report.cells(name, [worth or None for worth in cells], id_=id_)
