"""What a turn of the orders came to, on its run: also of one that could not go on, for what went by then is there."""

from datetime import datetime
from typing import Any

from connectors.errors import ConnectorError
from jobs.exchange import telling
from jobs.exchange.ports import OrderMoves, OrdersTaken
from storage.facts.exchange import Counts, ExchangeRun, RunState, Trigger
from storage.records import exchange, exchange_orders
from storage.sessions import Session


def noted(session: Session, run: ExchangeRun, taken: OrdersTaken, now: datetime, **more: Any) -> bool:
    """Add what one attempt did to what those before it did; return whether the run was still this attempt's."""
    before, counts = exchange.run(session, run.id), taken.counts
    values = {
        "added": before.counts.added + counts.added,
        "updated": before.counts.updated + counts.updated,
        "removed": before.counts.removed + counts.removed,
        "rejected": before.rejected + taken.left_out,
        "rows": max(before.rows, taken.read),
    }
    if not exchange.advance(session, run, **values, **more):
        return False
    exchange.add_more_rejects(session, run.id, taken.problems)
    if run.trigger is not Trigger.DRY:
        telling.orders_changed(session, exchange.run(session, run.id), taken.moves, now)
    return True


def cut_off(session: Session, run: ExchangeRun, since: datetime, why: ConnectorError) -> OrdersTaken:
    """Return what a turn came to that was ended in its midst and says nothing itself, by what became of its orders."""
    moves = OrderMoves()
    if run.trigger is not Trigger.DRY:
        moves = OrderMoves(*(tuple(numbers) for numbers in exchange_orders.went(session, run.source_id, since)))
    counts = Counts(len(moves.added), len(moves.updated), len(moves.removed))
    return OrdersTaken(counts=counts, moves=moves, stopped=why)


def ended(session: Session, run: ExchangeRun, taken: OrdersTaken, now: datetime) -> bool:
    """End a run that went through; return whether it was still this attempt's."""
    dry = run.trigger is Trigger.DRY
    touched = exchange.run(session, run.id).counts.touched + taken.counts.touched
    state = RunState.DRY if dry else RunState.DONE if touched else RunState.UNCHANGED
    why = f"{taken.waiting} of them wait" if taken.waiting else ""
    note = f"{taken.there} taken again, and in QuickBooks as before" if taken.there else ""
    if not noted(session, run, taken, now, state=state, finished_at=now, why=why, note=note):
        return False
    if not dry:
        exchange.note_missed(session, run.pair_id, None)
        telling.orders_completed(session, exchange.run(session, run.id), now)
        if taken.again_at is not None:
            exchange.due_earlier(session, run.pair_id, taken.again_at)
    return True
