"""An order once more, because a person wants it: never twice in QuickBooks."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.exchange_orders import KeptOrder, OrderState, Wish
from storage.records import exchange_orders
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Replayed:
    """What comes of the wish."""

    #: plain words
    said: str
    #: the next turn takes it
    again: bool
    order: KeptOrder | None = None


def replay(session: Session, source_id: str, order_no: str, now: datetime) -> Replayed:
    """Let the last revision of an order be taken again.

    It is looked for in QuickBooks first, and sent only where it is not there: under a new request id, because
    QuickBooks would answer to the old one that it made it, even if somebody deleted it since.
    """
    found = exchange_orders.revisions(session, source_id, order_no)
    if not found:
        return Replayed(f"No order {order_no} was read from PocketAdvantage yet.", again=False)
    one = found[0]
    if one.state in {OrderState.NEW, OrderState.SENDING}:
        return Replayed(f"Order {order_no} is on its way already.", again=True, order=one)
    if one.state is OrderState.WAITING:
        return Replayed(f"Order {order_no} waits until QuickBooks Desktop asks for it.", again=False, order=one)
    if one.wish is Wish.CANCELLED and one.state is OrderState.CANCELLED:
        return Replayed(f"Order {order_no} is cancelled in PocketAdvantage.", again=False, order=one)
    if not exchange_orders.again(session, one, now):
        return Replayed(f"Order {order_no} is on its way already.", again=True, order=one)
    said = f"Order {order_no} is looked for in QuickBooks, and sent again only if it is not there."
    return Replayed(said, again=True, order=one)
