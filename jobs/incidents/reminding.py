"""Reminders while a source stays disconnected, each once, and what was snoozed or muted until now."""

from collections.abc import Awaitable, Callable
from functools import partial

from jobs.incidents.noticing import next_reminder
from jobs.incidents.trouble import announce
from jobs.notify.notifier import Notifier
from storage.facts.clock import Clock
from storage.facts.incidents import Incident
from storage.facts.mutes import muted
from storage.records import incidents, organizations, sources
from storage.records.grouping import SHARED
from storage.sessions import Database, Session


def reminder_sweep(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the sweep that sends the reminders whose time has come, and tells what was muted until now."""

    def remind(session: Session, incident: Incident) -> None:
        now = clock.now()
        organizations.lock(session, incident.organization_id)
        source = sources.source(session, incident.source_id)
        mute = muted(source.mutes, incident.kind, now)
        if mute is not None:
            incidents.put_off(session, incident.id, mute.until)
            return
        # What is late or failing is told again when a snooze ends, and otherwise by its message alone.
        shared = incident.kind in SHARED
        following = None if shared else next_reminder(incident.opened_at, incident.reminders + 1, now)
        if not incidents.count_reminder(session, incident, following):
            return
        if incident.told_at is None:
            announce(session, incident.id, source, incident.kind, now, notifier)
        else:
            notifier.reminder(session, incident.message_id, incident.reminders + 1, source, now)

    async def sweep() -> None:
        # A look without the write lock first: nearly always nothing is due.
        for incident in await database.reading(lambda session: incidents.due(session, clock.now())):
            await database.writing(partial(remind, incident=incident))

    return sweep
