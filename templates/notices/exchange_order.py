"""One order of PocketAdvantage: what became of it in QuickBooks, or why it is not there."""

from collections.abc import Collection, Sequence

from storage.facts.exchange import ExchangePair
from storage.facts.exchange_orders import KeptOrder, OrderState
from storage.facts.messages import Button, Buttons, Code, Confirm, Heading, Message, Paragraph, Part, Strong, When
from storage.facts.people import Action
from templates import actions
from templates.notices.answers import tell
from templates.notices.pieces import Words
from templates.text import label, shorten

_SHOWN = 5
_STATES = {
    OrderState.NEW: "was read and is about to be sent",
    OrderState.BLOCKED: "was not sent",
    OrderState.SENDING: "is being sent",
    OrderState.WAITING: "waits for QuickBooks Desktop",
    OrderState.CONFIRMED: "is in QuickBooks",
    OrderState.FAILED: "was not taken by QuickBooks",
    OrderState.SUPERSEDED: "has a later revision",
    OrderState.CANCELLED: "is cancelled",
}
#: what it became, by target
_BECAME = {"estimate": "Estimate", "desktop": "sales order"}
_AGAIN = Confirm(
    "Take it again?",
    "It is looked for in QuickBooks first, and sent only where it is not there.",
    "Take it again",
    "Leave it",
)


def exchange_order(
    pair: ExchangePair, number: str, found: Sequence[KeptOrder], *, may: Collection[Action]
) -> Message:  # fmt: skip
    """Return what is known of an order, the last revision first."""
    asked = shorten(label(number), 60)
    if not found:
        summary = f"No order or QuickBooks number “{asked}” is known here."
        how: Words = ("All that can be asked: ", Code("/data exchange orders"), ".")
        return tell(summary, how, kind="exchange_order")
    last = found[0]
    summary = f"Order {shorten(label(last.order_no), 60)} {_STATES[last.state]}."
    parts: list[Part] = [Heading(f"Order {shorten(label(last.order_no), 60)}")]
    parts += [Paragraph(_revision(one)) for one in found[:_SHOWN]]
    if Action.RUN_EXCHANGE in may:
        value = f"{pair.id} {last.order_no}"
        parts.append(Buttons((Button("Take it again", actions.EXCHANGE_ORDER_AGAIN, value, confirm=_AGAIN),)))
    return Message(summary, tuple(parts), kind="exchange_order")


def _revision(one: KeptOrder) -> Words:
    became: Words = ()
    if one.written is not None:
        kind = _BECAME.get(one.target, "document")
        became = (f" as {kind} ", Strong(label(one.written.number or one.written.target_id)))
    why = f": {label(one.reason).rstrip('.')}" if one.reason else ""
    read: Words = (". Read ", When(one.read_at))
    told: Words = (", told to PocketAdvantage ", When(one.written_back_at)) if one.written_back_at else ()
    what = (Strong(f"Revision {one.revision}"), f" {_STATES[one.state]}", *became, f"{why}", *read, *told, ".")
    return (*what, *_next(one))


def _next(one: KeptOrder) -> Words:
    """Return when it is looked at again by itself, so that nobody waits for what cannot be seen yet."""
    if one.state is OrderState.BLOCKED:
        return (
            " It is looked at again with each turn; what is put right in QuickBooks counts after its next reading.",
        )
    if one.next_at is not None and one.state in {OrderState.NEW, OrderState.SENDING}:
        return (" It is looked at again ", When(one.next_at), ".")
    return ()


def exchange_again(said: str) -> Message:
    """Return what comes of taking an order again."""
    return tell(label(said), kind="exchange_order")
