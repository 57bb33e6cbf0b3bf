"""Incidents of late and failing sources: opened once, told in one message, held back where the fault may be ours.

Several sources of one organization within fifteen minutes share a message: the first is posted at once, the others
are gathered into it by edits. What comes back within the hour goes on in the message that it had.
"""

from datetime import datetime, timedelta

from jobs import fleet
from jobs.incidents.joining import joins
from jobs.notify.notifier import Notifier
from storage.facts.incidents import Incident, IncidentKind, Resolution
from storage.facts.mutes import muted
from storage.facts.sources import Source
from storage.records import audit, grouping, incidents, sources
from storage.records import fleet as alarms
from storage.sessions import Session

BURST = timedelta(minutes=15)
#: What comes back sooner is the same incident, for as long as a day.
FLAPS, ONE_STORY = timedelta(hours=1), timedelta(hours=24)
OPENED, AGAIN, OVER = "incident_opened", "incident_again", "incident_over"
_SYSTEM = "system"


def open_trouble(
    session: Session,
    source: Source,
    kind: IncidentKind,
    reason: str,
    now: datetime,
    notifier: Notifier,
    *,
    due_at: datetime | None = None,
) -> bool:
    """Open the incident unless it is open; return whether that is news. Take the organization's lock first.

    `reason` is safe words: what was noticed; `due_at`: when it should have been noticed, where that is known.
    """
    if incidents.find_open(session, source.id, kind) is not None:
        return False
    if _goes_on(session, source, kind, reason, now, notifier):
        return True
    opened = incidents.open_one(session, source.organization_id, source.id, kind, reason, now, remind_at=None)
    if opened is None:
        return False
    _write_down(session, source, OPENED, now, {"kind": kind.value, "reason": reason})
    announce(session, opened, source, kind, now, notifier, due_at=due_at)
    return True


def announce(
    session: Session,
    incident_id: str,
    source: Source,
    kind: IncidentKind,
    now: datetime,
    notifier: Notifier,
    *,
    due_at: datetime | None = None,
) -> None:
    """Tell people of an incident, unless it is muted, or has to wait until it is clear whose fault it is."""
    hold = None if muted(source.mutes, kind, now) else fleet.holding(session, source, due_at, now)
    if hold is None:
        tell(session, incident_id, source, now, notifier)
        return
    grouping.hold(session, incident_id, hold.alarm_id)
    sources.hold_alarm(session, source.id, now, now)
    if hold.new:
        notifier.fleet(session, hold.alarm_id, source.organization_id, now)


def tell(session: Session, incident_id: str, source: Source, now: datetime, notifier: Notifier) -> None:
    """Tell people: by the message of another incident that began a moment ago, or by one of its own.

    What a person muted is told when the mute ends, if it is not over by then.
    """
    found = incidents.find(session, incident_id)
    mute = muted(source.mutes, found.kind, now) if found is not None else None
    if mute is not None:
        incidents.put_off(session, incident_id, mute.until)
        return
    lead = grouping.lead_since(session, source.organization_id, now - BURST, source.id)
    if lead is not None and all(one.resolved_at for one in grouping.group_of(session, lead.id)):
        lead = None
    grouping.told(session, incident_id, now, lead.id if lead else None)
    notifier.incident(session, lead.id if lead else incident_id, source, now)
    if lead is not None:
        notifier.wake(session, [lead.id], now)
        joins(session, lead, source, now)


def end_trouble(
    session: Session, found: Incident, resolution: Resolution, now: datetime, notifier: Notifier
) -> bool:  # fmt: skip
    """End the incident; return whether this one did. A recovery is said once, when all of its message is over."""
    if not incidents.resolve(session, found.id, resolution, now):
        return False
    source = sources.source(session, found.source_id)
    _write_down(session, source, OVER, now, {"kind": found.kind.value, "how": resolution.value})
    if source.alarm_held_at is not None and not any(one.held_by for one in grouping.open_of(session, source.id)):
        sources.hold_alarm(session, source.id, None, now)
    if found.told_at is None:
        return True
    notifier.wake(session, [found.message_id], now)
    group = grouping.group_of(session, found.message_id)
    if resolution is Resolution.RECOVERED and all(one.resolved_at for one in group):
        notifier.incident_note(session, found.message_id, "over", now)
    return True


def end_all(session: Session, source_id: str, resolution: Resolution, now: datetime, notifier: Notifier) -> None:
    """End what is open about a source because something else is said of it now."""
    for found in grouping.open_of(session, source_id):
        end_trouble(session, found, resolution, now, notifier)


def release(session: Session, found: Incident, now: datetime, notifier: Notifier) -> None:
    """Tell an incident that waited, since it is still there."""
    source = sources.source(session, found.source_id)
    if found.held_by is not None:
        alarms.count_outcome(session, found.held_by, released=True)
    sources.hold_alarm(session, source.id, None, now)
    tell(session, found.id, source, now, notifier)


def drop(session: Session, found: Incident, now: datetime, notifier: Notifier) -> None:
    """End an incident that waited and was never told: what it was about is over."""
    if end_trouble(session, found, Resolution.NOT_TOLD, now, notifier) and found.held_by is not None:
        alarms.count_outcome(session, found.held_by, released=False)


def _goes_on(
    session: Session, source: Source, kind: IncidentKind, reason: str, now: datetime, notifier: Notifier
) -> bool:
    before = grouping.lately_over(
        session, source.id, kind, ended_since=now - FLAPS, opened_since=now - ONE_STORY
    )  # fmt: skip
    if before is None or before.resolution is not Resolution.RECOVERED or not grouping.reopen(session, before.id):
        return False
    _write_down(session, source, AGAIN, now, {"kind": kind.value, "reason": reason, "times": before.times + 1})
    notifier.wake(session, [before.message_id], now)
    quiet_until = _quiet_until(session, source, before, now)
    if quiet_until is None:
        notifier.incident_note(session, before.message_id, "again", now)
    else:
        incidents.put_off(session, before.id, quiet_until)
    return True


def _quiet_until(session: Session, source: Source, before: Incident, now: datetime) -> datetime | None:
    """Return until when nobody is told that it came back: its kind is muted, or the message about it is snoozed."""
    mute = muted(source.mutes, before.kind, now)
    ends = [one.snoozed_until for one in grouping.group_of(session, before.message_id) if one.snoozed_until]
    ends += [mute.until] if mute is not None else []
    return max((end for end in ends if end > now), default=None)


def _write_down(session: Session, source: Source, what: str, now: datetime, detail: dict[str, object]) -> None:
    audit.record(session, source.organization_id, _SYSTEM, what, source.id, now, detail)
