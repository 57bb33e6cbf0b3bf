"""Generates Temerity Goods' books: two years of business, the same bytes for the same seed, size and date."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sandbox.providers import catalogue
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.chart import CHART, CLASSIFICATION, INCOME
from sandbox.providers.quickbooks.documents import DOCUMENTS, Documents
from sandbox.providers.quickbooks.lists import small_lists, time_activity
from sandbox.providers.quickbooks.make import USD, Maker
from sandbox.providers.quickbooks.values import Record, amount, cents, ref, referred
from storage.facts.clock import Clock, aware

#: How far back the books go.
HISTORY = timedelta(days=730)
#: The first id of a transaction; names count from 1 per list, transactions share one sequence.
FIRST_TRANSACTION = 101

#: document -> what pays it
_PAID_BY = {"Invoice": "Payment", "Bill": "BillPayment"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much business to generate."""

    invoices: int = 200
    customers: int = 24
    bills: int = 40
    journal_entries: int = 24
    #: part of the invoices that was paid, fully or in part
    paid: float = 0.7
    #: of each other kind of document: receipts, credits, transfers …
    documents: int = 0

    @classmethod
    def of(cls, invoices: int, documents: int = 0) -> "Size":
        """Return the usual proportions around a number of invoices."""
        counts = (max(12, invoices // 12), max(8, invoices // 5), max(12, invoices // 25))
        return cls(invoices, *counts, documents=documents)


@dataclass(frozen=True, slots=True)
class _Event:
    at: int
    kind: str
    #: which invoice or bill a payment is for, or the how-manieth of its kind
    which: int


def generate(
    seed: int, size: Size, *, as_of: datetime, clock: Clock, zone: str = catalogue.ZONE,
    company: str = catalogue.COMPANY,
) -> Books:  # fmt: skip
    """Return the books of a company that has been in business for two years up to `as_of`."""
    books = Books(company, zone=ZoneInfo(zone), clock=clock)
    end = int(aware(as_of).timestamp())
    maker = Maker(Random(seed), books.zone)
    _Founding(books, maker, end - int(HISTORY.total_seconds())).found(size.customers)
    _Business(books, maker, end).run(size)
    _file_documents(books, maker, f"{seed}/documents", end, size.documents)
    books.settle(end)
    return books


def _file_documents(books: Books, maker: Maker, seed: str, end: int, count: int) -> None:
    """Add so many documents of each kind, drawn from a source of their own, in the last months."""
    lying = [payment for payment in books.tables["Payment"].records() if _lies(payment, maker)]
    documents = Documents(replace(maker, random=Random(seed)), lying)
    if count:
        for kind, records in small_lists(maker, end).items():
            books.fill(kind, records)
        books.fill(
            "TimeActivity", [time_activity(maker, books.next_id(), end - 86_400 * (n + 1)) for n in range(count)]
        )
    for number in range(count):
        for place, kind in enumerate(DOCUMENTS):
            created = end - 3600 * (1 + place) - 86_400 * 5 * (count - number)
            books.fill(kind, [documents.make(kind, books.next_id(), created)])


def _lies(payment: Record, maker: Maker) -> bool:
    return referred(payment, "DepositToAccountRef") == maker.accounts["Undeposited Funds"]


@dataclass
class _Founding:
    books: Books
    maker: Maker
    start: int

    def found(self, customers: int) -> None:
        self._accounts()
        self._items()
        taken: set[str] = set()
        for number in range(1, customers + 1):
            created = self.start + number * 977 % 40_000_000
            self.maker.customers.append(self.maker.customer(str(number), created, taken))
        for number, (name, *_) in enumerate(catalogue.VENDORS, 1):
            self.maker.vendors.append(self.maker.vendor(str(number), self.start + number * 3607, name))
        self.books.fill("Customer", self.maker.customers)
        self.books.fill("Vendor", self.maker.vendors)
        self.books.company = {
            "CompanyName": self.books.name,
            "LegalName": f"{self.books.name.removesuffix(' LLC')} LLC",
            "CompanyAddr": {"Id": "1", "Line1": "1180 Foundry Way", "City": "Oakland", "Country": "USA"}
            | {"CountrySubDivisionCode": "CA", "PostalCode": "94607"},
            "PrimaryPhone": {"FreeFormNumber": "(555) 010-4400"},
            "CompanyStartDate": self.maker.base("1", self.start, self.start)["MetaData"]["CreateTime"][:10],
            "FiscalYearStartMonth": "January",
            "Country": "US",
            "Email": {"Address": "finance@temeritygoods.example"},
            "WebAddr": {"URI": "https://temeritygoods.example"},
            "SupportedLanguages": "en",
            "NameValue": [
                {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
                {"Name": "SubscriptionStatus", "Value": "SUBSCRIBED"},
            ],
            **self.maker.base("1", self.start, self.start, 4),
        }

    def _accounts(self) -> None:
        ids = {line.name: str(number) for number, line in enumerate(CHART, 1)}
        self.maker.accounts = ids
        for line in CHART:
            parent = {"ParentRef": ref(ids[line.parent])} if line.parent else {}
            record = {
                "Name": line.name,
                "SubAccount": line.parent is not None,
                **parent,
                "FullyQualifiedName": f"{line.parent}:{line.name}" if line.parent else line.name,
                "Active": True,
                "Classification": CLASSIFICATION[line.type],
                "AccountType": line.type,
                "AccountSubType": line.subtype,
                "CurrentBalance": amount(0),
                "CurrentBalanceWithSubAccounts": amount(0),
                "CurrencyRef": USD,
                **self.maker.base(ids[line.name], self.start, self.start),
            }
            self.books.fill("Account", [record])

    def _items(self) -> None:
        items: list[Record] = []
        for product in catalogue.PRODUCTS:
            for option in product.options:
                items.append(self._item(str(len(items) + 1), product, option))
        self.maker.items = items
        self.books.fill("Item", items)

    def _item(self, id_: str, product: catalogue.Product, option: str) -> Record:
        name = f"{product.name} - {option}".replace(":", " ")
        return {
            "Name": name,
            "Sku": f"{product.sku}-{option.upper().replace(' ', '')[:6]}",
            "Description": f"{product.name}, {product.option.lower()} {option}, {product.category.lower()} collection",
            "Active": True,
            "FullyQualifiedName": name,
            "Taxable": product.category != "Home",
            "UnitPrice": amount(product.price),
            "Type": "NonInventory",
            "IncomeAccountRef": self.maker.account(INCOME[product.category]),
            "PurchaseCost": amount(product.cost),
            "ExpenseAccountRef": self.maker.account("Cost of Goods Sold"),
            "TrackQtyOnHand": False,
            **self.maker.base(id_, self.start, self.start + int(id_) * 61),
        }


@dataclass
class _Business:
    books: Books
    maker: Maker
    end: int

    def run(self, size: Size) -> None:
        """Let everything happen in order of time, so that ids grow with it."""
        start = self.end - int(HISTORY.total_seconds()) + 86_400
        events = self._documents(start, size)
        ids = {(event.kind, event.which): str(FIRST_TRANSACTION + place) for place, event in enumerate(events)}
        made: dict[tuple[str, int], Record] = {}
        number = 1000
        for event in events:
            id_ = ids[event.kind, event.which]
            match event.kind:
                case "Invoice":
                    number += 1
                    customer = self.maker.customers[int(self.maker.random.random() * len(self.maker.customers))]
                    record = self.maker.invoice(id_, number, event.at, customer)
                case "Bill":
                    record = self.maker.bill(id_, event.at, event.which)
                case "Payment":
                    record = self._pay(id_, event.at, made.pop(("Invoice", event.which)))
                case "BillPayment":
                    record = self._settle_bill(id_, event.at, made.pop(("Bill", event.which)))
                case _:
                    record = self._entry(id_, event)
            if (_PAID_BY.get(event.kind, ""), event.which) in ids:
                made[event.kind, event.which] = record
            else:
                self.books.fill(event.kind, [record])
        self.books.sequence = FIRST_TRANSACTION + len(events)
        self.books.last_number = number

    def _documents(self, start: int, size: Size) -> list[_Event]:
        draw = self.maker.random.random
        span = self.end - start
        events = [_Event(start, "JournalEntry", -1)]
        for kind, pay, count, paid in (
            ("Invoice", "Payment", size.invoices, size.paid),
            ("Bill", "BillPayment", size.bills, 0.75),
        ):
            for which in range(count):
                at = start + 60 + int(draw() * span * 0.9999)
                events.append(_Event(at, kind, which))
                later = at + 3 * 86_400 + int(draw() * 40 * 86_400)
                if draw() < paid and later < self.end:
                    events.append(_Event(later, pay, which))
        step = span // max(1, size.journal_entries)
        events += [_Event(start + 120 + step * which, "JournalEntry", which) for which in range(size.journal_entries)]
        return sorted(events, key=lambda event: (event.at, event.kind, event.which))

    def _entry(self, id_: str, event: _Event) -> Record:
        if event.which >= 0:
            return self.maker.monthly_entry(id_, event.at, event.which)
        opening = (
            ("Checking", 8_500_000),
            ("Savings", 2_000_000),
            ("Inventory Asset", 9_400_000),
            ("Original Cost", 3_600_000),
            ("Term Loan", -6_000_000),
            ("Opening Balance Equity", -17_500_000),
        )
        return self.maker.journal_entry(id_, event.at, "Opening balances", opening)

    def _pay(self, id_: str, at: int, invoice: Record) -> Record:
        due = cents(invoice["TotalAmt"])
        paid = due // 2 if self.maker.random.random() < 0.05 else due
        payment = self.maker.payment(id_, at, invoice, paid)
        _settled(invoice, payment, "Payment", due - paid)
        self.books.fill("Invoice", [invoice])
        return payment

    def _settle_bill(self, id_: str, at: int, bill: Record) -> Record:
        payment = self.maker.bill_payment(id_, at, bill)
        _settled(bill, payment, "BillPaymentCheck", 0)
        self.books.fill("Bill", [bill])
        return payment


def _settled(document: Record, payment: Record, kind: str, rest: int) -> None:
    document["Balance"] = amount(rest)
    document["LinkedTxn"] = [{"TxnId": payment["Id"], "TxnType": kind}]
    document["SyncToken"] = "1"
    document["MetaData"]["LastUpdatedTime"] = payment["MetaData"]["CreateTime"]
