"""Streams that a run could not read are read alone: by themselves after a while, and when a person asks for it."""

from datetime import datetime, timedelta

from jobs.access_policy import AccessPolicy
from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Joined, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.by_hand import idle_source, own_run, start_by_hand
from jobs.refresh.partly import to_retry
from jobs.refresh.view import refresh_status
from jobs.schedule import start_run
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.runs import Run, Trigger
from storage.facts.sources import ConnectionState, Source
from storage.records import audit, deadlines, last_runs, organizations, rereads, runs, sources, triggers
from storage.records.deadlines import Deadline
from storage.sessions import Session

_BUSY = timedelta(minutes=1)


def read_missing(session: Session, deadline: Deadline, now: datetime, enqueue: Enqueue) -> None:
    """Read alone what the deadline's run could not read, unless a later load has changed what is missing."""
    run = runs.run(session, deadline.subject)
    if runs.active_of(session, [run.source_id]):
        # It may bring what is missing; if it does, nothing is left to do when it has ended.
        deadlines.postpone(session, deadline.id, now + _BUSY)
        return
    if not deadlines.fire(session, deadline.id, now):
        return
    source, newest = sources.source(session, run.source_id), last_runs.newest_loaded(session, run.source_id)
    if source.connection is ConnectionState.DISCONNECTED or newest is None or not _streams(newest):
        return
    # Of several runs that tell the same the newest one speaks; a retry that failed loaded nothing, and speaks again.
    if newest.id == run.id or (run.only and run.clocks.requested_at > newest.clocks.requested_at):
        started = start_run(
            session, source, Trigger.SCHEDULE, f"alone:{run.id}", now, enqueue, collects=True, only=_streams(newest)
        )
        # What was to be read again and could not be is still to be read again, not only from where it was.
        rereads.hand_on(session, newest.id, started)


class MissingService:
    """Lets a person read alone what is missing."""

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue, notifier: Notifier, access: AccessPolicy) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._notifier = notifier
        self._access = access

    async def retry(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read the streams that the run could not read, and nothing else; the same trigger gives what it gave first.

        TooLateError where a later run took care of them, or one is under way.
        """
        member = authorize(actor, Action.START_REFRESH)
        return await self._desk.write(lambda session: self._retry(session, member, run_id, trigger, place))

    def _retry(self, session: Session, member: Member, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        now = self._clock.now()
        organizations.lock(session, member.organization_id)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return Joined(refresh_status(session, first, now), newly=False)
        source, newest = _missing(session, member, run_id)
        self._access.require(session, member, Scope(everything=False, source_ids=(source.id,)))
        only = _streams(newest)
        refresh_id = start_by_hand(session, member, source, newest, now, self._enqueue, only=only)
        self._notifier.card(session, refresh_id, member, place, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
        detail: dict[str, object] = {"sources": [source.id], "only": list(only), "joined": False}
        audit.record(session, member.organization_id, member.id, Action.START_REFRESH, refresh_id, now, detail)
        return Started(refresh_id, (source,))


def _missing(session: Session, member: Member, run_id: str) -> tuple[Source, Run]:
    """Return the source and the run that says what is missing in it now; somebody else's reads like a missing one."""
    run = own_run(session, member, run_id)
    if run.partly is None:
        raise NotFoundError
    source = idle_source(session, run)
    newest = last_runs.newest_loaded(session, source.id)
    if newest is None or newest.partly is None or not _streams(newest):
        raise TooLateError("a later run has read what was missing")
    return source, newest


def _streams(run: Run) -> tuple[str, ...]:
    return to_retry(run.partly) if run.partly else ()
