"""Runs that fail: what is known to need a person is said at once, anything else after three in a row.

An outage cures itself most of the time, so that one failed run of it is no news; a held read or a refused file never
does. A lost connection has an incident of its own.
"""

from datetime import datetime

from jobs.incidents.trouble import drop, end_trouble, open_trouble
from jobs.notify.notifier import Notifier
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.runs import Failure, FailureKind, Result, Run
from storage.facts.schedules import Rhythm
from storage.facts.sources import ConnectionState, Source
from storage.records import incidents, last_runs, runs, sources
from storage.sessions import Session

#: Failures in a row after which one is told whose cause is not known, or may cure itself.
IN_A_ROW = 3
_REAL = frozenset({Result.CHANGED, Result.VERIFIED})
_KNOWN = frozenset({FailureKind.BROKEN, FailureKind.HELD, FailureKind.PARTIAL})


def failed(session: Session, run: Run, now: datetime, notifier: Notifier) -> None:
    """Open the incident, or let its message count one more. Under the organization's lock, after the run's end."""
    failure = run.failure
    if failure is None or failure.kind is FailureKind.RECONNECT:
        return
    source = sources.source(session, run.source_id)
    found = incidents.find_open(session, source.id, IncidentKind.FAILING)
    if found is not None:
        notifier.wake(session, [found.message_id], now)
        return
    if _stopped(source) or not (is_known(failure) or last_runs.failures_in_row(session, source.id) >= IN_A_ROW):
        return
    open_trouble(session, source, IncidentKind.FAILING, failure.code, now, notifier)


def succeeded(session: Session, run: Run, now: datetime, notifier: Notifier) -> None:
    """End the incident where the run is a real success: it read the provider, and all of it."""
    found = incidents.find_open(session, run.source_id, IncidentKind.FAILING)
    if found is None or not is_real(run, collects=runs.collects(session, run.id)):
        return
    if found.held_by is not None:
        drop(session, found, now, notifier)
    else:
        end_trouble(session, found, Resolution.RECOVERED, now, notifier)


def is_known(failure: Failure) -> bool:
    """Whether trying again is known not to help, so that a person hears of it at once."""
    return failure.kind in _KNOWN


def is_real(run: Run, *, collects: bool) -> bool:
    """Whether a run proves that the source can be read: not one of some streams, not one of what was there already."""
    return run.result in _REAL and collects and not run.only and run.partly is None


def _stopped(source: Source) -> bool:
    """Whether a person stopped it, or it is said to be disconnected."""
    off = source.rule is not None and source.rule.rhythm is Rhythm.OFF
    return off or source.connection is ConnectionState.DISCONNECTED
