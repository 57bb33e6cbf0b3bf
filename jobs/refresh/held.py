"""A full read that came back with far fewer rows is held; a manager may say that so few are right."""

from dataclasses import dataclass

from jobs.access_policy import AccessPolicy
from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Joined, Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.by_hand import idle_source, own_run, start_by_hand
from jobs.refresh.view import refresh_status
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.runs import Held, Run
from storage.facts.sources import Source
from storage.records import audit, last_runs, organizations, triggers
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class HeldRead:
    """A read that waits for a person."""

    source: Source
    run: Run
    found: Held


class HeldService:
    """Shows held reads and lets one through, once and no further than a person agreed."""

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue, notifier: Notifier, access: AccessPolicy) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._notifier = notifier
        self._access = access

    async def ask(self, actor: Actor, run_id: str) -> HeldRead:
        """Return what the held read found; starts nothing. TooLateError where a later one went through."""
        member = authorize(actor, Action.LOAD_HELD)
        return await self._desk.read(lambda session: self._allowed(session, member, run_id))

    async def load(self, actor: Actor, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        """Read again, and let the stream be as small as it was then; the same trigger gives what it gave first.

        It is read again because what was read then is gone, and may be wrong by now. The guard still holds what is far
        below even the agreed number, and every other stream.
        """
        member = authorize(actor, Action.LOAD_HELD)
        return await self._desk.write(lambda session: self._load(session, member, run_id, trigger, place))

    def _load(self, session: Session, member: Member, run_id: str, trigger: TriggerKey, place: Place) -> Outcome:
        now = self._clock.now()
        organizations.lock(session, member.organization_id)
        first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if first is not None:
            return Joined(refresh_status(session, first, now), newly=False)
        held = self._allowed(session, member, run_id)
        # Streams that were agreed to before were not loaded either: another one was held then.
        agreed = {**held.run.agreed, held.found.stream: held.found.after}
        refresh_id = start_by_hand(session, member, held.source, held.run, now, self._enqueue, agreed=agreed)
        self._notifier.card(session, refresh_id, member, place, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, refresh_id, now)
        detail: dict[str, object] = {
            "refresh": refresh_id,
            "source": held.source.id,
            "stream": held.found.stream,
            "before": held.found.before,
            "after": held.found.after,
        }
        audit.record(session, member.organization_id, member.id, Action.LOAD_HELD, run_id, now, detail)
        return Started(refresh_id, (held.source,))

    def _allowed(self, session: Session, member: Member, run_id: str) -> HeldRead:
        held = _held(session, member, run_id)
        # It is a refresh that somebody starts by hand.
        self._access.require(session, member, Scope(everything=False, source_ids=(held.source.id,)))
        return held


def _held(session: Session, member: Member, run_id: str) -> HeldRead:
    """Return the held read while it is the last word about its source; somebody else's reads like a missing one."""
    run = own_run(session, member, run_id)
    if run.held is None:
        raise NotFoundError
    source = idle_source(session, run)
    newest = last_runs.failed_of(session, [source.id]).get(source.id)
    if newest is None or newest.held is None:
        raise TooLateError("a later read has ended in another way")
    if newest.id != run.id and newest.held.stream == run.held.stream and newest.held.after < run.held.after:
        raise TooLateError("a later read found even less; decide about that one")
    return HeldRead(source, run, run.held)
