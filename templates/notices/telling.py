"""What became of messages: when each was asked for, sent, confirmed or refused, and what to do about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    Table,
    When,
)
from storage.facts.timelines import Reader, Timeline, Told
from templates import actions
from templates.notices.answers import say
from templates.notices.dead import reason_words
from templates.notices.pieces import Words
from templates.text import counted, label, shorten

_KINDS: Mapping[str, str] = {
    "refresh_card": "Progress",
    "refresh_finished": "Result",
    "escalation_card": "Call to support",
    "escalation_mail": "Call to support",
    "escalation_told": "Support was called",
    "escalation_again": "Call to support, once more",
    "incident_card": "Warning",
    "incident_mail": "Warning",
    "incident_reminder": "Reminder",
    "expiry_warning": "Access ends soon",
    "mute_over": "A mute has ended",
    "escalation_step": "Call by your company's policy",
    "on_call_left": "Somebody on call has left",
    "test": "Test",
    "place_dead": "A place cannot be told",
    "held_bundle": "Several that were held, in one",
    "digest": "Digest",
    "metrics_weekly": "Numbers of the week",
    "exchange_alert": "Warning of the exchange",
    "exchange_night": "Files of the night",
}
_REASON = 160
#: Rows of one table; a refresh that more people wait for says how many are left.
_MOST = 40


def deliveries(organization: str, timeline: Timeline, *, value: str | None) -> Message:
    """Return what became of each message about one thing; `value` is for the buttons that send one again."""
    shown = timeline.told[:_MOST]
    lost = [one for one in timeline.told if one.delivery.state in _LOST]
    waiting = [one for one in timeline.told if one.delivery.state in _WAITING]
    summary = f"{label(organization)}: {counted(len(timeline.told), 'message', 'messages')}, {_sum(lost, waiting)}."
    parts: list[Part] = [Heading("Who was told, and how it went"), Paragraph((_verdict(lost, waiting),))]
    rows = tuple(((_what(one),), _to(one), (When(one.delivery.created_at),), _outcome(one)) for one in shown)
    parts.append(Table("Each message", ("Message", "To", "Asked for", "What became of it"), rows))
    if len(timeline.told) > len(shown):
        parts.append(Paragraph((f"{len(timeline.told) - len(shown)} more are not shown.",)))
    parts += _buttons(timeline, value)
    parts.append(Note(_small_print(timeline)))
    return Message(summary, tuple(parts), kind="deliveries")


_LOST = frozenset({DeliveryState.FAILED, DeliveryState.UNCONFIRMED})
_WAITING = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.HELD})


def _sum(lost: list[Told], waiting: list[Told]) -> str:
    if lost:
        return f"{len(lost)} not known to have arrived"
    return f"{len(waiting)} on the way" if waiting else "nothing was lost"


def _verdict(lost: list[Told], waiting: list[Told]) -> str:
    if lost:
        return (
            "Not every message is known to have arrived. The data is what /data status says, whatever became of them."
        )
    return "Some are still on their way; look again in a moment." if waiting else "Nothing was lost on the way."


def kind_words(kind: str) -> str:
    """Return what a kind of message is called."""
    return _KINDS.get(kind, "Message")


def _what(one: Told) -> str:
    words = kind_words(one.kind)
    return f"{words}, once more" if one.delivery.kind == "again" else words


def _to(one: Told) -> Words:
    how = "by Slack" if one.delivery.channel is Channel.SLACK else "by e-mail"
    match one.reader:
        case Reader.YOU:
            mail = one.delivery.channel is Channel.EMAIL and "@" in one.delivery.destination
            return (f"you, at {label(one.delivery.destination)}",) if mail else (f"you, {how}",)
        case Reader.MEMBER:
            return (f"{label(one.name)}, {how}",)
        case Reader.CHANNEL:
            return ("the channel ", Code(label(one.name)))
        case _:
            return (f"support, {how}",)


def _outcome(one: Told) -> Words:
    delivery = one.delivery
    match delivery.state:
        case DeliveryState.SENT:
            return _sent(delivery)
        case DeliveryState.PENDING | DeliveryState.HELD:
            return _queued(delivery)
        case DeliveryState.SENDING:
            return ("being sent since ", When(delivery.intent_at or delivery.created_at))
        case DeliveryState.UNCONFIRMED:
            return (Strong("unconfirmed"), f": {_reason(delivery)}", *_at(delivery))
        case DeliveryState.FAILED:
            return (Strong("not delivered"), f": {_reason(delivery)}", *_at(delivery))
        case _:
            return (f"not sent, because: {_reason(delivery)}",)


def _queued(delivery: Delivery) -> Words:
    if delivery.state is DeliveryState.HELD:
        why = f": {_reason(delivery)}" if delivery.reason else ", for quiet hours"
        return ("held until ", When(delivery.held_until or delivery.created_at), why)
    tried = f"tried {counted(delivery.attempts, 'time', 'times')}, " if delivery.attempts else ""
    why = f": {_reason(delivery)}" if delivery.reason else ""
    return (f"queued, {tried}not sent yet{why}",)


def _sent(delivery: Delivery) -> Words:
    words: list[Inline] = ["sent "]
    words.append(When(delivery.sent_at) if delivery.sent_at else "at a time that was not noted")
    if delivery.channel is Channel.SLACK and delivery.external_id:
        words += [", Slack's number ", Code(label(delivery.external_id))]
    elif delivery.reply:
        words += [", the mail server took it: ", Code(shorten(label(delivery.reply), _REASON))]
        if delivery.reason:
            words.append(f"; not in the mailbox yet, {_reason(delivery)}")
    return tuple(words)


def _at(delivery: Delivery) -> Words:
    return (", ", When(delivery.settled_at)) if delivery.settled_at else ()


def _reason(delivery: Delivery) -> str:
    return reason_words(delivery.reason or "the reason was not noted")


def _buttons(timeline: Timeline, value: str | None) -> list[Part]:
    if value is None or timeline.again is None:
        return []
    mail = Button("Mail it to me again", actions.AGAIN_MAIL, value)
    slack = Button("Send it to me in Slack", actions.AGAIN_SLACK, value)
    return [Buttons((mail, slack) if timeline.by_mail else (slack,))]


def _small_print(timeline: Timeline) -> Words:
    spam = "A mail that the server took and that you do not see is most likely in the spam folder. "
    mailed = any(one.delivery.channel is Channel.EMAIL for one in timeline.told)
    return ((spam if mailed else "") + "About ", Code(timeline.subject), ".")


def sent_again(by_mail: bool, address: str, delivery_id: str) -> Message:  # noqa: FBT001 - one of two words, not a switch
    """Return the answer to whoever had a message sent again."""
    where = f"by mail to {label(address)}" if by_mail else "to you in Slack"
    summary = f"It is on its way {where}."
    look: Words = ("How it went: ", Code(f"/data deliveries {delivery_id}"))
    return say(summary, (summary,), look, kind="sent_again")


def no_deliveries(said: str) -> Message:
    """Return the answer where there is nothing to tell about."""
    summary = (
        "You were told nothing yet." if said in {"", "last"} else f"There is no “{shorten(label(said), 60)}” here."
    )
    usage: Words = (
        "Say ",
        Code("/data deliveries last"),
        " for what you were told last, or name a refresh (",
        Code("rfr_…"),
        "), a receipt (",
        Code("rcp_…"),
        ") or an incident (",
        Code("inc_…"),
        ").",
    )
    return say(summary, (summary,), usage, kind="deliveries")


def once_more(message: Message, first: datetime) -> Message:
    """Return a message that says again what was said before, and that it does so."""
    note = Note(
        ("Sent once more, because you asked for it. First sent: ", When(first), ". It says how things are now.")
    )
    return replace(message, parts=(*message.parts, note))


def test_message(test_id: str, now: datetime) -> Message:
    """Return the test that a person sends to themselves."""
    words = "This is the test that you asked for. Messages of Tidings reach you this way."
    parts: tuple[Part, ...] = (
        Heading("Test message"),
        Paragraph((words,)),
        Note(("Asked: ", When(now), ". Test ", Code(test_id), ".")),
    )
    return Message(f"Test message of Tidings: {words}", parts, subject="Test message of Tidings", kind="test")


def test_sent(test_id: str, timeline: Timeline | None) -> Message:
    """Return the answer to whoever sent a test: what became of it, as far as that is known already."""
    if timeline is None:
        summary = "A test is on its way to you, by Slack and by mail."
        look = Buttons((Button("How did it go?", actions.DELIVERIES, test_id, ButtonStyle.PRIMARY),))
        return Message(summary, (Paragraph((summary,)), look), kind="test_sent")
    rows = tuple((_to(one), _outcome(one)) for one in timeline.told)
    arrived = all(one.delivery.state is DeliveryState.SENT for one in timeline.told)
    summary = "The test was sent by every way." if arrived else "The test did not go out by every way: see below."
    again = Buttons((Button("Look again", actions.DELIVERIES, test_id),))
    table = Table("The test", ("To", "What became of it"), rows)
    return Message(summary, (Paragraph((Strong(summary),)), table, again), kind="test_sent")
