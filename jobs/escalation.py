"""Three hours after the request, support is called: once, whatever was killed or redeployed in between."""

from collections.abc import Awaitable, Callable
from functools import partial

from jobs.authorize import authorize_support
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify import Notifier
from jobs.refresh.ask import TriggerKey
from jobs.refresh.cancel import cancel_runs
from jobs.refresh.ending import ESCALATION
from jobs.refresh.retry import RetryNow
from jobs.refresh.view import refresh_status
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor
from storage.facts.status import RefreshStatus
from storage.records import audit, deadlines, organizations, refreshes, triggers
from storage.records.deadlines import Deadline
from storage.sessions import Database, Session

Change = Callable[[Session, str], None]


def deadline_sweep(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the sweep that fires due deadlines; each is claimed in the transaction of its effect."""

    def fire(session: Session, deadline: Deadline) -> None:
        organizations.lock(session, deadline.organization_id)
        if deadlines.fire(session, deadline.id, clock.now()) and deadline.kind == ESCALATION:
            escalate(session, deadline.subject, clock, notifier)

    async def sweep() -> None:
        # A look without the write lock first: nearly always nothing is due. One transaction each: one that cannot be
        # fired now holds up no other.
        for deadline in await database.reading(lambda session: deadlines.due(session, clock.now())):
            await database.writing(partial(fire, deadline=deadline))

    return sweep


def escalate(session: Session, refresh_id: str, clock: Clock, notifier: Notifier) -> None:
    """Call support about a refresh that is not finished."""
    now = clock.now()
    if refreshes.row(session, refresh_id).finished_at is None and refreshes.mark_escalated(session, refresh_id, now):
        notifier.escalate(session, refresh_id, now)
        notifier.wake(session, [refresh_id], now)


class EscalationService:
    """What support people do with the refresh that a support post names; audited in that organization."""

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier, retry: RetryNow) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier
        self._retry = retry

    async def acknowledge(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Take it on; the first one counts, and only while it is not over."""

        def change(session: Session, name: str) -> None:
            now = self._clock.now()
            if not refreshes.acknowledge(session, refresh_id, name, now):
                taken = refreshes.row(session, refresh_id).acknowledged_by
                raise TooLateError(f"{taken} has taken this on already." if taken else "It is over already.")

        return await self._act(actor, Action.ACKNOWLEDGE_ESCALATION, refresh_id, trigger, change)

    async def retry(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Start the next attempt of what waits for one now."""
        return await self._act(
            actor, Action.RETRY_ESCALATED, refresh_id, trigger, lambda session, _: self._retry(session, refresh_id)
        )

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Stop the refresh."""
        return await self._act(
            actor,
            Action.CANCEL_ESCALATED,
            refresh_id,
            trigger,
            lambda session, _: cancel_runs(session, refresh_id, self._clock.now(), self._notifier),
        )

    async def _act(
        self, actor: Actor, action: Action, refresh_id: str, trigger: TriggerKey, change: Change
    ) -> RefreshStatus:
        def work(session: Session) -> RefreshStatus:
            now = self._clock.now()
            row = refreshes.find(session, refresh_id)
            authorize_support(actor, action, named_in_post=row is not None and row.escalated_at is not None)
            if row is None:
                raise NotFoundError
            organizations.lock(session, row.organization_id)
            session.refresh(row)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                if row.finished_at is not None:
                    raise TooLateError("This refresh ended already.")
                triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
                name = organizations.support_name(session, actor.identity)
                change(session, name)
                audit.record(session, row.organization_id, f"support:{name}", action, refresh_id, now)
                self._notifier.wake(session, [refresh_id], now)
            return refresh_status(session, refresh_id, now)

        return await self._desk.write(work)
