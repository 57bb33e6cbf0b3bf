"""An order, and what QuickBooks Desktop answers about it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from storage.facts.exchange_orders import Order, OrderLine, ShipTo

LINE = OrderLine("1", "OIL-100", Decimal(3), Decimal("10.00"), tax_code="Tax", note="Chain Oil 100ml")
ORDER = Order(
    cust_id="TEMERITY",
    order_no="100231",
    revision=1,
    order_date=date(2026, 11, 20),
    ship_date=date(2026, 11, 24),
    customer_no="Amber Bicycles Ltd",
    ship_to=ShipTo(("12 Sample Road",), "Bayshore", "CA", "94326"),
    sales_rep="MC",
    po_no="PO-7781",
    terms="Net 30",
    memo="call before",
    discount=None,
    lines=(LINE, replace(LINE, line_no="2", item_no="BELL", unit_price=None, note="")),
)


def order(number: int | str = 100231, **changed: Any) -> Order:
    """Return an order of that number."""
    return replace(ORDER, order_no=str(number), **changed)
