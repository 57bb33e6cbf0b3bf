"""The SELECT statements that are sent, and the entities they name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.past import ALWAYS, Span
from connectors.quickbooks import documents, lists, shapes
from connectors.shapes import Shape

#: QuickBooks' own cap on MAXRESULTS.
PAGE = 1000
#: Keys that one ``Id IN (…)`` asks for.
KEYS = 200


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record of QuickBooks."""

    #: QuickBooks' name: "Invoice"
    name: str
    shape: Shape
    #: inactive records of name lists are hidden unless asked for
    inactive: bool = False
    #: read whole each time: it fits a page, and its balances move with transactions of kinds that are not read
    whole: bool = False
    #: read whole once a day: it changes rarely, and no call tells changes of it
    daily: bool = False
    #: whether the one call for changes tells of it
    followed: bool = True

    @property
    def dated(self) -> bool:
        """Whether it is read by periods where it is long: it has a date of its own, and its deletions are told."""
        return self.followed and any(field.path == "TxnDate" for field in self.shape.fields)

    def _select(self, what: str, *clauses: str) -> str:
        return f"SELECT {what} FROM {self.name}{''.join(clauses)}"  # noqa: S608 - our constants, instants and quoted keys

    def _where(self, *terms: str) -> str:
        all_terms = (*(("Active IN (true, false)",) if self.inactive else ()), *terms)
        return f" WHERE {' AND '.join(all_terms)}" if all_terms else ""

    def count(self, since: datetime | None = None, span: Span = ALWAYS) -> str:
        """How many there are, in a period, or how many changed since."""
        return self._select("COUNT(*)", self._where(*_since(since), *_within(span)))

    def page(self, start: int, *, keys_only: bool = False, span: Span = ALWAYS) -> str:
        """A page of all, ordered by id: what changes meanwhile keeps its place. Small lists are asked for plainly."""
        if self.daily:
            return self._select("*", self._where(), _paging(start))
        return self._select("Id" if keys_only else "*", self._where(*_within(span)), " ORDERBY Id", _paging(start))

    def changed(self, since: datetime, start: int) -> str:
        """A page of what changed since."""
        order = " ORDERBY MetaData.LastUpdatedTime, Id"
        return self._select("*", self._where(*_since(since)), order, _paging(start))

    def some(self, keys: Iterable[str]) -> str:
        """The records of these keys."""
        listed = ", ".join(f"'{_quoted(key)}'" for key in keys)
        return self._select("*", self._where(f"Id IN ({listed})"), _paging(1))


def _since(since: datetime | None) -> tuple[str, ...]:
    return (f"MetaData.LastUpdatedTime >= '{_stamp(since)}'",) if since else ()


def _within(span: Span) -> tuple[str, ...]:
    """Return what a statement says of a period of documents' own dates."""
    first = (f"TxnDate >= '{span.start.isoformat()}'",) if span.start else ()
    return (*first, f"TxnDate < '{span.end.isoformat()}'") if span.end else first


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _paging(start: int) -> str:
    return f" STARTPOSITION {start} MAXRESULTS {PAGE}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


ENTITIES = (
    Entity("Account", shapes.ACCOUNTS, inactive=True, whole=True),
    Entity("Customer", shapes.CUSTOMERS, inactive=True),
    Entity("Vendor", shapes.VENDORS, inactive=True),
    Entity("Item", shapes.ITEMS, inactive=True),
    Entity("Invoice", shapes.INVOICES),
    Entity("Bill", shapes.BILLS),
    Entity("Payment", shapes.PAYMENTS),
    Entity("JournalEntry", shapes.JOURNAL_ENTRIES),
    Entity("SalesReceipt", documents.SALES_RECEIPTS),
    Entity("RefundReceipt", documents.REFUND_RECEIPTS),
    Entity("CreditMemo", documents.CREDIT_MEMOS),
    Entity("Purchase", documents.PURCHASES),
    Entity("Deposit", documents.DEPOSITS),
    Entity("VendorCredit", documents.VENDOR_CREDITS),
    Entity("BillPayment", documents.BILL_PAYMENTS),
    Entity("Transfer", documents.TRANSFERS),
    Entity("Estimate", documents.ESTIMATES),
    Entity("PurchaseOrder", documents.PURCHASE_ORDERS),
    Entity("Class", lists.CLASSES, inactive=True),
    Entity("Department", lists.DEPARTMENTS, inactive=True),
    Entity("Employee", lists.EMPLOYEES, inactive=True),
    Entity("PaymentMethod", lists.PAYMENT_METHODS, inactive=True),
    Entity("Term", lists.TERMS, inactive=True),
    Entity("Budget", lists.BUDGETS),
    Entity("TimeActivity", lists.TIME_ACTIVITIES, followed=False),
    Entity("CustomerType", lists.CUSTOMER_TYPES, daily=True),
    Entity("TaxAgency", lists.TAX_AGENCIES, daily=True),
    Entity("TaxCode", lists.TAX_CODES, inactive=True, daily=True),
    Entity("TaxRate", lists.TAX_RATES, inactive=True, daily=True),
    Entity("CompanyInfo", lists.COMPANY_INFO, daily=True),
    Entity("Preferences", lists.PREFERENCES, daily=True),
)
