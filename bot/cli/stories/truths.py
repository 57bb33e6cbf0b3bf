"""What the stand-ins hold, stream by stream, in the form in which it is compared with the warehouse.

Called among the stand-ins, in their thread. Records are told as the stand-ins tell them; reports are the stand-ins' own
answers, read in another way than the connector's.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from bot.cli.equality import Row, value
from connectors.amazon import inventory as amazon_stock
from connectors.amazon.connector import MARKETPLACES
from connectors.amazon.orders import ORDERS as AMAZON_ORDERS
from connectors.amazon.returns import RETURNS
from connectors.amazon.settlements import LINES, SETTLEMENTS
from connectors.amazon.traffic import AGAIN, FIRST, TRAFFIC
from connectors.amazon.transactions import TRANSACTIONS
from connectors.quickbooks import rates
from connectors.quickbooks.reports import DAILY_REPORTS, REPORTS, Report
from connectors.quickbooks.statements import ENTITIES
from connectors.shapes import Shape
from connectors.shopify import shapes
from sandbox.providers.amazon import Amazon
from sandbox.providers.netsuite import NetSuite
from sandbox.providers.quickbooks import statements
from sandbox.providers.quickbooks.books import Books
from sandbox.providers.quickbooks.chart import DEBIT_SIDE
from sandbox.providers.shopify.store import Store


@dataclass(frozen=True)
class Records:
    """A stream of records with keys and lines."""

    shape: Shape
    truth: list[Any]
    #: further condition for the rows that are compared
    where: str = "TRUE"

    @property
    def stream(self) -> str:
        """Its name."""
        return self.shape.name


@dataclass(frozen=True)
class Rows:
    """A stream whose rows have no key of the provider's: so many of each are there."""

    stream: str
    columns: tuple[str, ...]
    truth: list[tuple[Any, ...]]
    where: str = "TRUE"


@dataclass
class Account:
    """The NetSuite account that delivers, and what it delivered."""

    netsuite: NetSuite
    paths: list[str] = field(default_factory=list)


def quickbooks(books: Books, until: datetime, *, daily: bool) -> Iterator[Records | Rows]:
    """Yield every stream; `daily` with the reports that are read from the second collection on."""
    for entity in ENTITIES:
        yield Records(entity.shape, books.truth(entity.name))
    yield Records(rates.SHAPE, [one | {"Id": f"{one['SourceCurrencyCode']} {one['AsOfDate']}"} for one in books.rates])
    for report in (*REPORTS, *(DAILY_REPORTS if daily else ())):
        yield _report(books, report, until)
    if daily:
        yield _ledger(books, date(until.year - 1, 1, 1))


def _report(books: Books, report: Report, until: datetime) -> Rows:
    answer = json.loads(statements.answer(books, report.name, report.asked(until)))
    head, columns = answer["Header"], answer["Columns"]["Column"]
    periods = []
    for column in columns:
        said = {item["Name"]: item["Value"] for item in column.get("MetaData", ())}
        days = (said.get("StartDate") or head.get("StartPeriod"), said.get("EndDate") or head.get("EndPeriod"))
        periods.append(tuple(None if day is None else date.fromisoformat(day) for day in days))
    truth = [
        (
            " > ".join(path),
            kind,
            cells[0].get("id"),
            *periods[number],
            Decimal(cell["value"]) if cell["value"] else None,
        )
        for path, kind, cells in _tree(answer["Rows"].get("Row", ()), ())
        for number, cell in enumerate(cells)
        if number and (cell["value"] or kind != "header")
    ]
    return Rows(report.stream.name, ("path", "row_kind", "account_id", "period_start", "period_end", "amount"), truth)


