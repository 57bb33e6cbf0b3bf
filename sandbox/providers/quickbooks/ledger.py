"""The double entry behind each transaction, and what it adds up to per account and day."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sandbox.providers.quickbooks.values import Record, cents, referred

#: account id and cents; debits are positive
Posting = tuple[str, int]
#: the same with what the document's line, or all of the document where it is of no line, says beside it
Line = tuple[str, int, Record]


@dataclass(frozen=True, slots=True)
class KeyAccounts:
    """The accounts that transactions post to without naming them."""

    receivable: str
    payable: str
    sales_tax: str
    undeposited: str
    discounts: str

    @classmethod
    def among(cls, accounts: Iterable[Record]) -> "KeyAccounts":
        """Find them in a chart by type and subtype; '' where the chart has none."""
        found: dict[str, str] = {}
        for account in accounts:
            for key in (account.get("AccountType"), account.get("AccountSubType")):
                found.setdefault(str(key), str(account["Id"]))
        return cls(
            receivable=found.get("Accounts Receivable", ""),
            payable=found.get("Accounts Payable", ""),
            sales_tax=found.get("SalesTaxPayable", ""),
            undeposited=found.get("UndepositedFunds", ""),
            discounts=found.get("DiscountsRefundsGiven", ""),
        )


def postings(entity: str, record: Record, key: KeyAccounts) -> list[Posting]:
    """Return the entry behind a transaction; debits and credits of a generated one add up to nothing."""
    return [(account, worth) for account, worth, _ in _lines(entity, record, key)]


def _lines(entity: str, record: Record, key: KeyAccounts) -> list[Line]:
    entry = _ENTRIES.get(entity)
    return entry(record, key) if entry else []


def _invoice(record: Record, key: KeyAccounts) -> list[Line]:
    return [(key.receivable, cents(record.get("TotalAmt")), {}), *_sale(record, key)]


def _payment(record: Record, key: KeyAccounts) -> list[Line]:
    paid = cents(record.get("TotalAmt"))
    return [(referred(record, "DepositToAccountRef") or key.undeposited, paid, {}), (key.receivable, -paid, {})]


def _bill(record: Record, key: KeyAccounts) -> list[Line]:
    payable = referred(record, "APAccountRef") or key.payable
    return [(payable, -cents(record.get("TotalAmt")), {}), *_purchase(record)]


def _bill_payment(record: Record, key: KeyAccounts) -> list[Line]:
    paid = cents(record.get("TotalAmt"))
    return [(key.payable, paid, {}), (referred(record.get("CheckPayment", {}), "BankAccountRef"), -paid, {})]


def _journal_entry(record: Record, _key: KeyAccounts) -> list[Line]:
    return [_journal_line(line) for line in record.get("Line", ()) if "JournalEntryLineDetail" in line]


def _receipt(record: Record, key: KeyAccounts) -> list[Line]:
    account = referred(record, "DepositToAccountRef") or key.undeposited
    return [(account, cents(record.get("TotalAmt")), {}), *_sale(record, key)]


def _refund(record: Record, key: KeyAccounts) -> list[Line]:
    return _turned(_receipt(record, key))


def _credit_memo(record: Record, key: KeyAccounts) -> list[Line]:
    return _turned(_invoice(record, key))


def _vendor_credit(record: Record, key: KeyAccounts) -> list[Line]:
    return _turned(_bill(record, key))


def _spent(record: Record, _key: KeyAccounts) -> list[Line]:
    entry = [(referred(record, "AccountRef"), -cents(record.get("TotalAmt")), {}), *_purchase(record)]
    return _turned(entry) if record.get("Credit") else entry


def _deposit(record: Record, key: KeyAccounts) -> list[Line]:
    lines: list[Line] = []
    for line in record.get("Line", ()):
        detail = line.get("DepositLineDetail", {})
        lines.append((referred(detail, "AccountRef") or key.undeposited, -cents(line.get("Amount")), detail))
    return [(referred(record, "DepositToAccountRef"), cents(record.get("TotalAmt")), {}), *lines]


def _transfer(record: Record, _key: KeyAccounts) -> list[Line]:
    moved = cents(record.get("Amount"))
    return [(referred(record, "FromAccountRef"), -moved, {}), (referred(record, "ToAccountRef"), moved, {})]


_ENTRIES: dict[str, Callable[[Record, KeyAccounts], list[Line]]] = {
    "Invoice": _invoice,
    "Payment": _payment,
    "Bill": _bill,
    "BillPayment": _bill_payment,
    "JournalEntry": _journal_entry,
    "SalesReceipt": _receipt,
    "RefundReceipt": _refund,
    "CreditMemo": _credit_memo,
    "VendorCredit": _vendor_credit,
    "Purchase": _spent,
    "Deposit": _deposit,
    "Transfer": _transfer,
}
#: Entities that post to the ledger.
TRANSACTIONS = tuple(_ENTRIES)
#: those that are money at once, and so the same on both bases
_AT_ONCE = ("JournalEntry", "SalesReceipt", "RefundReceipt", "Purchase", "Deposit", "Transfer")


def _turned(entry: list[Line]) -> list[Line]:
    return [(account, -worth, line) for account, worth, line in entry]


def _sale(record: Record, key: KeyAccounts) -> list[Line]:
    found: list[Line] = []
    # Where classes are of whole transactions, they are of what was sold, and not of what is owed for it.
    whole = {"ClassRef": record["ClassRef"]} if "ClassRef" in record else {}
    for line in record.get("Line", ()):
        if "SalesItemLineDetail" in line:
            detail = line["SalesItemLineDetail"]
            found.append((referred(detail, "ItemAccountRef"), -cents(line.get("Amount")), whole | detail))
        elif "DiscountLineDetail" in line:
            detail = line["DiscountLineDetail"]
            account = referred(detail, "DiscountAccountRef") or key.discounts
            found.append((account, cents(line.get("Amount")), whole | detail))
    tax = cents(record.get("TxnTaxDetail", {}).get("TotalTax"))
    return [*found, (key.sales_tax, -tax, {})] if tax else found


def _purchase(record: Record) -> list[Line]:
    details = (
        (line["AccountBasedExpenseLineDetail"], line)
        for line in record.get("Line", ())
        if "AccountBasedExpenseLineDetail" in line
    )
    return [(referred(detail, "AccountRef"), cents(line.get("Amount")), detail) for detail, line in details]


def _journal_line(line: Record) -> Line:
    detail = line["JournalEntryLineDetail"]
    sign = 1 if detail.get("PostingType") == "Debit" else -1
    return referred(detail, "AccountRef"), sign * cents(line.get("Amount")), detail


@dataclass
class Ledger:
    """Cents per account and day, debits positive, on one basis."""

    days: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, date: str, entry: Iterable[Posting], sign: int = 1) -> None:
        """Post an entry, or with sign -1 take it back."""
        for account, worth in entry:
            self.days[account][date] += sign * worth

    def moved(self, account: str, first: str, last: str) -> int | None:
        """Sum of an account from one day to another, both included; None if nothing was posted."""
        found = [worth for date, worth in self.days.get(account, {}).items() if first <= date <= last and worth]
        return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting of a transaction."""

    date: str
    account: str
    #: debits are positive
    cents: int
    kind: str
    id: str
    number: str
    who: Record
    #: ids; empty where QuickBooks says none
    class_id: str = ""
    department_id: str = ""
    customer_id: str = ""


