"""When a connection does not work: what to try, what a test says, and the ticket for support."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
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
from storage.facts.people import Member
from storage.facts.sources import Source
from templates import actions
from templates.notices.answers import say
from templates.notices.audit import did
from templates.notices.pieces import reconnect_button
from templates.text import label
from templates.words import CONNECTION, provider_name, source_name, source_title


def connection_help(organization: str, source: Source, *, may_reconnect: bool, admins: Sequence[str]) -> Message:
    """Return what to try, in the order in which it helps most often."""
    name = provider_name(source.provider)
    again = "Reconnect it with the button below." if may_reconnect else f"Ask {' or '.join(map(label, admins))} to."
    steps: tuple[tuple[str, tuple[Inline, ...]], ...] = (
        ("1. Test", (f"Tidings asks {name} now whether it accepts the connection.",)),
        ("2. Reconnect", (f"{again} Sign in as somebody who may give access to {label(source.company)}.",)),
        ("3. Network", (f"Can you open {name} in the same browser? A proxy or blocker may stop its page.",)),
        ("4. Support", ("Open a ticket: it is filled in already, and you only add a screenshot.",)),
    )
    buttons = [
        Button("Test", actions.CONNECTION_TEST, source.id, style=ButtonStyle.PRIMARY),
        *([reconnect_button(source)] if may_reconnect else []),
        Button("Open a ticket", actions.CONNECTION_TICKET, source.id),
    ]
    summary = f"{label(organization)}: what to try when {source_name(source)} does not work."
    parts: tuple[Part, ...] = (Heading(f"{source_title(source)} does not work?"), Facts(steps), Buttons(tuple(buttons)))
    return Message(summary, parts, kind="connection_help")


def connection_tested(source: Source, said: str | None, at: datetime) -> Message:
    """Return what a test said; `said` is what stands against the connection, in safe words."""
    name = source_title(source)
    if said is None:
        words: tuple[Inline, ...] = (
            Strong(name),
            f" works: {provider_name(source.provider)} accepts it. Accepted: ",
            When(at),
            ".",
        )
        return say(f"{name} works: the provider accepted it.", words, kind="connection_tested")
    against = label(said).rstrip(".")
    words = (Strong(name), f" does not work: {against}. Tested: ", When(at), ".")
    return Message(
        f"{name} does not work: {against}.",
        (
            Paragraph(words),
            Buttons((reconnect_button(source), Button("Open a ticket", actions.CONNECTION_TICKET, source.id))),
        ),
        kind="connection_tested",
    )


def ticket_opened(ticket_id: str) -> Message:
    """Return the answer to whoever opened a ticket."""
    words: tuple[Inline, ...] = (
        "Support has your ticket ",
        Code(ticket_id),
        " with the source, its state and what was tried.",
    )
    note = Note(("They answer you here in Slack. A screenshot of the page that fails helps: they will ask for one.",))
    return Message("Support has your ticket.", (Paragraph(words), note), kind="ticket_opened")


def connection_ticket(
    ticket_id: str,
    organization: str,
    source: Source,
    *,
    asked_by: Member,
    last_data_refresh: datetime | None,
    steps: Sequence[tuple[datetime, str]],
) -> Message:
    """Return a ticket as support reads it."""
    rows: tuple[tuple[str, tuple[Inline, ...]], ...] = (
        ("Organization", (label(organization),)),
        ("Asked by", (label(asked_by.name),)),
        ("Source", (source_name(source),)),
        ("Connection", (CONNECTION[source.connection],)),
        ("Since", (When(source.connection_since),)),
        ("Reason", (label(source.connection_reason or "none is known"),)),
        ("Last data refresh", (When(last_data_refresh),) if last_data_refresh else ("never",)),
        ("Ticket", (Code(ticket_id),)),
    )
    tried = tuple(((When(at),), (did(action),)) for at, action in steps)
    parts: list[Part] = [
        Heading(f"{label(organization)} cannot reconnect {provider_name(source.provider)}"),
        Facts(rows),
    ]
    if tried:
        parts.append(Table("What was tried", ("When", "What"), tried))
    parts.append(Note(("Please ask for a screenshot of the page that fails.",)))
    summary = f"{label(organization)} needs help: {source_name(source)} cannot be reconnected."
    return Message(summary, tuple(parts), kind="connection_ticket")
