"""Orders once more, because a person wants it: never twice in QuickBooks."""

from dataclasses import dataclass
from datetime import datetime

from jobs.ground import Ground
from storage.facts.exchange import ExchangeRun
from storage.facts.exchange_orders import KeptOrder, OrderState, Wish
from storage.records import exchange, exchange_orders
from storage.sessions import Session

#: orders of a run that are begun with one transaction
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Replayed:
    """What comes of the wish."""

    #: plain words
    said: str
    #: the next turn takes it
    again: bool
    order: KeptOrder | None = None


async def run_again(ground: Ground, run: ExchangeRun, at_once: int = AT_ONCE) -> None:
    """Let the orders be taken again of the run that a person named, some at a time, each time whole.

    Whoever goes on after a death leaves alone what was begun, or is over by now.
    """
    now, numbers = ground.clock.now(), await ground.database.reading(lambda session: _of(session, run))
    for start in range(0, len(numbers), at_once):
        part = numbers[start : start + at_once]

        def begin(session: Session, part: list[str] = part) -> None:
            for number in part:
                replay(session, run.source_id, number, now, since=run.requested_at)

        await ground.database.writing(begin)
        ground.checkpoint("orders.again")


def _of(session: Session, run: ExchangeRun) -> list[str]:
    named = exchange.visible_run(session, run.organization_id, run.of_run)
    if named is None or named.source_id != run.source_id or named.started_at is None or named.finished_at is None:
        return []
    return exchange_orders.of_turn(session, run.source_id, named.started_at, named.finished_at)


def replay(
    session: Session, source_id: str, order_no: str, now: datetime, *, since: datetime | None = None
) -> Replayed:
    """Let the last revision of an order be taken again; with `since`, only where that was not begun after it.

    It is looked for in QuickBooks first, and sent only where it is not there: under a new request id, because
    QuickBooks would answer to the old one that it made it, even if somebody deleted it since.
    """
    found = exchange_orders.revisions(session, source_id, order_no)
    if not found:
        return Replayed(f"No order {order_no} was read from PocketAdvantage yet.", again=False)
    one = found[0]
    stands = _stands(one, since)
    if stands is not None:
        return stands
    if not exchange_orders.again(session, one, now):
        return Replayed(f"Order {order_no} is on its way already.", again=True, order=one)
    said = f"Order {order_no} is looked for in QuickBooks, and sent again only if it is not there."
    return Replayed(said, again=True, order=one)


def _stands(one: KeptOrder, since: datetime | None) -> Replayed | None:
    """Return why an order is left as it is; None: it can be taken again."""
    if since is not None and one.sent_at is not None and one.sent_at > since:
        return Replayed(f"Order {one.order_no} was taken again already.", again=False, order=one)
    if one.state in {OrderState.NEW, OrderState.SENDING}:
        return Replayed(f"Order {one.order_no} is on its way already.", again=True, order=one)
    if one.state is OrderState.WAITING:
        return Replayed(f"Order {one.order_no} waits until QuickBooks Desktop asks for it.", again=False, order=one)
    if one.wish is Wish.CANCELLED and one.state is OrderState.CANCELLED:
        return Replayed(f"Order {one.order_no} is cancelled in PocketAdvantage.", again=False, order=one)
    return None
