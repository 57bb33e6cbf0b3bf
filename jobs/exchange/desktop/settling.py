"""From what QuickBooks Desktop answered to the order that waited for it."""

from collections.abc import Callable

from jobs.exchange.orders.settling import settled
from storage.facts.clock import Clock
from storage.facts.exchange_orders import Refusal, Written
from storage.records import desktop_requests
from storage.sessions import Session


def orders_settled(clock: Clock) -> Callable[[Session, str, Written | Refusal], bool]:
    """Return what tells orders what became of them; False for one that does not wait yet."""

    def settle(session: Session, request_id: str, outcome: Written | Refusal) -> bool:
        order_id = desktop_requests.order_of(session, request_id)
        # An order that is not kept any more has nobody who waits.
        return order_id is None or settled(session, order_id, outcome, clock.now()) is not None

    return settle
