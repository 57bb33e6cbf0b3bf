"""What may be done with one source: the four most useful things beside its row, and everything in a form."""

from collections.abc import Callable

from storage.facts.messages import Button, Buttons, ButtonStyle, Form, Paragraph, Part
from storage.facts.people import Action
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider
from storage.facts.status import SourceStatus
from templates import actions
from templates.words import provider_name

#: Entries of a row beside "More": Slack's menus have five.
_MOST = 4


def row_menu(
    status: SourceStatus,
    may: frozenset[Action],
    manages: frozenset[Provider],
    refresh_value: Callable[[str | None], str],
) -> tuple[Button, ...]:
    """Return the most useful entries for how the source stands and what the person may do, and the way to the rest."""
    entries = possible(status, may, manages, refresh_value)[:_MOST]
    return (*entries, Button("More …", actions.SOURCE_MORE, status.source.id))


def possible(
    status: SourceStatus,
    may: frozenset[Action],
    manages: frozenset[Provider],
    refresh_value: Callable[[str | None], str],
) -> list[Button]:
    """Return all that the person may do with the source as it stands, the most useful first; nothing else."""
    source = status.source
    every = {
        "refresh": _able(status) and Action.START_REFRESH in may,
        "reconnect": source.provider in manages,
        "history": Action.SEE_HISTORY in may,
        "why": Action.SEE_STATUS in may,
        "schedule": Action.SEE_STATUS in may,
        "mute": Action.MUTE_ALARMS in may,
        "disconnect": source.provider in manages,
    }
    buttons = {
        "refresh": Button("Refresh", actions.REFRESH_ASK, refresh_value(source.id)),
        "reconnect": Button("Reconnect", actions.RECONNECT, source.id),
        "history": Button("History", actions.HISTORY, source.id),
        "why": Button("Why?", actions.WHY, source.id),
        "schedule": Button("Schedule", actions.SCHEDULE, source.id),
        "mute": Button("Mute …", actions.MUTE, source.id),
        "disconnect": Button(
            "Erase its data …" if source.on_purpose else "Disconnect …", actions.DISCONNECT, source.id
        ),
    }
    return [buttons[name] for name in _order(status) if every[name]]


def _order(status: SourceStatus) -> tuple[str, ...]:
    """Return the names, the most useful first."""
    source = status.source
    if source.connection is not ConnectionState.CONNECTED:
        return ("reconnect", "why", "refresh", "history", "disconnect", "mute", "schedule")
    if status.active is not None:
        return ("why", "history", "schedule", "mute", "refresh", "disconnect", "reconnect")
    if status.freshness is not Freshness.FRESH:
        return ("refresh", "why", "history", "mute", "schedule", "reconnect", "disconnect")
    return ("refresh", "history", "schedule", "disconnect", "why", "mute", "reconnect")


def _able(status: SourceStatus) -> bool:
    """Whether asking for a refresh can begin anything: files are delivered, and what runs is joined by itself."""
    source = status.source
    lost = source.connection is ConnectionState.DISCONNECTED
    return not lost and status.active is None and source.mode is not CollectMode.PUSH


def waiting(source_name: str) -> Form:
    """Return the form about a source as it opens, at once; a moment later it is filled."""
    return Form(actions.SOURCE_MORE, source_name or "Tidings", "", (Paragraph(("One moment …",)),), close="Close")


def source_form(status: SourceStatus, said: tuple[Part, ...], entries: list[Button]) -> Form:
    """Return everything about a source, with all that may be done."""
    first = [Button(one.text, one.action, one.value, ButtonStyle.PRIMARY) for one in entries[:1]]
    told = tuple(part for part in said if not isinstance(part, Buttons))
    parts: tuple[Part, ...] = (*told, Buttons((*first, *entries[1:])))
    return Form(actions.SOURCE_MORE, provider_name(status.source.provider), "", parts, close="Close")