def _tree(rows: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for row in rows:
        if "ColData" in row:
            yield (*path, row["ColData"][0]["value"]), "data", row["ColData"]
            continue
        ends = [(kind, row[kind.title()]["ColData"]) for kind in ("header", "summary") if kind.title() in row]
        here = (*path, ends[0][1][0]["value"] if ends else "")
        yield from ((here, kind, cells) for kind, cells in ends)
        yield from _tree(row.get("Rows", {}).get("Row", ()), here)


def _ledger(books: Books, since: date) -> Rows:
    signs = {one["Id"]: 1 if one.get("Classification") in DEBIT_SIDE else -1 for one in books.truth("Account")}
    truth = [
        (one.kind, one.id, one.account, date.fromisoformat(one.date), Decimal(signs[one.account] * one.cents) / 100,
         one.class_id or None, one.department_id or None, one.customer_id or None)
        for one in books.entries()
        if one.date >= since.isoformat()
    ]  # fmt: skip
    columns = ("txn_type", "txn_id", "account_id", "txn_date", "amount", "class_id", "department_id", "customer_id")
    return Rows("general_ledger", columns, truth, "row_kind = 'data'")


def shopify(store: Store) -> Iterator[Records | Rows]:
    """Yield every stream."""
    yield Records(shapes.ORDERS, store.truth("Order"))
    yield Records(shapes.PRODUCTS, _products(store))
    yield Records(shapes.CUSTOMERS, store.truth("Customer"))
    yield Records(shapes.INVENTORY, [_stocked(item) for item in store.truth("InventoryItem")])
    yield Records(shapes.LOCATIONS, store.truth("Location"))
    yield Records(shapes.PAYOUTS, store.truth("ShopifyPaymentsPayout"))
    yield Records(shapes.BALANCE_TRANSACTIONS, store.truth("ShopifyPaymentsBalanceTransaction"))
    yield Records(shapes.DRAFT_ORDERS, store.truth("DraftOrder"))
    yield Records(shapes.CHECKOUTS, store.truth("AbandonedCheckout"))
    yield Records(shapes.DISCOUNTS, store.truth("DiscountNode"))


def _products(store: Store) -> list[Any]:
    items = {item["id"]: item for item in store.truth("InventoryItem")}
    variants: dict[str, list[Any]] = {}
    for one in sorted(store.truth("ProductVariant"), key=lambda each: each["position"]):
        item = items[value(one, "inventoryItem.id")]
        variants.setdefault(one["product"], []).append(one | {"inventoryItem": item})
    return [product | {"variants": variants.get(product["id"], [])} for product in store.truth("Product")]


def _stocked(item: Mapping[str, Any]) -> Row:
    return {**item, "inventoryLevels": [_level(level) for level in item["inventoryLevels"]]}


def _level(level: Mapping[str, Any]) -> Row:
    counts = {name: [{"quantity": count}] for name, count in level["quantities"].items()}
    return {**level, **counts, "onHand": counts["on_hand"]}


def amazon(app: Amazon, seller: str, until: datetime, *, again: bool) -> Iterator[Records | Rows]:
    """Yield every stream; of sales and traffic the days that are asked for, at first or, later, `again`."""
    for shape in (MARKETPLACES, AMAZON_ORDERS, SETTLEMENTS, LINES, TRANSACTIONS, amazon_stock.INVENTORY, RETURNS):
        yield Records(shape, _of_seller(app, seller, shape))
    first = (until - (AGAIN if again else FIRST)).date().isoformat()
    days = [day for day in _of_seller(app, seller, TRAFFIC) if day["date"] > first]
    yield Records(TRAFFIC, days, f"date > DATE '{first}'")


def _of_seller(app: Amazon, seller: str, shape: Shape) -> list[Any]:
    found: list[Any] = msgspec.json.decode(app.truth(seller, shape.name))
    return found


def netsuite(account: Account) -> Iterator[Records | Rows]:
    """Yield every stream: the account's lines by their meaning and as any saved search, and the files."""
    columns = ("line_id", "transaction_id", "txn_date", "account", "memo", "debit", "credit", "amount")
    lines = account.netsuite.lines
    yield Rows("transaction_lines", columns, [_line(key, line) for key, line in lines.items()])
    yield Rows("rows", ("row_date", "amount"), [(line["txn_date"], line["amount"]) for line in lines.values()])
    yield Rows("files", ("path",), [(path,) for path in account.paths])


def _line(key: str, line: Mapping[str, Any]) -> tuple[Any, ...]:
    amount: Decimal = line["amount"]
    sides = (amount, None) if amount >= 0 else (None, -amount)
    told = (key, line["transaction_id"], line["txn_date"], line["account"], line["memo"] or None)
    return (*told, *sides, amount)
