"""One run that a person starts because of what an earlier one said: which that is, and the refresh around it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.asks import Enqueue
from jobs.errors import NotFoundError, TooLateError
from jobs.refresh.ending import watch_end
from jobs.schedule import start_run
from storage.facts.ids import new_id
from storage.facts.people import Member
from storage.facts.runs import Run, Trigger
from storage.facts.sources import ConnectionState, Source
from storage.records import last_runs, organizations, refreshes, rereads, runs, sources
from storage.sessions import Session


def own_run(session: Session, member: Member, run_id: str) -> Run:
    """Return a run of the member's organization (NotFoundError: somebody else's reads like a missing one)."""
    try:
        run = runs.run(session, run_id)
    except KeyError:
        raise NotFoundError from None
    if run.organization_id != member.organization_id:
        raise NotFoundError
    return run


def idle_source(session: Session, run: Run) -> Source:
    """Return the run's source, where a run could be started now; TooLateError says why not."""
    source = sources.source(session, run.source_id)
    if source.connection is ConnectionState.DISCONNECTED:
        raise TooLateError("the source is disconnected by now")
    if runs.active_of(session, [source.id]):
        raise TooLateError("the source is being refreshed right now; look again when that has ended")
    return source


def start_by_hand(
    session: Session,
    member: Member,
    source: Source,
    because: Run,
    now: datetime,
    enqueue: Enqueue,
    *,
    only: Sequence[str] = (),
    agreed: Mapping[str, int] | None = None,
) -> str:
    """Start a refresh of one run that collects, whatever the source's mode; return the refresh's id.

    What `because` was to read again is still to be read again.
    """
    refresh_id = new_id("rfr")
    ready = last_runs.ready_of(session, [source.id]).get(source.id)
    policy = organizations.escalation_policy(session, member.organization_id)
    refreshes.add(session, refresh_id, member.organization_id, member.id, now, everything=False, policy=policy)
    started = start_run(
        session,
        source,
        Trigger.REQUEST,
        f"refresh:{refresh_id}",
        now,
        enqueue,
        collects=True,
        agreed=agreed,
        only=only,
    )
    rereads.hand_on(session, because.id, started)
    refreshes.wait_for(session, refresh_id, started, ready.clocks.source_as_of if ready else None)
    watch_end(session, member.organization_id, refresh_id, policy, now)
    return refresh_id
