"""Connecting: what can be connected, the link for one person, and why there is none."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Heading,
    Link,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.sources import ConnectionState, Provider, Source
from templates import actions
from templates.notices.answers import say
from templates.notices.pieces import reconnect_button
from templates.text import label
from templates.words import provider_name, source_name, source_title

#: Provider, one line about what connecting it brings, address of its help page.
Offered = tuple[Provider, str, str]


def catalogue(organization: str, offers: Sequence[Offered]) -> Message:
    """Return what can be connected, each with one line, a help link and a button."""
    lines = [
        Paragraph((Strong(provider_name(provider)), f": {label(line)} ", Link(help_url, "How it works")))
        for provider, line, help_url in offers
    ]
    buttons = tuple(
        Button(f"Connect {provider_name(provider)}", actions.CONNECT, provider.value) for provider, _, _ in offers
    )
    note = Note(("You get a link for yourself alone. Nothing is connected before you confirm it on the page.",))
    parts: tuple[Part, ...] = (Heading("New connection"), *lines, Buttons(buttons), note)
    return Message(f"{label(organization)}: choose what to connect.", parts, kind="catalogue")


def connect_link(
    organization: str, provider: Provider, url: str, until: datetime, *, source: Source | None = None
) -> Message:
    """Return the link of one person to the page where they connect, or reconnect, one account."""
    name = source_name(source) if source else provider_name(provider)
    verb = "reconnect" if source else "connect"
    summary = f"Your link to {verb} {name} to {label(organization)}. It works once, for you alone."
    words = (
        f"Here is your link to {verb} ",
        Strong(name),
        f" to {label(organization)}. It works once, until ",
        When(until),
        ", and for you alone: please do not pass it on.",
    )
    open_it = Button("Open the connect page", actions.OPEN_LINK, style=ButtonStyle.PRIMARY, url=url)
    keeps = (Note((f"{name} keeps its history and its data when you reconnect it.",)),) if source else ()
    return Message(summary, (Paragraph(words), Buttons((open_it,)), *keeps), kind="connect_link")


def already_connected(organization: str, source: Source) -> Message:
    """Return the answer to somebody who connects a second account where there is one per organization."""
    name = provider_name(source.provider)
    summary = f"{label(organization)} has a {name} company already: {label(source.company)}."
    words = (
        f"{label(organization)} has a {name} company already: ",
        Strong(source_title(source)),
        f" ({label(source.label)}). There is one {name} company per organization, so no second one was started.",
    )
    step = (Strong("Next step:"), " reconnect it, or disconnect it first with ", Code("/data disconnect"), ".")
    return Message(
        summary,
        (Paragraph(words), Paragraph(step), Buttons((reconnect_button(source),))),
        kind="already_connected",
    )


def choose_reconnect(organization: str, sources: Sequence[Source]) -> Message:
    """Return the question which source shall be reconnected, the disconnected ones first."""
    if not sources:
        return say(f"{label(organization)} has no sources yet. Start with /data connect.")
    waiting = sorted(sources, key=lambda source: source.connection is not ConnectionState.DISCONNECTED)[:5]
    buttons = tuple(reconnect_button(source, source_title(source)) for source in waiting)
    lost = [source for source in sources if source.connection is ConnectionState.DISCONNECTED]
    said = "Which source shall be reconnected?" if lost else "Nothing is disconnected. Reconnect one anyway?"
    return Message(said, (Paragraph((said,)), Buttons(buttons)), kind="choose_reconnect")


def not_connectable(organization: str, said: str) -> Message:
    """Return the answer where a link cannot be made; `said` is why, in plain words."""
    return say(f"{label(organization)}: {label(said)} Nothing was started.", kind="not_connectable")
