"""The answer to "why?": one cause in one sentence, what it rests on, who has to act, and what comes by itself."""

from collections.abc import Mapping, Sequence

from storage.facts.explain import Acts, Cause, Explanation, NextStep
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.sources import ConnectionState
from templates import actions, times
from templates.notices.held import held_buttons
from templates.notices.pieces import Words, reconnect_button
from templates.notices.why_causes import cause_words
from templates.notices.why_lines import evidence_lines
from templates.text import label, listed
from templates.words import CONNECTION, FRESHNESS, failure_words, provider_name, source_title, who

#: What the cause means for whoever only reads the first line.
_SAFE = frozenset({Cause.DELIVERY_FAILED, Cause.DELIVERY_PENDING, Cause.DELIVERY_SKIPPED})
_GOOD = frozenset({Cause.WELL, Cause.UNCHANGED})


def why(
    organization: str,
    explanation: Explanation,
    *,
    zone: str,
    admins: Sequence[str] = (),
    refresh_value: str | None = None,
    others: Sequence[str] = (),
    for_all: bool = False,
) -> Message:
    """Return the explanation; `refresh_value` is for a button that asks for a refresh, `others` are sources besides.

    `for_all`: it is read by a whole channel, where nobody is "you" and there is nothing to press.
    """
    source = explanation.evidence.status.source
    told = cause_words(explanation)
    title = f"{source_title(source)}: {_verdict(explanation)}"
    parts: list[Part] = [
        Heading(title),
        Paragraph((Strong(_because(explanation)), *told)),
        Facts(evidence_lines(explanation)),
        Facts(
            (
                ("Who has to act", (_who(explanation, admins, _ACTS_FOR_ALL if for_all else _ACTS),)),
                ("Next automatic attempt", _next(explanation)),
            )
        ),
        *_buttons(explanation, refresh_value),
        *_waiting(explanation, organization),
    ]
    if others:
        parts.append(Note((f"Ask for the others as well: {listed([f'/data why {one}' for one in others], most=3)}.",)))
    because = _flat(told, zone)
    summary = f"{label(organization)}: {title}. {because[:1].upper()}{because[1:]}"
    return Message(summary, tuple(parts), kind="why")


_HEADS = {
    Cause.UNCHANGED: "all is well",
    Cause.WELL: "all is well",
    Cause.DELIVERY_FAILED: "the data is ready, its confirmation did not arrive",
    Cause.DELIVERY_PENDING: "the data is ready, its confirmation is on its way",
    Cause.DELIVERY_SKIPPED: "the data is ready",
    Cause.HELD: "the last refresh is held",
    Cause.FAILED_KNOWN: "the last collection failed",
    Cause.FAILED_UNKNOWN: "the last collection failed",
    Cause.PARTIAL: "only a part could be read",
    Cause.UNEXPLAINED: "late, and nobody knows why yet",
    Cause.TIMER_NOT_DUE: "the next collection has not come yet",
    Cause.JOINED: "older than your question",
}


def _verdict(explanation: Explanation) -> str:
    status = explanation.evidence.status
    if status.source.connection is ConnectionState.DISCONNECTED:
        return CONNECTION[status.source.connection]
    if status.active is not None:
        return "a refresh is under way"
    return _HEADS.get(explanation.cause, FRESHNESS[status.freshness])


def _because(explanation: Explanation) -> str:
    return "" if explanation.cause in _GOOD | _SAFE else "Because "


def _who(explanation: Explanation, admins: Sequence[str], words: Mapping[Acts, str]) -> str:
    evidence = explanation.evidence
    failure = evidence.status.last_finished.failure if evidence.status.last_finished else None
    if explanation.cause in {Cause.FAILED_KNOWN, Cause.HELD} and failure is not None:
        step = failure_words(failure, evidence.status.source, admins).next_step
        if explanation.acts is Acts.NOBODY:
            return "nobody: it is tried again by itself"
        return f"{words[explanation.acts].format(admins=who(admins))}. {step}"
    if explanation.acts is Acts.NOBODY and explanation.next_at is None and explanation.cause not in _GOOD:
        return "nobody"
    if explanation.acts is Acts.NOBODY:
        return "nobody" if explanation.cause in _GOOD else "nobody: it goes on by itself"
    return words[explanation.acts].format(admins=who(admins))


