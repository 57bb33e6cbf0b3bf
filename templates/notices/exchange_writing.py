"""Whether Tidings may create orders in QuickBooks: asked, allowed, taken back, and told to every admin."""

from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Strong,
    When,
)
from storage.facts.sources import Source
from templates import actions
from templates.notices.answers import say, tell
from templates.text import full_stop, label
from templates.words import source_title

_ONLY = "Nothing else is ever written: no invoice, no payment, no customer."
_ASK = (
    "Until now Tidings only reads there. Orders of PocketAdvantage would become Estimates, or sales orders in a"
    " QuickBooks Desktop that an admin registered. "
)
_STOP = "New orders wait then, those for QuickBooks Desktop too, and none is lost. What was created stays."


def writing_ask(organization: str, books: Source, *, allowed: bool) -> Message:
    """Return the question whether orders may be created there, or what stands and how it is taken back."""
    title = source_title(books)
    leave = Button("Leave it", actions.REFRESH_DISMISS)
    if allowed:
        summary = full_stop(f"{label(organization)}: orders of PocketAdvantage become Estimates in {title}")
        go = Button("Stop creating orders", actions.EXCHANGE_FORBID, books.id, ButtonStyle.DANGER)
        parts: tuple[Part, ...] = (
            Heading(f"Stop creating orders in {title}?"),
            Paragraph((_STOP,)),
            Buttons((go, leave)),
        )
        return Message(summary, parts, kind="orders_writing_ask")
    summary = f"{label(organization)}: allow Tidings to create orders in {title}? Nothing has changed yet."
    go = Button("Allow Tidings to create orders", actions.EXCHANGE_ALLOW, books.id, ButtonStyle.PRIMARY)
    parts = (
        Heading(f"Allow Tidings to create orders in {title}?"),
        Paragraph((_ASK, _ONLY)),
        Buttons((go, leave)),
        Note(("Every admin is told. ", Code("/data exchange stop orders"), " takes it back at any time.")),
    )
    return Message(summary, parts, kind="orders_writing_ask")


def writing_changed(books: Source, *, allowed: bool, changed: bool) -> Message:
    """Return the answer to whoever allowed it, or took it back."""
    title = source_title(books)
    now = full_stop(f"Tidings {'may create orders' if allowed else 'creates no more orders'} in {title}")
    before = "" if changed else " That was so already; nothing was changed."
    after = " Waiting orders go with the next turn. " if allowed and changed else " "
    back = "stop orders" if allowed else "allow orders"
    words = (Strong(now), f"{before}{after}To change it: ", Code(f"/data exchange {back}"), ".")
    return say(now, words, kind="orders_writing")


def writing_none(organization: str) -> Message:
    """Return the answer where there is no QuickBooks company."""
    summary = f"{label(organization)} has no QuickBooks company connected, so there is nowhere to create orders."
    return tell(summary, (Strong("Next step: "), "an admin connects one with ", Code("/data connect quickbooks"), "."))


def writing_refused(said: str) -> Message:
    """Return the answer where it is not possible now."""
    return say(f"Nothing was changed: {label(said)}.", kind="orders_writing")


def writing_told(who: Person, books: Source, at: datetime, *, allowed: bool) -> Message:
    """Return what every admin is told."""
    title = source_title(books)
    did = "allowed Tidings to create orders in" if allowed else "stopped Tidings from creating orders in"
    back = "/data exchange stop orders" if allowed else "/data exchange allow orders"
    what = "Orders of PocketAdvantage become Estimates there. " if allowed else "New orders wait; none is lost. "
    parts: tuple[Part, ...] = (
        Paragraph((who, f" {did} ", Strong(full_stop(title)))),
        Facts((("Source", (label(books.label),)), ("When", (When(at),)))),
        Paragraph((what, _ONLY) if allowed else (what,)),
        Note(("Every admin is told. Unexpected? ", Code(back), ", and tell support.")),
    )
    return Message(full_stop(f"{label(who.name)} {did} {title}"), parts, kind="orders_writing")
