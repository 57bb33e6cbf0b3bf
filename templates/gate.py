"""How a source stands, in the one phrase that is said wherever freshness is said."""

from collections.abc import Sequence

from storage.facts.gates import Barrier, Blocked, blocked
from storage.facts.sources import Freshness
from storage.facts.status import SourceStatus
from templates.text import label, listed
from templates.words import FRESHNESS

_BARRIERS = {
    Barrier.UNREAD: "could not be read",
    Barrier.HELD: "held, because far fewer records came",
    Barrier.UNPROCESSED: "what was collected last is not ready to import",
}


def state_words(status: SourceStatus) -> str:
    """Return ``fresh``, ``fresh but blocked: Inventory could not be read``, ``late: we are looking into it``."""
    words = FRESHNESS[status.freshness]
    if status.source.alarm_held_at is not None and status.freshness in {Freshness.LATE, Freshness.OVERDUE}:
        words += ": we are looking into it"
    told = blocked_words(blocked(status))
    if not told:
        return words
    joint = " but blocked: " if status.freshness is Freshness.FRESH else ", and blocked: "
    return f"{words}{joint}{told}"


def blocked_words(found: Sequence[Blocked]) -> str:
    """Return what does not get through: ``Inventory could not be read; orders held, because far fewer …``."""
    told = []
    for barrier in Barrier:
        named = [label(one.label, empty="") for one in found if one.barrier is barrier]
        if named:
            which = listed([name for name in named if name], most=2)
            told.append(f"{which} {_BARRIERS[barrier]}".strip())
    return "; ".join(told)
