"""Webhooks that Tidings sends: the receivers, their secrets, what was sent, and that one is sent nothing any more."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import Code, Facts, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.outgoing import ATTEMPTS, Endpoint, EventType, Send, SendState
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.text import counted, label, shorten

_ADDRESS = 120
_HOW: Words = (
    "Admins enter an address with ",
    Code("/data webhooks add https://…"),
    "; it is told of fresh data, lost connections, refreshes that are overdue, metrics and the exchange.",
)
#: What each type means, for people.
EVENTS = {
    EventType.SOURCE_READY: "fresh data can be imported",
    EventType.SOURCE_DISCONNECTED: "a source is disconnected",
    EventType.REFRESH_OVERDUE: "a refresh is overdue",
    EventType.METRIC_UPDATED: "calculated values changed",
    EventType.EXCHANGE_STARTED: "an exchange with PocketAdvantage began",
    EventType.EXCHANGE_COMPLETED: "an exchange with PocketAdvantage was completed",
    EventType.EXCHANGE_ERRORED: "an exchange with PocketAdvantage failed, is held or is missing",
    EventType.EXCHANGE_CHANGED: "objects were added, updated or removed on the other side",
    EventType.TEST: "a test",
}


def endpoints(organization: str, found: Sequence[Endpoint], now: datetime) -> Message:
    """Return the receivers, and how they stand."""
    if not found:
        summary = f"{label(organization)}: no webhooks are sent."
        return say(summary, (summary,), _HOW, kind="webhooks")
    rows = tuple(((Code(one.id),), (Code(_short(one.url)),), _standing(one, now)) for one in found)
    parts: tuple[Part, ...] = (
        Heading("Webhooks that Tidings sends"),
        Table("Receivers", ("Id", "Address", "How it stands"), rows),
        Note(
            (
                "More of one: ", Code(f"/data webhooks {found[0].id}"), ". Others: ",
                Code("… test"), ", ", Code("… replay 24h"), ", ", Code("… secret"), ", ", Code("… remove"),
                " behind its id, and ", Code("/data webhooks add https://…"), ".",
            )
        ),
    )  # fmt: skip
    summary = f"{label(organization)}: {counted(len(found), 'receiver')} of webhooks."
    return Message(summary, parts, kind="webhooks")


def endpoint_made(endpoint: Endpoint, secret: str, *, renewed: bool) -> Message:
    """Return the answer with the signing secret, which is shown this once, to this person alone."""
    summary = "The new secret is shown this once." if renewed else "The address is told from now on."
    old = " The secret before it goes on to be valid for 24 hours." if renewed else ""
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary), f"{old} Only you see this message.")),
        Facts(
            (
                ("Id", (Code(endpoint.id),)),
                ("Address", (Code(_short(endpoint.url)),)),
                ("Told of", (", ".join(EVENTS[event] for event in endpoint.events),)),
                ("Signing secret", (Code(secret),)),
            )
        ),
        Paragraph(
            (
                Strong("Next step: "),
                "keep the secret where your receiver reads it, then try it with ",
                Code(f"/data webhooks {endpoint.id} test"),
                ".",
            )
        ),
        Note(
            ("Messages are signed by the Standard Webhooks specification; libraries for most languages verify them.",)
        ),
    )
    return Message(summary, parts, kind="webhooks")


def endpoint_shown(endpoint: Endpoint, sent: Sequence[Send], now: datetime) -> Message:
    """Return one receiver and what was sent to it lately."""
    rows = tuple(
        ((When(one.created_at),), (EVENTS[one.type],), _became(one, now), (Code(one.message_id),)) for one in sent
    )
    listed: tuple[Part, ...] = (Table("Newest first", ("When", "What", "What became of it", "Message"), rows),)
    nothing: tuple[Part, ...] = (Paragraph(("Nothing was sent there in the last five weeks.",)),)
    parts: tuple[Part, ...] = (
        Heading("Webhooks to one address"),
        Facts(
            (
                ("Address", (Code(_short(endpoint.url)),)),
                ("Told of", (", ".join(EVENTS[event] for event in endpoint.events),)),
                ("How it stands", _standing(endpoint, now)),
            )
        ),
        *(listed if rows else nothing),
    )
    return Message(f"Webhooks to {_short(endpoint.url)}.", parts, kind="webhooks")


def endpoint_changed(endpoint: Endpoint, what: str) -> Message:
    """Return the answer to something that was done with a receiver."""
    words: Words = (what, " ", Code(_short(endpoint.url)), ".")
    after: Words = ("What became of it: ", Code(f"/data webhooks {endpoint.id}"))
    return say(f"{what} {_short(endpoint.url)}.", words, after, kind="webhooks")


def endpoint_removed(endpoint: Endpoint) -> Message:
    """Return the answer to a receiver that is forgotten."""
    summary = f"Nothing is sent to {_short(endpoint.url)} any more."
    return say(summary, ("Nothing is sent to ", Code(_short(endpoint.url)), " any more."), kind="webhooks")


def webhooks_refused(why: str) -> Message:
    """Return the answer to what could not be done."""
    summary = f"{label(why)[:1].upper()}{label(why)[1:].rstrip('.')}. Nothing was changed."
    return say(summary, (summary,), _HOW, kind="webhooks")


def webhooks_usage(said: str) -> Message:
    """Return the answer to words that mean nothing here."""
    summary = f"“{shorten(label(said), 60)}” means nothing here. Nothing was changed."
    return say(summary, (summary,), _HOW, kind="webhooks")


def endpoint_stopped(organization: str, endpoint_id: str, url: str, because: str, at: datetime) -> Message:
    """Return the warning to admins that nothing is sent there any more, so that nobody waits for it."""
    summary = f"{label(organization)}: webhooks to {_short(url)} are stopped, because {label(because)}."
    parts: tuple[Part, ...] = (
        Paragraph((Strong("Webhooks to "), Code(_short(url)), Strong(" are stopped."))),
        Paragraph((f"Why: {label(because)}. Stopped: ", When(at), ".")),
        Paragraph(("Whatever imports by itself when they come is told nothing now, and shows older data.",)),
        Paragraph(
            (
                Strong("Next step: "), "when the receiver works again, start it with ",
                Code(f"/data webhooks {endpoint_id} test"), ", then send what it missed with ",
                Code(f"/data webhooks {endpoint_id} replay 120h"), ".",
            )
        ),
    )  # fmt: skip
    return Message(summary, parts, kind="endpoint_stopped")


def _standing(one: Endpoint, now: datetime) -> Words:
    if one.stopped_at is not None:
        return ("stopped ", When(one.stopped_at, now), f": {label(one.stopped_because)}")
    if one.failing_since is not None:
        return ("accepts nothing since ", When(one.failing_since, now))
    return ("works",)


def _became(one: Send, now: datetime) -> tuple[Inline, ...]:
    if one.state is SendState.SENT and one.sent_at is not None:
        return ("accepted ", When(one.sent_at, now), f" ({label(one.answer)})")
    if one.state is SendState.FAILED:
        return (f"given up after {ATTEMPTS} attempts: {label(one.answer)}",)
    if one.attempts == 0 or one.due_at is None:
        return ("is being sent",)
    return (
        f"attempt {one.attempts} of {ATTEMPTS}: {label(one.answer, empty='under way')}; next ",
        When(one.due_at, now),
    )


def _short(url: str) -> str:
    return shorten(label(url), _ADDRESS)
