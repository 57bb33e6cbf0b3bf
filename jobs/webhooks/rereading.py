"""An event says that something changed: the source is read again, soon, once, and never more often than a schedule may.

What changed is never taken from the event. So an event that comes late, twice or in the wrong order does what any other
does, and one that never comes is made up for by the schedule.
"""

from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.schedule import start_run
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.sources import CollectMode, ConnectionState, Source
from storage.facts.webhooks import Webhook
from storage.records import last_runs, runs
from storage.sessions import Session

#: The shortest schedule that a source may have.
LEAST = timedelta(minutes=5)
#: Between two looks at a run that began before the event.
LOOK = timedelta(minutes=1)


def reread(session: Session, webhook: Webhook, source: Source, now: datetime, enqueue: Enqueue) -> str | timedelta:
    """Start a read that sees what the event tells of; return what was done, or how long to wait.

    Take the organization's lock first.
    """
    last = _last(session, source)
    if last is None or source.mode is not CollectMode.ON_DEMAND:
        return "left to the schedule"
    if source.connection is ConnectionState.DISCONNECTED:
        return "disconnected"
    slot = f"event:{webhook.event_id}"
    if _sees(last, webhook) or runs.slot_taken(session, source.id, slot):
        return "read"
    if last.state.active:
        return LOOK
    due = last.clocks.requested_at + LEAST
    if due > now:
        return due - now
    start_run(session, source, Trigger.SCHEDULE, slot, now, enqueue, collects=True)
    return "started"


def _sees(run: Run, webhook: Webhook) -> bool:
    """Whether the run reads, or read, what was there when the event came; one of some streams alone may not."""
    if run.only:
        return False
    if run.started_at is None:
        return run.state.active
    return run.started_at > webhook.at and (run.state.active or run.state is RunState.READY)


def _last(session: Session, source: Source) -> Run | None:
    """Return the run that holds the source, else the newest that has ended; None before the first is ready."""
    active = runs.active_of(session, [source.id]).get(source.id)
    ready = last_runs.ready_of(session, [source.id])
    ended = [*ready.values(), *last_runs.failed_of(session, [source.id]).values()]
    if active is not None or not ready:
        return active
    return max(ended, key=lambda run: run.clocks.requested_at)
