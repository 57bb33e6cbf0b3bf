"""Muted alarms, as status answers name them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.facts.incidents import IncidentKind
from storage.facts.messages import Code, Note, Part, When
from storage.facts.mutes import Mute, holding
from storage.facts.sources import Source
from templates.notices.pieces import Words
from templates.text import counted, label
from templates.words import long_names

MUTED_ABOUT: Mapping[IncidentKind, str] = {IncidentKind.LATE: "late data", IncidentKind.FAILING: "failing runs"}
#: Mutes that a status answer of many sources names.
_NAMED = 3


def mute_rows(source: Source, now: datetime) -> tuple[tuple[str, Words], ...]:
    """Return the row of a status answer about muted alarms; none where none is."""
    return tuple(("Alarms", muted_until(mute)) for mute in holding(source.mutes, now))


def mute_notes(sources: Sequence[Source], now: datetime) -> list[Part]:
    """Return the lines below a table of sources about muted alarms."""
    names = long_names(sources)
    found = [(names[source.id], mute) for source in sources for mute in holding(source.mutes, now)]
    parts: list[Part] = [Note((f"{name}: alarms ", *muted_until(mute), ".")) for name, mute in found[:_NAMED]]
    more = len(found) - _NAMED
    return [*parts, Note((f"… and {counted(more, 'more mute')}: ", Code("/data mute")))] if more > 0 else parts


def muted_until(mute: Mute) -> Words:
    """Return who muted what until when."""
    return (f"about {MUTED_ABOUT[mute.kind]} are muted by {label(mute.name)} until ", When(mute.until))
