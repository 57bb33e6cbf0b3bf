"""Incidents: one thing that is wrong with a source, told once and edited until it is resolved."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class IncidentKind(StrEnum):
    """What is wrong."""

    DISCONNECTED = "disconnected"


class Resolution(StrEnum):
    """How it ended."""

    RECONNECTED = "reconnected"
    #: the provider accepts the stored grant again: nobody had to do anything
    CLEARED = "cleared"
    #: a person disconnected the source on purpose
    DISCONNECTED_BY_PERSON = "disconnected_by_person"
    #: the provider had all data of the account erased here: nothing is left that could be reconnected to
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that is wrong."""

    id: str
    organization_id: str
    source_id: str
    kind: IncidentKind
    #: what was noticed, in safe words
    reason: str
    opened_at: datetime
    #: when the next reminder is due; None once nothing is
    due_at: datetime | None
    reminders: int
    resolved_at: datetime | None
    resolution: Resolution | None
