"""First reads that take several runs: what is not in yet, and the run that goes on with it.

A run that left older records unread is followed by another one at once. That one is enqueued in the transaction that
ends the run, so that no crash comes between them. Where it does not become ready, the next run of the source goes on:
how far the past is in stands in the cursors, which are saved with their rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connectors.base import Collected
from jobs.asks import Enqueue
from jobs.schedule import start_run
from storage.facts.past import Older
from storage.facts.runs import Run, Trigger
from storage.facts.sources import ConnectionState
from storage.facts.streams import Stream
from storage.records import runs, sources
from storage.sessions import Session


def older_after(before: Run | None, collected: Collected, streams: Sequence[Stream]) -> tuple[Older, ...]:
    """Return what is not in yet after a run; of streams that it did not read that is what was not in `before`."""
    labels = {stream.name: stream.label for stream in streams}
    now = tuple(replace(one, label=labels.get(one.stream, one.stream)) for one in collected.older)
    known = before.older if before is not None else ()
    return (*now, *(one for one in known if one.stream not in collected.cursors))


def go_on(session: Session, run: Run, now: datetime, enqueue: Enqueue) -> None:
    """Start the run that reads the next older period after this one, in the transaction that ends this one.

    Not for streams alone that could not be read: they wait for their own time, and the past waits with them.
    """
    missing = {name for one in run.partly.missing for name in one.streams} if run.partly else set()
    if all(one.stream in missing for one in run.older):
        return
    source = sources.source(session, run.source_id)
    if source.connection is ConnectionState.DISCONNECTED or runs.active_of(session, [source.id]):
        return
    start_run(session, source, Trigger.OLDER, f"older:{run.id}", now, enqueue, collects=True)
