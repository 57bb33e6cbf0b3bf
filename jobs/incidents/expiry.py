"""Grants that end on a day that is known: said thirty, seven and one day ahead, once each, to whoever can renew it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from jobs.notify.notifier import Notifier
from storage.facts.clock import Clock
from storage.facts.sources import ConnectionState
from storage.records import connections, organizations, sources
from storage.records.connections import Ending
from storage.sessions import Database, Session

DAYS_AHEAD = (1, 7, 30)


def expiry_sweep(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the sweep that warns before grants end."""

    def warn(session: Session, ending: Ending, days: int) -> None:
        now = clock.now()
        organizations.lock(session, ending.organization_id)
        source = sources.source(session, ending.source_id)
        if source.connection is ConnectionState.DISCONNECTED:
            return
        # A delivery's key holds the end and the days, so that each warning is written once, whoever looks how often.
        notifier.expiry(session, f"{source.id}.{ending.ends_at:%Y%m%d}.{days}", source, now)
        if source.connection is ConnectionState.CONNECTED and not ending.idle:
            sources.set_connection(session, source.id, ConnectionState.ATTENTION, words(ending.ends_at), now)

    async def sweep() -> None:
        now = clock.now()
        until = now + timedelta(days=max(DAYS_AHEAD))
        for ending in await database.reading(lambda session: connections.ending_before(session, now, until)):
            days = next(days for days in DAYS_AHEAD if ending.ends_at - now <= timedelta(days=days))
            await database.writing(partial(warn, ending=ending, days=days))

    return sweep


def words(ends_at: datetime) -> str:
    """Return why the connection needs attention."""
    return f"the access ends on {ends_at:%Y-%m-%d}; reconnect it before"