def entries(records: Callable[[str], Iterable[Record]], key: KeyAccounts) -> list[Entry]:
    """Return every posting at its own date, in the order of time."""
    found = []
    for entity in TRANSACTIONS:
        for record in records(entity):
            who = record.get("CustomerRef") or record.get("VendorRef") or record.get("EntityRef") or {}
            facts = (entity, str(record["Id"]), str(record.get("DocNumber", "")), who)
            date = str(record.get("TxnDate", ""))
            found += [
                Entry(date, account, worth, *facts, *_of(record, line))
                for account, worth, line in _lines(entity, record, key)
                if worth
            ]
    return sorted(found, key=lambda entry: (entry.date, entry.id))


def _of(record: Record, line: Record) -> tuple[str, str, str]:
    """Return class, department and customer of a posting: its line's own, and the last two else the document's."""
    customer = referred(line, "CustomerRef") or referred(record, "CustomerRef")
    named = line.get("Entity", {})
    if named.get("Type", named.get("type")) == "Customer":
        customer = str(named.get("EntityRef", named).get("value", ""))
    department = referred(line, "DepartmentRef") or referred(record, "DepartmentRef")
    return referred(line, "ClassRef"), department, customer


def accrual(records: Callable[[str], Iterable[Record]], key: KeyAccounts) -> Ledger:
    """Post everything at its own date."""
    ledger = Ledger()
    for entity in TRANSACTIONS:
        for record in records(entity):
            ledger.add(str(record.get("TxnDate", "")), postings(entity, record, key))
    return ledger


def cash(records: Callable[[str], Iterable[Record]], key: KeyAccounts) -> Ledger:
    """Post sales and purchases when they are paid, in proportion to what was paid; open credits not at all."""
    ledger = Ledger()
    for entity, side, holding in (("Payment", "Invoice", key.receivable), ("BillPayment", "Bill", key.payable)):
        owed = {str(record["Id"]): record for record in records(side)}
        for record in records(entity):
            date = str(record.get("TxnDate", ""))
            ledger.add(date, postings(entity, record, key))
            for line in record.get("Line", ()):
                for linked in line.get("LinkedTxn", ()):
                    document = owed.get(str(linked.get("TxnId")))
                    if document is not None and linked.get("TxnType") == side:
                        entry = postings(side, document, key)
                        ledger.add(date, _share(entry, cents(line.get("Amount")), holding))
    for entity in _AT_ONCE:
        for record in records(entity):
            ledger.add(str(record.get("TxnDate", "")), postings(entity, record, key))
    return ledger


def _share(entry: list[Posting], paid: int, holding: str) -> list[Posting]:
    """Return the part of an entry that was paid, to the cent: rounding stays with the last posting."""
    total = abs(sum(worth for account, worth in entry if account == holding))
    if not total:
        return []
    parts = [(account, worth * paid // total) for account, worth in entry]
    account, worth = parts[-1]
    return [*parts[:-1], (account, worth - sum(part for _, part in parts))]
