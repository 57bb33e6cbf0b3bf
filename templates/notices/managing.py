"""What admins may do with connections, beside the status of the sources: reconnect and disconnect."""

from collections.abc import Sequence

from storage.facts.messages import Button, Code, Note, Paragraph, Part, Strong
from storage.facts.sources import Provider, Source
from templates import actions
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
