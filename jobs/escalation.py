"""Deadlines that fire, and what support people do with what a support post names.

Three hours after the request support is called, once, whatever was killed or redeployed in between; what follows is
in `jobs.escalating`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from jobs.asks import Enqueue
from jobs.authorize import authorize_support
from jobs.desk import Desk
from jobs.draining import Draining
from jobs.errors import NotFoundError, TooLateError
from jobs.escalating.calling import FOLLOWING, escalate, go_on
from jobs.fleet import LATENESS
from jobs.incidents.joining import JOINED, tell_joined
from jobs.incidents.lateness import turned
from jobs.incidents.muting import MUTE_ENDS, ended
from jobs.notify.notifier import Notifier
from jobs.refresh.alone import read_missing
from jobs.refresh.ask import TriggerKey
from jobs.refresh.cancel import cancel_run, cancel_runs
from jobs.refresh.ending import ESCALATION, MISSING
from jobs.refresh.retry import RetryNow
from jobs.refresh.view import escalated_status
from jobs.schedule import SLOT_WAITS, STALLED, start_waiting
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor
from storage.facts.policies import ACKNOWLEDGED_FOR
from storage.facts.status import RefreshStatus
from storage.records import audit, deadlines, escalations, organizations, refreshes, runs, triggers
from storage.records.deadlines import Deadline
from storage.sessions import Database, Session
from templates import times

Change = Callable[[Session, str], None]


def deadline_sweep(
    database: Database, clock: Clock, notifier: Notifier, enqueue: Enqueue
) -> Callable[[], Awaitable[None]]:
    """Return the sweep that fires due deadlines, the calls to support first; each is claimed with its effect."""

    def fire(session: Session, deadline: Deadline, now: datetime) -> None:
        if deadline.kind == STALLED:
            look_at_first_read(session, deadline, now, notifier)
        elif deadline.kind == MISSING:
            read_missing(session, deadline, now, enqueue)
        elif deadline.kind == JOINED:
            tell_joined(session, deadline, now, notifier)
        elif deadline.kind == SLOT_WAITS:
            start_waiting(session, deadline, now, enqueue)
        elif deadline.kind == LATENESS:
            turned(session, deadline, now, notifier)
        elif deadline.kind == MUTE_ENDS:
            ended(session, deadline, now, notifier)
        elif deadline.kind == FOLLOWING:
            call_next(session, deadline, now, notifier)
        elif deadlines.fire(session, deadline.id, now) and deadline.kind == ESCALATION:
            escalate(session, deadline.subject, now, notifier)

    return Draining(database, clock, fire, urgent=frozenset({ESCALATION, FOLLOWING, STALLED})).sweep


def call_next(session: Session, deadline: Deadline, now: datetime, notifier: Notifier) -> None:
    """Make the calls that are due by now, unless it is over; the deadline moves on to the next one."""
    called = escalations.find(session, deadline.subject)
    if called is None or called.finished_at is not None:
        deadlines.close(session, deadline.kind, deadline.subject, now)
        return
    go_on(session, deadline.subject, called, now, notifier)


def look_at_first_read(session: Session, deadline: Deadline, now: datetime, notifier: Notifier) -> None:
    """Call support when a first read stood still for three hours; while it moves, look again three hours later."""
    run = runs.run(session, deadline.subject)
    if not run.state.active:
        deadlines.close(session, deadline.kind, deadline.subject, now)
        return
    # People who joined it have a refresh of their own, and support is called about that, once.
    joined = refreshes.waiting_for_run(session, run.id)
    named = joined[0] if joined else run.id
    called = escalations.find(session, named)
    assert called is not None
    due = (run.moved_at or run.clocks.requested_at) + called.policy.first
    if due > now:
        deadlines.postpone(session, deadline.id, due)
        return
    if not deadlines.fire(session, deadline.id, now):
        return
    if not any(refreshes.row(session, refresh_id).escalated_at for refresh_id in joined):
        escalate(session, named, now, notifier)


class EscalationService:
    """What support people do with what a support post names; audited in that organization."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier, retry: RetryNow) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier
        self._retry = retry

    async def acknowledge(self, actor: Actor, subject: str, trigger: TriggerKey) -> RefreshStatus:
        """Take it on for an hour; the first one counts, and only while it is not over."""

        def change(session: Session, name: str) -> None:
            now = self._clock.now()
            called = escalations.find(session, subject)
            assert called is not None
            until = now + ACKNOWLEDGED_FOR
            if not escalations.acknowledge(session, subject, name, now, until):
                raise TooLateError(f"{called.acknowledged_by} has taken this on already.")
            deadlines.rearm(session, called.organization_id, FOLLOWING, subject, until)

        return await self._act(actor, Action.ACKNOWLEDGE_ESCALATION, subject, trigger, change)

    async def retry(self, actor: Actor, subject: str, trigger: TriggerKey) -> RefreshStatus:
        """Start now what waits for its next attempt, and start again what hangs; what moves goes on."""
        return await self._act(
            actor,
            Action.RETRY_ESCALATED,
            subject,
            trigger,
            lambda session, _: self._retry(session, escalations.runs_of(session, subject)),
        )

    async def cancel(self, actor: Actor, subject: str, trigger: TriggerKey) -> RefreshStatus:
        """Stop it."""
        cancel = cancel_run if escalations.is_run(subject) else cancel_runs
        return await self._act(
            actor,
            Action.CANCEL_ESCALATED,
            subject,
            trigger,
            lambda session, _: cancel(session, subject, self._clock.now(), self._notifier),
        )

    async def _act(
        self, actor: Actor, action: Action, subject: str, trigger: TriggerKey, change: Change
    ) -> RefreshStatus:
        def work(session: Session) -> RefreshStatus:
            now = self._clock.now()
            called = escalations.find(session, subject)
            authorize_support(actor, action, named_in_post=called is not None and called.escalated_at is not None)
            if called is None:
                raise NotFoundError
            organizations.lock(session, called.organization_id)
            called = escalations.find(session, subject) or called
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                if called.finished_at is not None:
                    ended = times.distance(called.finished_at, now)
                    raise TooLateError(f"It is over already: it ended {ended}. Nothing was changed.")
                triggers.remember(session, trigger.team_id, trigger.trigger_id, subject, now)
                name = organizations.support_name(session, actor.identity)
                change(session, name)
                audit.record(session, called.organization_id, f"support:{name}", action, subject, now)
                self._notifier.wake(session, [subject], now)
            return escalated_status(session, subject, now)

        return await self._desk.write(work)
