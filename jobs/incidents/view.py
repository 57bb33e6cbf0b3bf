"""An incident as facts for its messages."""

from datetime import datetime, timedelta

from jobs.dependents import dependents_of
from jobs.incidents.trouble_view import group_is_over, trouble_message
from storage.facts.messages import Message
from storage.facts.sources import Source
from storage.records import audit, connections, incidents, last_runs, organizations, sources
from storage.records.grouping import SHARED
from storage.sessions import Session
from templates import notices

#: A ticket tells what was tried lately.
_STEPS_OF = timedelta(days=7)


def incident_message(session: Session, incident_id: str, now: datetime, *, reminder: int = 0) -> Message:
    """Return what an incident says now; `reminder` counts the reminders from 1. KeyError for one that is gone."""
    found = incidents.find(session, incident_id)
    if found is None:
        raise KeyError(incident_id)
    if found.kind in SHARED:
        return trouble_message(session, found.message_id, now)
    source = sources.source(session, found.source_id)
    last = last_runs.ready_of(session, [source.id]).get(source.id)
    facts = notices.IncidentFacts(
        organization=organizations.organization(session, found.organization_id).name,
        source=source,
        incident=found,
        last_data_refresh=last.clocks.source_as_of if last else None,
        owner=_owner(session, source),
        admins=tuple(admin.name for admin in organizations.admins(session, found.organization_id)),
        now=now,
        streams=tuple(name.replace("_", " ") for name in last.counts) if last else (),
        dependents=tuple(dependents_of(session, source)),
    )
    return notices.incident_reminder(facts, reminder) if reminder else notices.incident(facts)


def expiry_message(session: Session, subject: str, now: datetime) -> Message:
    """Return the warning before a grant ends; `subject` names the source first."""
    source = sources.source(session, subject.partition(".")[0])
    organization = organizations.organization(session, source.organization_id).name
    return notices.expiry_warning(organization, source, connections.end_of(session, source.id), now)


def ticket_message(session: Session, subject: str, now: datetime) -> Message:
    """Return a ticket as support reads it; `subject` names ticket, source and whoever asks."""
    ticket_id, source_id, member_id = subject.split(".")
    source = sources.source(session, source_id)
    last = last_runs.ready_of(session, [source.id]).get(source.id)
    return notices.connection_ticket(
        ticket_id,
        organizations.organization(session, source.organization_id).name,
        source,
        asked_by=organizations.member(session, member_id),
        last_data_refresh=last.clocks.source_as_of if last else None,
        steps=steps_of(session, source, now - _STEPS_OF),
    )


def steps_of(session: Session, source: Source, since: datetime) -> list[tuple[datetime, str]]:
    """Return what the audit says about the source since then, newest last: (when, what)."""
    entries = audit.newest(session, source.organization_id, 100)
    about = [row for row in entries if source.id in (row.object_id, row.detail.get("source")) and row.at >= since]
    return [(row.at, row.action) for row in reversed(about)][-8:]


def is_over(session: Session, incident_id: str) -> bool:
    """Whether the incident's message will not change any more."""
    found = incidents.find(session, incident_id)
    if found is not None and found.kind in SHARED:
        return group_is_over(session, found.message_id)
    return found is None or found.resolved_at is not None


def _owner(session: Session, source: Source) -> str | None:
    member_id = sources.owner_of(session, source.id)
    return organizations.member(session, member_id).name if member_id else None
