"""Asking for a refresh: one transaction of run rows, engine rows, deadline, card and audit."""

from datetime import datetime

from jobs.access_policy import AccessPolicy
from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Joined, LeftOut, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.cancel import cancel_runs
from jobs.refresh.ending import watch_end
from jobs.refresh.partly import to_retry
from jobs.refresh.view import refresh_status
from jobs.schedule import start_run
from jobs.status import states, statuses
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Member
from storage.facts.runs import Run, Trigger
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Source
from storage.facts.status import RefreshStatus, SourceStatus
from storage.records import audit, organizations, refreshes, runs, sources, triggers
from storage.sessions import ConflictError, Session

_TRIES = 3


class RefreshService:
    """Starts, joins, shows and cancels refreshes for people."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        enqueue: Enqueue,
        notifier: Notifier,
        *,
        read_budget: int,
        access: AccessPolicy,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._notifier = notifier
        self._budget = read_budget
        self._access = access

    async def ask(self, actor: Actor, scope: Scope) -> list[SourceStatus]:
        """Return the status of the sources that the person is about to refresh; starts nothing.

        NoAccessError where the organization has to ask support for access first.
        """
        member = authorize(actor, Action.START_REFRESH)

        def work(session: Session) -> list[SourceStatus]:
            self._access.require(session, member, scope)
            return self._chosen(session, member, scope, with_durations=True)

        return await self._desk.read(work)

    async def choices(self, actor: Actor) -> list[SourceStatus]:
        """Return how every source stands, as far as a menu of them tells it; asked again with each letter typed."""
        member = authorize(actor, Action.START_REFRESH)
        return await self._desk.read(lambda session: self._chosen(session, member, Scope(everything=True)))

    async def request(self, actor: Actor, scope: Scope, trigger: TriggerKey, place: Place) -> Outcome:
        """Start or join; the same trigger again gives what it gave first."""
        member = authorize(actor, Action.START_REFRESH)
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._desk.write(lambda session: self.effect(session, member, scope, trigger, place))
            except ConflictError:
                # A clock or another click took one of the sources in between: look again, and join it.
                if attempt == _TRIES:
                    raise
        raise AssertionError("unreachable: the last try raises")

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        """Ask the runs of a refresh to stop; a run that others wait for too goes on for them."""
        member = authorize(actor, Action.CANCEL_REFRESH)

        def work(session: Session) -> RefreshStatus:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            if refreshes.visible(session, member.organization_id, refresh_id) is None:
                raise NotFoundError
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
                audit.record(session, member.organization_id, member.id, Action.CANCEL_REFRESH, refresh_id, now)
                cancel_runs(session, refresh_id, now, self._notifier)
            return refresh_status(session, refresh_id, now)

        return await self._desk.write(work)

    async def get(self, actor: Actor, refresh_id: str) -> RefreshStatus:
        """Return a refresh of the actor's organization."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> RefreshStatus:
            if refreshes.visible(session, member.organization_id, refresh_id) is None:
                raise NotFoundError
            return refresh_status(session, refresh_id, self._clock.now())

        return await self._desk.read(work)

    def _chosen(
        self, session: Session, member: Member, scope: Scope, *, with_durations: bool = False
    ) -> list[SourceStatus]:
        found = sources.sources_of(session, member.organization_id)
        if not scope.everything:
            found = [source for source in found if source.id in scope.source_ids]
            if len(found) != len(set(scope.source_ids)):
                raise NotFoundError
        now = self._clock.now()
        if with_durations:
            listed = statuses(session, found, now, budget=self._budget, with_durations=True)
        else:
            listed = states(session, found, now)
        if scope.only_stale:
            listed = [status for status in listed if status.freshness is not Freshness.FRESH]
        return listed

    def effect(
        self,
        session: Session,
        member: Member,
        scope: Scope,
        trigger: TriggerKey,
        place: Place,
        *,
        asked_at: datetime | None = None,
    ) -> Outcome:
        """Start or join in the caller's transaction; `asked_at` is when the click was accepted, else now.

        NotFoundError and NoAccessError are raised before anything is written; on ConflictError the transaction must
        be given up.
        """
        now = self._clock.now()
        organizations.lock(session, member.organization_id)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return Joined(refresh_status(session, first, now), newly=False) if first else LeftOut(())
        # Again here: the card may be older than the setting, or than the access that was taken away.
        self._access.require(session, member, scope)
        listed = self._chosen(session, member, scope)
        connected = [one for one in listed if one.source.connection is not ConnectionState.DISCONNECTED]
        left_out = tuple(one.source for one in listed if one not in connected)
        if not connected:
            triggers.remember(session, trigger.team_id, trigger.trigger_id, "", now)
            return LeftOut(left_out)
        self._keep(session, connected)
        joined = self._running_already(session, member, scope, connected)
        refresh_id = joined or self._start(session, member, scope, connected, asked_at or now)
        # Who starts a refresh is the first who is told of it.
        newly = joined is None or refreshes.join(session, refresh_id, member.id, now)
        self._notifier.card(session, refresh_id, member, place, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
        detail: dict[str, object] = {"sources": [one.source.id for one in connected], "joined": joined is not None}
        audit.record(session, member.organization_id, member.id, Action.START_REFRESH, refresh_id, now, detail)
        if joined:
            return Joined(refresh_status(session, joined, now), newly=newly)
        return Started(refresh_id, tuple(one.source for one in connected), left_out)

    def _keep(self, session: Session, connected: list[SourceStatus]) -> None:
        """Let no run end while somebody joins it: whoever ends a run tells the people it finds."""
        active = [one.active.id for one in connected if one.active is not None]
        if active and not runs.keep_active(session, active):
            raise ConflictError("a run ended a moment ago")

    def _running_already(
        self, session: Session, member: Member, scope: Scope, connected: list[SourceStatus]
    ) -> str | None:
        active = [one.active.id for one in connected if one.active is not None]
        # Joining one of which a part is over already would leave that part as old as it is.
        if not active or len(active) < len(connected):
            return None
        return refreshes.unfinished_covering(session, member.organization_id, active, everything=scope.everything)

    def _start(
        self, session: Session, member: Member, scope: Scope, connected: list[SourceStatus], now: datetime
    ) -> str:
        refresh_id = new_id("rfr")
        policy = connected[0].source.policy
        everything = scope.everything
        refreshes.add(session, refresh_id, member.organization_id, member.id, now, everything=everything, policy=policy)
        for one in connected:
            run_id = (
                one.active.id if one.active else self._start_run(session, one.source, one.last_ready, refresh_id, now)
            )
            refreshes.wait_for(session, refresh_id, run_id, one.last_data_refresh)
        watch_end(session, member.organization_id, refresh_id, policy, now)
        return refresh_id

    def _start_run(
        self, session: Session, source: Source, last_ready: Run | None, refresh_id: str, now: datetime
    ) -> str:
        # A timer source is collected by its timer alone, but for the very first read; a click processes what waits.
        collects = source.mode is CollectMode.ON_DEMAND or last_ready is None
        # What could not be read is read again by a click, alone: it is no second collection.
        partly = None if collects or last_ready is None else last_ready.partly
        only = to_retry(partly) if partly is not None else ()
        slot_key = f"refresh:{refresh_id}"
        collects = collects or bool(only)
        return start_run(session, source, Trigger.REQUEST, slot_key, now, self._enqueue, collects=collects, only=only)
