"""Incidents: one thing that is wrong with a source, told once and edited until it is resolved."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class IncidentKind(StrEnum):
    """What is wrong."""

    DISCONNECTED = "disconnected"
    #: its data is older than promised
    LATE = "late"
    #: its runs fail
    FAILING = "failing"


class Resolution(StrEnum):
    """How it ended."""

    RECONNECTED = "reconnected"
    #: the provider accepts the stored grant again: nobody had to do anything
    CLEARED = "cleared"
    #: a person disconnected the source on purpose
    DISCONNECTED_BY_PERSON = "disconnected_by_person"
    #: the provider had all data of the account erased here: nothing is left that could be reconnected to
    ERASED = "erased"
    #: a run became ready, and the source is inside its promise
    RECOVERED = "recovered"
    #: the source is disconnected, which has an incident of its own
    SUPERSEDED = "superseded"
    #: a person switched its schedule off, or asked not to be told
    STOPPED_BY_PERSON = "stopped_by_person"
    #: another promise or schedule holds now, and it is kept
    PROMISE_CHANGED = "promise_changed"
    #: it was never told, because the fault was ours and is over
    NOT_TOLD = "not_told"


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
    #: when people were told; None while it waits for the fleet check
    told_at: datetime | None = None
    #: the incident whose message tells of this one as well
    lead_id: str | None = None
    #: how often it came back before it was over for good
    times: int = 1
    #: the fleet alarm that keeps it from being told
    held_by: str | None = None
    #: who has it in hand, since when, and until when nobody is reminded for that
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_until: datetime | None = None
    #: who wants to hear nothing of it, and until when
    snoozed_by: str | None = None
    snoozed_until: datetime | None = None

    @property
    def message_id(self) -> str:
        """The incident whose message tells of it."""
        return self.lead_id or self.id
