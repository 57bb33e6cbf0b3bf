"""Which message a delivery or a card says, from the facts as they are now."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from jobs.access_view import access_message, is_decided
from jobs.escalating.view import escalation_message
from jobs.expectations.missed_view import MISSED_REPORT, is_made_up, report_message
from jobs.incidents.joining import since_of
from jobs.incidents.muting import over_message
from jobs.incidents.trouble_view import fleet_message, is_quiet, joined_message, note_message
from jobs.incidents.view import expiry_message, incident_message, is_over, ticket_message
from jobs.notify.kinds import (
    ACCESS_ASKED,
    ACCESS_DECIDED,
    AGAIN,
    CONNECTION_TICKET,
    ESCALATION_CARD,
    ESCALATION_MAIL,
    ESCALATION_TOLD,
    EXPIRY_WARNING,
    FLEET_ALARM,
    INCIDENT_CARD,
    INCIDENT_MAIL,
    INCIDENT_NOTE,
    INCIDENT_REMINDER,
    MUTE_OVER,
    REFRESH_CARD,
    REFRESH_FINISHED,
    TEST,
)
from jobs.refresh.view import escalated_status
from storage.facts.messages import Message, Person
from storage.records import deliveries, escalations, organizations, receipts, refreshes
from storage.sessions import Session
from templates import notices
from templates.notices import telling

_OF_INCIDENTS = frozenset({INCIDENT_CARD, INCIDENT_MAIL, INCIDENT_REMINDER})
_OF_ACCESS = frozenset({ACCESS_ASKED, ACCESS_DECIDED})
_PLAIN: Mapping[str, Callable[[Session, str, datetime], Message]] = {
    INCIDENT_NOTE: note_message,
    FLEET_ALARM: fleet_message,
    CONNECTION_TICKET: ticket_message,
    EXPIRY_WARNING: expiry_message,
    MUTE_OVER: over_message,
    MISSED_REPORT: report_message,
}
#: Who asked, where that is nobody's business.
_SOMEBODY = "a colleague"


def message_for(
    session: Session, kind: str, subject: str, now: datetime, *, in_channel: bool = False, named: bool = True
) -> Message:
    """Return what is said; KeyError for a subject that is gone. Not `named`: without the names of who asked."""
    if kind in _OF_INCIDENTS:
        incident_id, _, number = subject.partition(".")
        if since_of(number) is not None:
            return joined_message(session, subject, now, in_thread=False)
        return incident_message(session, incident_id, now, reminder=int(number or 0))
    if kind in {AGAIN, TEST}:
        return telling.test_message(subject, now) if kind == TEST else _again(session, subject, now)
    if kind in _OF_ACCESS:
        return access_message(session, subject)
    if kind in _PLAIN:
        return _PLAIN[kind](session, subject, now)
    return _about_refresh(session, kind, subject, now, in_channel=in_channel, named=named)


def _again(session: Session, subject: str, now: datetime) -> Message:
    """Return what another delivery says, as things stand now, and when that one was first asked for."""
    first = deliveries.delivery(session, subject.partition(".")[0])
    return telling.once_more(message_for(session, first.kind, first.subject, now), first.created_at)


def _about_refresh(
    session: Session, kind: str, subject: str, now: datetime, *, in_channel: bool, named: bool
) -> Message:
    refresh = escalated_status(session, subject, now)
    if not named:
        refresh = replace(refresh, requested_by=_SOMEBODY if refresh.requested_by else None, people=(), goes_on_for={})
    listed = receipts.ids_of(session, [run.id for _, run in refresh.runs])
    admins = [admin.name for admin in organizations.admins(session, refresh.organization_id)]
    if kind == REFRESH_CARD:
        value = None if refresh.finished_at else subject
        return notices.refresh_card(refresh, now, cancel_value=value, receipts=listed, admins=admins)
    if kind == REFRESH_FINISHED:
        people = _people(session, subject) if in_channel else ()
        zone = organizations.organization(session, refresh.organization_id).timezone
        return notices.refresh_finished(refresh, receipts=listed, people=people, admins=admins, zone=zone)
    if kind == ESCALATION_TOLD:
        return notices.escalation_told(refresh, now)
    if kind in {ESCALATION_CARD, ESCALATION_MAIL}:
        return escalation_message(session, subject, now)
    raise KeyError(kind)


def is_final(session: Session, subject: str) -> bool:
    """Whether nothing about the subject will change any more."""
    if subject.startswith("inc_"):
        return is_over(session, subject.partition(".")[0])
    if subject.startswith("flt_"):
        return is_quiet(session, subject)
    if subject.startswith("mis_"):
        return is_made_up(session, subject)
    if subject.startswith("acr_"):
        return is_decided(session, subject)
    found = escalations.find(session, subject)
    return found is not None and found.finished_at is not None


def _people(session: Session, refresh_id: str) -> tuple[Person, ...]:
    found = refreshes.people_of(session, refresh_id)
    return tuple(Person(person.name, person.team_id, person.user_id) for person in found)
