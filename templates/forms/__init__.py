"""Modals: the same words as the notices, with something to choose."""

from collections.abc import Sequence

from storage.facts.messages import Choice, Form, Paragraph, TextInput
from storage.facts.sources import Source
from templates import actions
from templates.text import label, size
from templates.words import source_title

#: Names and values of the inputs that confirm a disconnect.
DATA, KEEP, ERASE = "data", "keep", "erase"
NAME = "name"
#: A longer name is not shown as what has to be typed.
_LONG = 200


def disconnect_form(source: Source, names: Sequence[str], *, private: str, only_data: bool = False) -> Form:
    """Return the form that confirms a disconnect: what becomes of the data, and the name, typed."""
    options = ((KEEP, "Keep the data as it is"), (ERASE, "Erase the data too; this cannot be undone"))
    choice = () if only_data else (Choice(DATA, "What becomes of its data?", options),)
    shown = [label(name) for name in names if size(name) <= _LONG]
    typed = TextInput(NAME, f"Type {' or '.join(shown[:2])} to confirm")
    verb = "Erase" if only_data else "Disconnect"
    what = f"{source_title(source)} is disconnected already; its data is erased." if only_data else source_title(source)
    return Form(actions.DISCONNECT_FORM, verb, verb, (Paragraph((what,)),), (*choice, typed), private)
