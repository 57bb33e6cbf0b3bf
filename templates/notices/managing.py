"""What admins may do with connections, beside the status of the sources: reconnect, disconnect, connect another one."""

from collections.abc import Sequence
from dataclasses import replace

from storage.facts.messages import Button, Buttons, Code, Message, Note, Paragraph, Part, Rule, Strong
from storage.facts.own import Own
from storage.facts.sources import Provider, Source
from templates import actions
from templates.notices.own import own_parts
from templates.text import counted
from templates.words import long_names

#: Of more sources than this the menus would push out what they are about.
_MOST_MENUS = 15


def menu(source: Source, manages: frozenset[Provider]) -> tuple[Button, ...]:
    """Return what may be done with the connection of a source, by whoever may."""
    if source.provider not in manages:
        return ()
    ending = "Erase its data …" if source.on_purpose else "Disconnect …"
    return (
        Button("Reconnect", actions.RECONNECT, source.id),
        Button(ending, actions.DISCONNECT, source.id),
    )


def menus(sources: Sequence[Source], manages: frozenset[Provider]) -> list[Part]:
    """Return a line with a menu for each source of a table, which has no menus of its own."""
    names = long_names(sources)
    managed = [source for source in sources if source.provider in manages]
    lines: list[Part] = [
        Paragraph((Strong(names[source.id]),), menu(source, manages)) for source in managed[:_MOST_MENUS]
    ]
    if len(managed) > _MOST_MENUS:
        left = counted(len(managed) - _MOST_MENUS, "more source", "more sources")
        lines.append(Note((f"{left}: type ", Code("/data reconnect NAME"), " or ", Code("/data disconnect NAME"), ".")))
    return lines


def home(status: Message, *, connects: bool, own: Own | None = None) -> Message:
    """Return the App Home: the status, one's own messages, and for whoever may connect accounts the way to do it."""
    parts = status.parts
    if connects:
        new = Button("New connection", actions.CONNECT_ASK)
        where = Note(("What you press here is answered in the Messages tab.",))
        before, last = parts[:-1], parts[-1]
        if isinstance(last, Buttons):
            parts = (*before, Buttons((*last.buttons, new)), where)
        else:
            parts = (*parts, Buttons((new,)), where)
    if own is not None:
        parts = (*parts, Rule(), *own_parts(own))
    return replace(status, parts=parts)
