"""What an order is held against before it is sent: QuickBooks' customers, items and settings, from the lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from storage.facts.exchange_orders import Order

if TYPE_CHECKING:
    from storage.warehouse import Warehouse

#: the tables that each question reads, and the question; $1 is the source, $2 what is looked for
_CUSTOMERS = (
    ("raw_quickbooks_customers",),
    (
        "SELECT id, display_name, active, currency FROM raw_quickbooks_customers"
        " WHERE _source = $1 AND NOT _deleted AND id IN (SELECT unnest($2::VARCHAR[]))"
    ),
)
_ITEMS = (
    ("raw_quickbooks_items",),
    (
        "SELECT coalesce(nullif(sku, ''), id) AS number, id, name, active, type, unit_price FROM raw_quickbooks_items"
        " WHERE _source = $1 AND NOT _deleted AND coalesce(nullif(sku, ''), id) IN (SELECT unnest($2::VARCHAR[]))"
        " ORDER BY id"
    ),
)
_NUMBERS = (
    ("raw_quickbooks_estimates",),
    (
        "SELECT doc_number, private_note FROM raw_quickbooks_estimates"
        " WHERE _source = $1 AND NOT _deleted AND doc_number IN (SELECT unnest($2::VARCHAR[]))"
    ),
)
_SETTINGS = (
    ("raw_quickbooks_preferences",),
    (
        "SELECT book_close_date, home_currency, multi_currency FROM raw_quickbooks_preferences"
        " WHERE _source = $1 AND NOT _deleted"
    ),
)
#: the custom field that the newest invoice calls so
_REP_FIELD = (
    ("raw_quickbooks_invoice_custom_fields", "raw_quickbooks_invoices"),
    (
        "SELECT f.definition_id AS id FROM raw_quickbooks_invoice_custom_fields f JOIN raw_quickbooks_invoices i"
        " ON i._source = f._source AND i.id = f.parent_id"
        " WHERE f._source = $1 AND NOT i._deleted AND lower(trim(f.name)) = 'sales rep'"
        " GROUP BY f.definition_id ORDER BY max(i.txn_date) DESC, f.definition_id LIMIT 1"
    ),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of QuickBooks."""

    id: str
    name: str
    active: bool
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of QuickBooks."""

    id: str
    name: str
    active: bool
    type: str = ""
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BooksNow:
    """What QuickBooks had of everything that some orders name, when it was collected last."""

    #: by id, which is what PocketAdvantage calls its number
    customers: Mapping[str, Customer]
    #: by number: each item that goes by it
    items: Mapping[str, Sequence[Item]]
    #: number of an estimate -> the notes of those that have it
    numbers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: the books are closed up to this day
    closed: date | None = None
    home_currency: str = ""
    several_currencies: bool = False
    #: the custom field for the sales rep; empty: none was ever filled
    sales_rep_field: str = ""
    as_of: datetime | None = None


class Books(Protocol):
    """Looks things up for some orders at once."""

    async def look(self, orders: Sequence[Order]) -> BooksNow | None:
        """Return what there is; None where nothing was collected from QuickBooks yet."""
        ...


def looked_up(
    warehouse: "Warehouse", source_id: str, orders: Sequence[Order], as_of: datetime | None
) -> BooksNow | None:
    """Ask the lake, in a thread, from one snapshot (NoLake, StorageFailed)."""
    reader = warehouse.reader()
    try:
        with reader.steady():
            there = set(reader.tables())

            def asked(question: tuple[Sequence[str], str], *given: Any) -> list[dict[str, Any]]:
                needs, sql = question
                return reader.query(sql, (source_id, *given)) if set(needs) <= there else []

            if not {*_CUSTOMERS[0], *_ITEMS[0]} <= there:
                return None
            return _books(
                asked(_CUSTOMERS, sorted({order.customer_no for order in orders})),
                asked(_ITEMS, sorted({line.item_no for order in orders for line in order.lines})),
                asked(_NUMBERS, sorted({order.order_no for order in orders})),
                asked(_SETTINGS),
                asked(_REP_FIELD),
                as_of,
            )
    finally:
        reader.close()


def _books(
    customers: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    numbers: Sequence[Mapping[str, Any]],
    settings: Sequence[Mapping[str, Any]],
    fields: Sequence[Mapping[str, Any]],
    as_of: datetime | None,
) -> BooksNow:
    by_number: dict[str, list[Item]] = {}
    for row in items:
        found = Item(row["id"], row["name"] or "", row["active"] is not False, row["type"] or "", row["unit_price"])
        by_number.setdefault(row["number"], []).append(found)
    notes: dict[str, list[str]] = {}
    for row in numbers:
        notes.setdefault(row["doc_number"], []).append(row["private_note"] or "")
    first = settings[0] if settings else {}
    return BooksNow(
        customers={
            row["id"]: Customer(row["id"], row["display_name"] or "", row["active"] is not False, row["currency"] or "")
            for row in customers
        },
        items=by_number,
        numbers=notes,
        closed=first.get("book_close_date"),
        home_currency=first.get("home_currency") or "",
        several_currencies=first.get("multi_currency") is True,
        sales_rep_field=str(fields[0]["id"]) if fields else "",
        as_of=as_of,
    )
