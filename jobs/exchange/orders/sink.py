"""Where orders go: one port, with an adapter for each product of QuickBooks."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where the goods go; lines without text are left out."""

    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order."""

    line_no: str
    #: as PocketAdvantage names it, and the id that QuickBooks has for it
    item_no: str
    item_id: str
    quantity: Decimal
    #: None: QuickBooks' own price counts
    unit_price: Decimal | None
    uom: str
    tax_code: str
    note: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is to stand in QuickBooks; its key is cust_id, order_no and revision."""

    cust_id: str
    order_no: str
    revision: int
    order_date: date
    ship_date: date | None
    customer_no: str
    customer_id: str
    ship_to: ShipTo
    sales_rep: str
    po_no: str
    terms: str
    memo: str
    #: an amount, for the whole order
    discount: Decimal | None
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in QuickBooks: its id and its number there."""

    target_id: str
    number: str


class Refused(Exception):  # noqa: N818 - the name says what became of it
    """QuickBooks, or we before it, do not take this order; the reason is for whoever entered it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Waiting(Exception):  # noqa: N818 - the name says what became of it
    """The order is kept and settled later, when QuickBooks asks for it; the reason is for whoever waits."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SalesOrderSink(Protocol):
    """Writes orders once, whatever happens in between. Besides these errors: Retry, Reconnect."""

    #: "estimate" or "desktop"
    target: str

    async def find(self, order: Order, request_id: str) -> Written | None:
        """Return what came of an earlier try; None where QuickBooks has nothing of it."""
        ...

    async def create(self, order: Order, request_id: str) -> Written:
        """Write it."""
        ...

    async def change(self, order: Order, request_id: str, before: Written) -> Written:
        """Let what stands there say what this revision says."""
        ...

    async def cancel(self, order: Order, request_id: str, before: Written) -> None:
        """Close what stands there."""
        ...