_ACTS = {
    Acts.YOU: "you",
    Acts.MANAGER: "a manager or an admin of your organization",
    Acts.ADMIN: "{admins}",
    Acts.SUPPORT: "support of Tidings: open a ticket with the button below, and it is looked at",
}
_ACTS_FOR_ALL = {
    **_ACTS,
    Acts.YOU: "whoever looks after it in your organization",
    Acts.SUPPORT: "support of Tidings: an admin opens a ticket from /data why, and it is looked at",
}


def _next(explanation: Explanation) -> Words:
    if explanation.next_at is not None:
        return (When(explanation.next_at, explanation.evidence.now),)
    if explanation.evidence.status.active is not None:
        return ("it is under way now",)
    return ("none until somebody acts",)


def _buttons(explanation: Explanation, refresh_value: str | None) -> list[Part]:
    status = explanation.evidence.status
    if explanation.step is NextStep.SEE_HELD and status.last_finished is not None:
        return held_buttons([(status.source, status.last_finished)])
    button = _button(explanation, refresh_value)
    return [Buttons((button,))] if button is not None else []


def _button(explanation: Explanation, refresh_value: str | None) -> Button | None:
    status = explanation.evidence.status
    source = status.source
    name, ready = provider_name(source.provider), status.last_ready
    found = {
        NextStep.RECONNECT: reconnect_button(source),
        NextStep.TICKET: Button("Open a ticket", actions.CONNECTION_TICKET, source.id, ButtonStyle.PRIMARY),
    }
    if refresh_value is not None:
        found[NextStep.REFRESH] = Button(f"Refresh {name}", actions.REFRESH_ASK, refresh_value, ButtonStyle.PRIMARY)
    if ready is not None:
        found[NextStep.READ_MISSING] = Button(
            "Read what is missing", actions.MISSING_RETRY, ready.id, ButtonStyle.PRIMARY
        )
    asked = explanation.evidence.asked
    if asked is not None:
        found[NextStep.RESEND] = Button("Look at it, or send it again", actions.DELIVERIES, asked.refresh_id)
    if explanation.evidence.receipt is not None:
        found[NextStep.RECEIPT] = Button("See the receipt", actions.RECEIPT_SHOW, explanation.evidence.receipt)
    return found.get(explanation.step)


def _waiting(explanation: Explanation, organization: str) -> list[Part]:
    """Return where to look for the confirmation, for whoever waits for one."""
    evidence = explanation.evidence
    asked = evidence.asked
    running = asked is not None and asked.finished_at is None
    if not (running or evidence.asks_mail or explanation.cause in _SAFE) or asked is None:
        return []
    words = "No confirmation is sent before the refresh has ended. " if running else ""
    if evidence.sender:
        words += f"It comes from {label(evidence.sender)}, with a subject that begins “{label(organization)}:”."
        words += " Look in the spam folder for that, too."
    return [Note((words.strip(),))] if words else []


def _flat(words: Words, zone: str) -> str:
    """Return the sentence as plain text, each instant with its zone."""
    return "".join(times.absolute(one.at, zone) if isinstance(one, When) else _text(one) for one in words)


def _text(one: object) -> str:
    return one if isinstance(one, str) else str(getattr(one, "text", ""))


def acting(explanation: Explanation, admins: Sequence[str], refresh_value: str | None) -> tuple[str, Words, list[Part]]:
    """Return who has to act, what comes by itself next, and the one step, for what depends on the source."""
    return _who(explanation, admins, _ACTS), _next(explanation), _buttons(explanation, refresh_value)


def spoken(words: Words, zone: str) -> str:
    """Return a sentence as plain text, each instant with its zone."""
    return _flat(words, zone)
