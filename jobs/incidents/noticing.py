"""A connection is lost, or back: state, incident, messages and audit in one transaction.

Everybody who notices comes through here: a refused token, a provider's event, a look at what lies still.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs import dependents
from jobs.incidents.lateness import watch
from jobs.incidents.trouble import end_all
from jobs.notify.notifier import Notifier
from jobs.outgoing import events
from jobs.promises import GRACE
from storage.facts.dependents import Dependent
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.sources import ConnectionState
from storage.records import audit, incidents, sources
from storage.sessions import Session
from templates.words import PROVIDERS

#: After the first message: one day, three, seven, then every week.
REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
WEEKLY = timedelta(days=7)
LOST, BACK = "connection_lost", "connection_back"
_SYSTEM = "system"
#: Codes of a renewal that the provider neither granted nor plainly refused; what is stored stays as it is.
_NO_RENEWAL = frozenset({"token_malformed", "token_refused", "invalid_client"})
_NOT_RENEWED = "the access could not be renewed: what {} answers to that cannot be used. The access from before is kept"


def lost(session: Session, source_id: str, reason: str, now: datetime, notifier: Notifier) -> bool:
    """Say that a source is disconnected, once; return whether that is news. Take the organization's lock first.

    `reason` is safe words: what was noticed.
    """
    source = sources.source(session, source_id)
    if source.on_purpose:
        # What a person disconnected is refused everywhere, as it should be.
        return False
    sources.set_connection(session, source_id, ConnectionState.DISCONNECTED, reason, now)
    still = dependents.said(dependents.freeze(session, source, reason, now))
    opened = incidents.open_one(
        session,
        source.organization_id,
        source_id,
        IncidentKind.DISCONNECTED,
        reason,
        now,
        remind_at=now + REMINDERS[0],
    )
    if opened is None:
        return False
    end_all(session, source_id, Resolution.SUPERSEDED, now, notifier)
    audit.record(session, source.organization_id, _SYSTEM, LOST, source_id, now, {"reason": reason, "frozen": still})
    notifier.incident(session, opened, source, now)
    events.source_disconnected(session, source, opened, reason, now)
    return True


def judged(session: Session, source_id: str, code: str | None, now: datetime) -> None:
    """Let the end of a run say whether the access can be renewed; `code` is its failure's, None for a good one."""
    source = sources.source(session, source_id)
    reason = _NOT_RENEWED.format(PROVIDERS[source.provider])
    if code in _NO_RENEWAL and source.connection is ConnectionState.CONNECTED:
        sources.set_connection(session, source_id, ConnectionState.ATTENTION, reason, now)
    elif code is None and source.connection is ConnectionState.ATTENTION and source.connection_reason == reason:
        sources.set_connection(session, source_id, ConnectionState.CONNECTED, None, now)


def back(
    session: Session,
    source_id: str,
    resolution: Resolution,
    now: datetime,
    notifier: Notifier,
    thawed: Sequence[Dependent] = (),
) -> bool:
    """End what was said about a lost connection; return whether anything was open. `thawed`: what goes on with it."""
    if resolution in {Resolution.RECONNECTED, Resolution.CLEARED}:
        # What is caught up now gets the time that a run may take.
        watch(session, sources.source(session, source_id), now + GRACE, now)
    else:
        end_all(session, source_id, resolution, now, notifier)
    found = incidents.find_open(session, source_id, IncidentKind.DISCONNECTED)
    if found is None or not incidents.resolve(session, found.id, resolution, now):
        return False
    detail = {"how": resolution.value, "thawed": dependents.said(thawed)}
    audit.record(session, found.organization_id, _SYSTEM, BACK, source_id, now, detail)
    notifier.wake(session, [found.id], now)
    return True


def next_reminder(opened_at: datetime, sent: int, now: datetime) -> datetime:
    """Return when the reminder after `sent` of them is due; never in the past, whatever the clock slept through."""
    if sent < len(REMINDERS):
        due = opened_at + REMINDERS[sent]
    else:
        due = opened_at + REMINDERS[-1] + (sent - len(REMINDERS) + 1) * WEEKLY
    while due <= now:
        due += WEEKLY
    return due
