"""Alarms of the fleet come to an end: what waited for them is told, or dropped when its cause is gone."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import structlog

from jobs import fleet as check
from jobs.incidents.lateness import look
from jobs.incidents.trouble import release
from jobs.notify.notifier import Notifier
from storage.facts.clock import Clock
from storage.facts.fleet import FleetAlarm
from storage.facts.incidents import Incident, IncidentKind
from storage.records import fleet, grouping, incidents, organizations
from storage.sessions import Database, Session

log = structlog.get_logger()


def fleet_sweep(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the sweep that looks at open alarms; nearly always there is none."""

    def again(session: Session, alarm: FleetAlarm) -> None:
        now = clock.now()
        if check.is_over(session, alarm, now) and fleet.close(session, alarm.id, now):
            log.warning("fleet_alarm_over", alarm=alarm.id, scope=alarm.scope)
        notifier.wake(session, [alarm.id], now)

    def settle(session: Session, found: Incident) -> None:
        now = clock.now()
        organizations.lock(session, found.organization_id)
        settle_one(session, found.id, now, notifier)

    async def sweep() -> None:
        for alarm in await database.reading(fleet.open_alarms):
            await database.writing(partial(again, alarm=alarm))
        for alarm_id in await database.reading(fleet.waited_for):
            known = await database.reading(partial(fleet.find, alarm_id=alarm_id))
            if known is not None and known.closed_at is None:
                continue
            for found in await database.reading(partial(grouping.held_by, alarm_id=alarm_id)):
                await database.writing(partial(settle, found=found))
            await database.writing(partial(notifier.wake, subjects=[alarm_id], now=clock.now()))

    return sweep


def settle_one(session: Session, incident_id: str, now: datetime, notifier: Notifier) -> None:
    """Tell an incident that waited, unless what it was about is over. Under the organization's lock."""
    found = incidents.find(session, incident_id)
    if found is not None and found.kind is IncidentKind.LATE:
        # Drops it where the source is as fresh as promised by now.
        look(session, found.source_id, now, notifier)
        found = incidents.find(session, incident_id)
    if found is not None and found.resolved_at is None and found.told_at is None:
        release(session, found, now, notifier)
