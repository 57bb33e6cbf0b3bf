"""An incident as facts for its messages."""

from datetime import datetime

from storage.facts.messages import Message
from storage.facts.sources import Source
from storage.records import connections, incidents, organizations, runs, sources
from storage.sessions import Session
from templates import notices


def incident_message(session: Session, incident_id: str, now: datetime, *, reminder: int = 0) -> Message:
    """Return what an incident says now; `reminder` counts the reminders from 1. KeyError for one that is gone."""
    found = incidents.find(session, incident_id)
    if found is None:
        raise KeyError(incident_id)
    source = sources.source(session, found.source_id)
    last = runs.last_ready_of(session, [source.id]).get(source.id)
    facts = notices.IncidentFacts(
        organization=organizations.organization(session, found.organization_id).name,
        source=source,
        incident=found,
        last_data_refresh=last.clocks.source_as_of if last else None,
        owner=_owner(session, source),
        admins=tuple(admin.name for admin in organizations.admins(session, found.organization_id)),
        now=now,
    )
    return notices.incident_reminder(facts, reminder) if reminder else notices.incident(facts)


def expiry_message(session: Session, subject: str, now: datetime) -> Message:
    """Return the warning before a grant ends; `subject` names the source first."""
    source = sources.source(session, subject.partition(".")[0])
    organization = organizations.organization(session, source.organization_id).name
    return notices.expiry_warning(organization, source, connections.end_of(session, source.id), now)


def is_over(session: Session, incident_id: str) -> bool:
    """Whether the incident's message will not change any more."""
    found = incidents.find(session, incident_id)
    return found is None or found.resolved_at is not None


def _owner(session: Session, source: Source) -> str | None:
    member_id = sources.owner_of(session, source.id)
    return organizations.member(session, member_id).name if member_id else None
