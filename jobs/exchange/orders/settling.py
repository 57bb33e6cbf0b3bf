"""What came of an order that QuickBooks Desktop answered later."""

from datetime import datetime

from storage.facts.exchange_orders import KeptOrder, OrderState, Refusal, Wish, Written
from storage.records import exchange_orders
from storage.sessions import Session


def settled(session: Session, order_id: str, outcome: Written | Refusal, now: datetime) -> KeptOrder | None:
    """Keep what came of a waiting order; None where it waits no more. The next turn tells PocketAdvantage."""
    one = exchange_orders.find(session, order_id)
    if one is None or one.state is not OrderState.WAITING:
        return None
    if isinstance(outcome, Refusal):
        moved = exchange_orders.move(session, one, OrderState.FAILED, now, reason=outcome.reason)
    else:
        state = OrderState.CANCELLED if one.wish is Wish.CANCELLED else OrderState.CONFIRMED
        moved = exchange_orders.move(session, one, state, now, written=outcome)
    return exchange_orders.find(session, order_id) if moved else None
