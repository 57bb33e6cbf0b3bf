"""What came of an order that QuickBooks Desktop answered later."""

from datetime import datetime

from jobs.exchange import telling
from jobs.exchange.ports import OrderMoves
from storage.facts.exchange import Pair, Trigger
from storage.facts.exchange_orders import Into, KeptOrder, OrderState, Refusal, Wish, Written
from storage.records import exchange, exchange_orders
from storage.sessions import Session

#: runs among which one is looked for that sends
_RUNS = 20


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
    if moved and isinstance(outcome, Written):
        _tell(session, one, outcome, now)
    return exchange_orders.find(session, order_id) if moved else None


def _tell(session: Session, one: KeptOrder, outcome: Written, now: datetime) -> None:
    """Tell receivers, as one of the newest run that sends: that which handed it over is through by now."""
    if one.written is not None and one.written.target_id == outcome.target_id:
        # It was taken again, and is there as it was.
        return
    pair = next((pair for pair in exchange.pairs_of_source(session, one.source_id) if pair.pair is Pair.ORDERS), None)
    runs = exchange.history(session, pair.id, _RUNS) if pair is not None else []
    # A dry run sends nothing, and is not said to have changed anything.
    run = next((run for run in runs if run.trigger is not Trigger.DRY), None)
    if run is None:
        return
    if one.wish is Wish.CANCELLED:
        moves = OrderMoves(removed=(one.order_no,))
    elif exchange_orders.before(session, one, Into(one.target, one.books_id)) is not None:
        moves = OrderMoves(updated=(one.order_no,))
    else:
        moves = OrderMoves(added=(one.order_no,))
    telling.order_changed(session, run, f"{one.id}:a{one.attempts}", moves, now)
