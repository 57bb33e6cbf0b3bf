"""Sources that are older than promised: found at the instant at which they turn late, whether or not anything runs.

A deadline stands at the next such instant. It is set when a run becomes ready, and looked at again when the schedule,
the promise or the connection changes; a slow pass finds the sources that have none.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from jobs.fleet import LATENESS
from jobs.incidents.trouble import drop, end_trouble, open_trouble
from jobs.notify.notifier import Notifier
from jobs.promises import freshness, next_file_at, next_turn, zone_of
from storage.facts.clock import Clock
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.runs import Run
from storage.facts.schedules import Rhythm
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.records import deadlines, home_views, incidents, last_runs, organizations, runs, sources, unwatched
from storage.records.deadlines import Deadline
from storage.sessions import Database, Session

#: The sources that nothing watches are looked for that often.
PASS_SECONDS = 300.0
#: A run that moves is given so long, and then as long again, before a source that only its schedule promises is late.
_MOVES, _LOOK_AGAIN = timedelta(minutes=10), timedelta(minutes=1)
_LATE = "no newer data became ready in time"


def turned(session: Session, deadline: Deadline, now: datetime, notifier: Notifier) -> None:
    """Look at the source whose instant has come. Under the organization's lock."""
    if deadlines.is_due(session, deadline.id, now):
        # Nothing happened but time, and the source stands otherwise than an open page says.
        home_views.changed_by_source(session, deadline.subject, now)
        look(session, deadline.subject, now, notifier, due_at=deadline.due_at)


def noticed(
    session: Session, organization_id: str, source_id: str, now: datetime, notifier: Notifier, *, reason: str = _LATE
) -> bool:
    """Take the word of whoever missed something of a source; return whether an incident about it is open then.

    What was missed is no incident while the source is as fresh as promised. Takes the organization's lock.
    """
    organizations.lock(session, organization_id)
    look(session, source_id, now, notifier, reason=reason)
    return incidents.find_open(session, source_id, IncidentKind.LATE) is not None


def look(
    session: Session,
    source_id: str,
    now: datetime,
    notifier: Notifier,
    *,
    reason: str = _LATE,
    due_at: datetime | None = None,
) -> None:
    """Bring the incident of a source to what is true now, and set its next instant. Under the organization's lock."""
    source = sources.source(session, source_id)
    last = last_runs.ready_of(session, [source_id]).get(source_id)
    as_of = last.clocks.source_as_of if last else None
    state = freshness(source, as_of, now)
    stopped = told_otherwise(source)
    found = incidents.find_open(session, source_id, IncidentKind.LATE)
    # Nobody is told of a source that a person stopped, and yet it gets old: pages that are open say so.
    again_at = next_turn(source, as_of, now)
    if found is not None:
        end = stopped or end_of(state, last, found.opened_at)
        if end is not None and found.held_by is not None:
            drop(session, found, now, notifier)
        elif end is not None:
            end_trouble(session, found, end, now, notifier)
        else:
            notifier.wake(session, [found.message_id], now)
    elif stopped is None and state in {Freshness.LATE, Freshness.OVERDUE}:
        if _catching_up(session, source, state, now):
            again_at = min(again_at or now + _LOOK_AGAIN, now + _LOOK_AGAIN)
        else:
            open_trouble(
                session, source, IncidentKind.LATE, _file_words(source, as_of) or reason, now, notifier, due_at=due_at
            )
    watch(session, source, again_at, now)


def watch(session: Session, source: Source, again_at: datetime | None, now: datetime) -> None:
    """Let the source be looked at then; None: not by itself. What no data is read from is never late."""
    if again_at is None or not source.mode.collects:
        deadlines.close(session, LATENESS, source.id, now)
    else:
        deadlines.rearm(session, source.organization_id, LATENESS, source.id, max(again_at, now))


def told_otherwise(source: Source) -> Resolution | None:
    """Return why nobody is told that a source is late: a person stopped it, or it is said to be disconnected."""
    if source.on_purpose:
        return Resolution.DISCONNECTED_BY_PERSON
    if source.connection is ConnectionState.DISCONNECTED:
        return Resolution.SUPERSEDED
    promise = source.promise
    if promise is not None and promise.quiet:
        return Resolution.STOPPED_BY_PERSON
    # Whoever switched the schedule off knows; a promise of its own says that it counts all the same.
    off = source.rule is not None and source.rule.rhythm is Rhythm.OFF
    return Resolution.STOPPED_BY_PERSON if off and (promise is None or promise.warn_minutes is None) else None


def lateness_pass(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the pass over sources that nothing watches: from before there were promises, or changed by other ways."""

    def together(session: Session, organization_id: str, source_ids: Sequence[str]) -> None:
        organizations.lock(session, organization_id)
        for source_id in source_ids:
            look(session, source_id, clock.now(), notifier)

    async def sweep() -> None:
        after = ""
        while found := await database.reading(partial(unwatched.sources_without, kind=LATENESS, after=after)):
            of_each: dict[str, list[str]] = {}
            for source_id, organization_id in found:
                of_each.setdefault(organization_id, []).append(source_id)
            for organization_id, some in of_each.items():
                await database.writing(partial(together, organization_id=organization_id, source_ids=some))
            after = found[-1][0]

    return sweep


def _file_words(source: Source, as_of: datetime | None) -> str | None:
    """Say which file did not come, and by when one usually does; None where that is not known."""
    usual = next_file_at(source, as_of)
    if usual is None or as_of is None:
        return None
    zone = zone_of(source)
    return (
        f"no new file since {as_of.astimezone(zone):%d %b %Y %H:%M %Z};"
        f" one usually comes by {usual.astimezone(zone):%d %b %H:%M %Z}"
    )


def end_of(state: Freshness, last: Run | None, opened_at: datetime) -> Resolution | None:
    """Return how an incident is over; None while it is not. Only a whole run that came after it is a recovery."""
    if state is not Freshness.FRESH or last is None or last.partly is not None:
        return None
    ready_at = last.clocks.ready_at
    came = ready_at is not None and ready_at > opened_at
    return Resolution.RECOVERED if came else Resolution.PROMISE_CHANGED


def _catching_up(session: Session, source: Source, state: Freshness, now: datetime) -> bool:
    """Whether the run that will bring new data is under way and moves, of a source without limits of its own."""
    if state is not Freshness.LATE or (source.promise is not None and source.promise.warn_minutes is not None):
        return False
    run = runs.active_of(session, [source.id]).get(source.id)
    if run is None or run.failure is not None or run.attempt > 1:
        return False
    return now - (run.moved_at or run.clocks.requested_at) <= _MOVES
