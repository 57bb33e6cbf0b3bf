"""From what stands in QuickBooks Desktop to what is done about an order: written, changed, closed, or left alone."""

from dataclasses import dataclass

from jobs.exchange.desktop import answers, qbxml
from jobs.exchange.desktop.answers import Answer, Found
from storage.facts.exchange_orders import Order, Refusal, Written
from storage.facts.web_connector import DesktopKind, DesktopRequest

#: how often the same order is handed over to be written; before each time QuickBooks is asked whether it has it
MOST_WRITES = 5
#: how often "not now" is taken for an answer
MOST_TIMES = 40


@dataclass(frozen=True, slots=True)
class Write:
    """Write it anew, or change or close what is there."""

    before: Found | None


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing now, for that reason."""

    reason: str


#: Refusal and Written end it.
Next = Write | Later | Written | Refusal


def after_look(request: DesktopRequest, order: Order, answer: Answer) -> Next:
    """Return what follows from a look at what stands in QuickBooks."""
    if answer.code not in {answers.DONE, *answers.NONE_FOUND}:
        return _not_now(request, answer)
    wanted = request.kind
    mine = _mine(request, order, answer)
    if len(mine) > 1:
        return Refusal(f"QuickBooks has sales order {order.order_no} of PocketAdvantage {len(mine)} times")
    if not mine:
        return _absent(request, order, answer)
    found = mine[0]
    if found.revision >= order.revision and (found.closed or wanted is not DesktopKind.CLOSE):
        return Written(found.txn_id, found.number, found.edit_sequence)
    if found.invoiced and wanted is not DesktopKind.CLOSE:
        return Refusal("it is invoiced already, at least in part: change it in QuickBooks")
    return _unless_too_often(request, Write(found))


def after_write(request: DesktopRequest, answer: Answer) -> Next | None:
    """Return what follows from QuickBooks' answer to something written; None: look again what stands there."""
    if answer.code == answers.STALE:
        return None
    if answer.orders:
        # A warning is said of what was written all the same.
        found = answer.orders[0]
        return Written(found.txn_id, found.number, found.edit_sequence)
    return None if answer.code == answers.DONE else _not_now(request, answer)


def document(message_id: str, request: DesktopRequest, order: Order, before: Found | None) -> str:
    """Return the request that does it."""
    if before is None:
        return qbxml.add(message_id, order)
    if request.kind is DesktopKind.CLOSE:
        return qbxml.close(message_id, order, before)
    return qbxml.change(message_id, order, before)


def _mine(request: DesktopRequest, order: Order, answer: Answer) -> list[Found]:
    """Return what we wrote for this order: what it is known by, else what carries our mark."""
    known = [found for found in answer.orders if request.before and found.txn_id == request.before]
    return known or [found for found in answer.orders if found.order_no == order.order_no]


def _absent(request: DesktopRequest, order: Order, answer: Answer) -> Next:
    if request.kind is DesktopKind.CLOSE:
        # Whoever deleted it did what was wanted.
        return Written(request.before, order.order_no)
    if request.kind is DesktopKind.CHANGE:
        return Refusal("it is not in QuickBooks any more: somebody deleted it there")
    if answer.orders:
        return Refusal(f"QuickBooks has another sales order with the number {order.order_no}")
    return _unless_too_often(request, Write(None))


def _unless_too_often(request: DesktopRequest, write: Write) -> Next:
    if request.written < MOST_WRITES:
        return write
    said = f" ({request.reason})" if request.reason else ""
    return Refusal(f"QuickBooks did not take it in {MOST_WRITES} tries{said}")


def _not_now(request: DesktopRequest, answer: Answer) -> Next:
    again = answer.code in answers.LATER and request.asked < MOST_TIMES
    return Later(answer.reason) if again else Refusal(answer.reason)
