"""Modals: the same words as the notices, with something to choose."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import Buttons, Choice, Form, Heading, Paragraph, TextInput
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices import confirm_refresh
from templates.text import label, size
from templates.words import source_title

#: Name and values of the choice in the confirm modal.
WHICH, EVERYTHING, STALE = "which", "everything", "stale"
#: Names and values of the inputs that confirm a disconnect.
DATA, KEEP, ERASE = "data", "keep", "erase"
NAME = "name"
#: A longer name is not shown as what has to be typed.
_LONG = 200


def confirm_refresh_form(
    organization: str, statuses: Sequence[SourceStatus], now: datetime, *, private: str, admins: Sequence[str] = ()
) -> Form:
    """Return the confirm card as a modal: what is fresh can be left out; with nothing to refresh, only words."""
    card = confirm_refresh(organization, statuses, now, value="", admins=admins)
    parts = tuple(part for part in card.parts if not isinstance(part, Heading | Buttons))
    able = [entry for entry in statuses if entry.source.connection is not ConnectionState.DISCONNECTED]
    stale = sum(entry.freshness is not Freshness.FRESH for entry in able)
    options = ((EVERYTHING, f"Everything ({len(able)})"), (STALE, f"Only what is not fresh ({stale})"))
    choice = (Choice(WHICH, "What should be refreshed?", options, EVERYTHING),) if 0 < stale < len(able) else ()
    submit = "Confirm" if able else ""
    return Form(actions.REFRESH_CONFIRM, "Refresh", submit, parts, choice, private, "Cancel" if able else "Close")


def disconnect_form(source: Source, names: Sequence[str], *, private: str, only_data: bool = False) -> Form:
    """Return the form that confirms a disconnect: what becomes of the data, and the name, typed."""
    options = ((KEEP, "Keep the data as it is"), (ERASE, "Erase the data too; this cannot be undone"))
    choice = () if only_data else (Choice(DATA, "What becomes of its data?", options),)
    shown = [label(name) for name in names if size(name) <= _LONG]
    typed = TextInput(NAME, f"Type {' or '.join(shown[:2])} to confirm")
    verb = "Erase" if only_data else "Disconnect"
    what = f"{source_title(source)} is disconnected already; its data is erased." if only_data else source_title(source)
    return Form(actions.DISCONNECT_FORM, verb, verb, (Paragraph((what,)),), (*choice, typed), private)
