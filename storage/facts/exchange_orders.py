"""Orders that come in from PocketAdvantage: what one is, where it stands, and what it became at QuickBooks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class OrderState(StrEnum):
    """Where one revision of one order stands."""

    #: read, and not sent yet; `next_at` until when it waits
    NEW = "new"
    #: something must be put right before it can be sent; looked at again with each turn
    BLOCKED = "blocked"
    #: sent, or about to be: whether it arrived is not known yet
    SENDING = "sending"
    #: handed to QuickBooks Desktop, which answers when it asks for work
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    #: QuickBooks refused it; a person has to act
    FAILED = "failed"
    #: a later revision took its place
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"

    @property
    def open(self) -> bool:
        """Whether something is still to be done about it by itself; the cursor does not pass it."""
        return self in OPEN_STATES


#: Those that the cursor does not pass.
OPEN_STATES = (OrderState.NEW, OrderState.SENDING, OrderState.WAITING)
#: What each turn looks at.
DUE_STATES = (OrderState.NEW, OrderState.SENDING, OrderState.BLOCKED)


class Wish(StrEnum):
    """What PocketAdvantage wants of an order."""

    #: it is to be in QuickBooks as it is here
    READY = "READY"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where it goes."""

    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""

    def __bool__(self) -> bool:
        return any((self.lines, self.city, self.state, self.postal_code, self.country))


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order."""

    line_no: str
    item_no: str
    quantity: Decimal
    #: None: the item's own price
    unit_price: Decimal | None = None
    uom: str = ""
    tax_code: str = ""
    note: str = ""
    #: QuickBooks' id of the item; empty until it was looked up
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One revision of one order, as PocketAdvantage has it."""

    cust_id: str
    order_no: str
    revision: int
    order_date: date
    customer_no: str
    lines: tuple[OrderLine, ...]
    ship_date: date | None = None
    ship_to: ShipTo = ShipTo()
    sales_rep: str = ""
    po_no: str = ""
    terms: str = ""
    memo: str = ""
    #: taken off the whole order, in its currency
    discount: Decimal | None = None
    #: empty: that of its customer
    currency: str = ""
    #: QuickBooks' id of the customer; empty until it was looked up
    customer_id: str = ""
    #: QuickBooks' id of the custom field for the sales rep; empty: there is none
    sales_rep_field: str = ""


#: What an order becomes in QuickBooks Online.
ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class Into:
    """Where orders go; what one became elsewhere says nothing here."""

    #: estimate, desktop
    target: str
    #: the company of QuickBooks Online; empty for QuickBooks Desktop, of which each connection has one
    books_id: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What an order became."""

    target_id: str
    #: the number that people read
    number: str
    #: which change of it was seen last (SyncToken, EditSequence); empty: not known
    version: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order was not taken, in plain words with the one thing to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderRead:
    """One revision of one order as it was read, whether it could be understood or not."""

    cust_id: str
    order_no: str
    revision: int
    wish: Wish
    #: where the reading stood; sorts as the source does. Empty: it says nothing
    position: str
    #: of everything that was read of it but when it was changed
    fingerprint: str
    order: Order | None = None
    #: what stands against it, in plain words; empty: it could be read
    problem: str = ""
    #: it has a name under which an answer can be written back
    named: bool = True

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is known by within its source."""
        return self.cust_id, self.order_no, self.revision


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """One revision of one order as we keep it."""

    id: str
    organization_id: str
    source_id: str
    cust_id: str
    order_no: str
    revision: int
    wish: Wish
    state: OrderState
    position: str
    fingerprint: str
    #: None once it is settled, and where it could not be read
    order: Order | None
    request_id: str
    #: which kind of object it becomes: estimate, desktop
    target: str
    written: Written | None
    #: plain words
    reason: str
    attempts: int
    read_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    settled_at: datetime | None
    written_back_at: datetime | None
    named: bool = True
    #: the company that it went into; empty for QuickBooks Desktop
    books_id: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of an earlier try, for who looks whether QuickBooks has it."""

    #: id of what it, or an earlier revision, became there; empty: it is not known that it became anything
    target_id: str
    #: nothing was sent before
    since: datetime


def order_text(order: Order) -> str:
    """Return the order as JSON; amounts are text, so that nothing rounds them."""
    return msgspec.json.encode(order).decode()


def read_order(text: str) -> Order:
    """Return the order that a text of ours stands for."""
    return msgspec.json.decode(text, type=Order)


def shown(numbers: Iterable[str], most: int = 5) -> str:
    """Return some numbers as people read them, and how many more there are."""
    listed = list(numbers)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def counted(found: Mapping[OrderState, int], *states: OrderState) -> int:
    """Return how many orders stand in any of these states."""
    return sum(found.get(state, 0) for state in states)
