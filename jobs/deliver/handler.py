"""One attempt to deliver: intent, call, outcome; after a doubt wait, look, and only then send again."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from jobs.asks import Enqueue
from jobs.deliver.again import Again
from jobs.deliver.mailing import Mailing
from jobs.deliver.pacing import Pacing
from jobs.deliver.posting import Posting, Prepared
from jobs.deliver.results import Accepted, Ambiguous, Refused, Result
from jobs.deliver.sharing import too_early
from jobs.engine import WorkContext
from jobs.figures import DELIVERIES_SETTLED, Figures
from jobs.notify.kinds import ESCALATIONS
from jobs.notify.notifier import Notifier
from jobs.subscriptions.capping import Caps, capped
from jobs.subscriptions.holding import held_until, hold
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.records import deliveries
from storage.records.buckets import SKEW
from storage.sessions import Database, Session

#: Time-out of a call plus the longest that the other side may take to accept it after that.
QUIET = timedelta(seconds=30)
_LONGEST_WAIT_SECONDS = 60.0
#: Each wait is at least that part of how long it waits already.
_GROWTH = 3.0
#: An intent older than that when the call would begin is treated like an attempt that nobody confirmed.
_STALE_INTENT = timedelta(seconds=5)
#: A fault of the set-up that lasts longer than that makes messages go another way.
_PATIENT_WITH_SET_UP = timedelta(minutes=15)

log = structlog.get_logger()


class DeliveryHandler:
    """Looks after deliveries, for the engine."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        enqueue: Enqueue,
        notifier: Notifier,
        posting: Posting,
        mailing: Mailing,
        *,
        may_act: Callable[[], bool],
        checkpoint: Callable[[str], None] = lambda _name: None,
        quiet: timedelta = QUIET,
        figures: Figures | None = None,
        shared: bool | None = None,
        caps: Caps | None = None,
    ) -> None:
        self._caps = caps or Caps()
        self._figures = figures or Figures()
        self._database = database
        self._clock = clock
        self._enqueue = enqueue
        self._notifier = notifier
        self._posting = posting
        self._mailing = mailing
        self._may_act = may_act
        self._checkpoint = checkpoint
        self._quiet = quiet
        self._pacing = Pacing(clock)
        #: whether other processes may post, too: over SQLite there is one
        self._shared = shared if shared is not None else not database.is_sqlite

    async def handle(self, work: WorkContext) -> None:
        """Make one attempt; when it is not settled, leave the next one to a later piece of work."""
        again = await work.step("deliver", self._step, work.subject)
        if again is not None:
            await work.step("again", self._leave_for_later, work.subject, work.attempt, again)

    async def attempt(self, delivery_id: str) -> Again | None:
        """Bring the delivery one step further; None when it is settled."""
        delivery = await self._database.reading(lambda session: deliveries.delivery(session, delivery_id))
        now = self._clock.now()
        if delivery.state not in {DeliveryState.PENDING, DeliveryState.SENDING}:
            return None
        if now >= delivery.expires_at:
            await self._settle(delivery, DeliveryState.FAILED, reason="given up: no longer worth sending")
            return None
        if not self._may_act():
            return Again(5.0)
        if delivery.state is DeliveryState.SENDING:
            waiting = await self._reconciled(delivery)
            if waiting is not None:
                return waiting if waiting.seconds > 0 else None
        return None if await self._held(delivery, now) else await self._send(delivery)

    async def _held(self, delivery: Delivery, now: datetime) -> bool:
        """Whether it waits for the end of somebody's quiet hours, or because too many were sent."""
        waits = await self._database.reading(lambda session: self._waits(session, delivery, now))
        if waits is None:
            return False
        until, reason = waits
        await self._database.writing(lambda session: hold(session, delivery, until, reason))
        return True

    def _waits(self, session: Session, delivery: Delivery, now: datetime) -> tuple[datetime, str | None] | None:
        until = held_until(session, delivery, now)
        if until is not None:
            return until, None
        over = capped(session, delivery, now, self._caps)
        return (over.until, over.reason) if over else None

    async def _reconciled(self, delivery: Delivery) -> Again | None:
        """Find out whether an attempt that nobody confirmed arrived. None: it did not, send; Again(0): settled."""
        intent_at, now = delivery.intent_at or delivery.created_at, self._clock.now()
        if intent_at > now + SKEW:
            # The clock was set back: nobody knows how long ago that was, and it is not as late again for a while.
            await self._database.writing(
                lambda session: deliveries.begin_attempt(session, delivery.id, delivery.attempts, now)
            )
            return Again(self._quiet.total_seconds())
        left = (intent_at + self._quiet - now).total_seconds()
        if left > 0:
            return Again(left)
        if delivery.channel is Channel.EMAIL:
            return await self._mailing.after_doubt(delivery, self._settle)
        return await self._posting.after_doubt(delivery, self._settle)

    async def _send(self, delivery: Delivery) -> Again | None:
        if delivery.channel is Channel.SLACK:
            thread = await self._posting.thread_of(delivery, self.attempt)
            return thread if isinstance(thread, Again) else await self._in_turn(delivery, thread)
        return await self._carry_out(delivery, await self._mailing.prepare(delivery))

    async def _in_turn(self, delivery: Delivery, thread: str | None) -> Again | None:
        """Post when it is its turn: a post that would be refused for coming too early is no attempt."""
        team_id, channel_id = delivery.destination.split("/")
        urgent = delivery.kind in ESCALATIONS
        if wait := self._pacing.enter(delivery.id, team_id, channel_id, urgent=urgent):
            return Again(wait)
        try:
            return await self._carry_out(delivery, await self._posting.prepare(delivery, thread))
        finally:
            self._pacing.leave(team_id)

    async def _carry_out(self, delivery: Delivery, prepared: Prepared | Refused) -> Again | None:
        if isinstance(prepared, Refused):
            return await self._refused(delivery, prepared)
        now = self._clock.now()
        wait = await self._database.writing(lambda session: self._begin(session, delivery, now))
        if wait is None:
            return None
        if wait > 0:
            team_id, channel_id = delivery.destination.split("/")
            return Again(self._pacing.elsewhere(delivery.id, team_id, channel_id, wait))
        self._checkpoint("delivery.intent")
        frozen = not self._may_act() or self._clock.now() - now > _STALE_INTENT
        # Frozen in between: somebody else may have looked and sent by now. Wait, look, and only then send.
        result: Result = Ambiguous("the process stood still") if frozen else await prepared()
        self._checkpoint("delivery.called")
        match result:
            case Accepted():
                await self._settle(delivery, DeliveryState.SENT, accepted=result)
                self._checkpoint("delivery.settled")
                return None
            case Ambiguous():
                log.warning("delivery_unclear", delivery=delivery.id, kind=delivery.kind, reason=result.reason)
                if delivery.channel is Channel.SLACK:
                    self._pacing.no_answer(delivery.destination.partition("/")[0])
                return Again(self._quiet.total_seconds())
            case Refused():
                return await self._refused(delivery, result)

    def _begin(self, session: Session, delivery: Delivery, now: datetime) -> float | None:
        """Write the intent down and return 0; after how many seconds to try again; None: another worker has it."""
        urgent = delivery.kind in ESCALATIONS
        if self._shared and (wait := too_early(session, delivery, now, urgent=urgent)) > 0:
            return wait
        return 0.0 if deliveries.begin_attempt(session, delivery.id, delivery.attempts, now) else None

    async def _refused(self, delivery: Delivery, refused: Refused) -> Again | None:
        log.warning("delivery_refused", delivery=delivery.id, kind=delivery.kind, reason=refused.reason)
        if refused.final:
            await self._settle(
                delivery, DeliveryState.FAILED, reason=refused.reason, reply=refused.reply, dead=refused.dead
            )
            return None
        await self._database.writing(lambda session: self._put_back(session, delivery, refused))
        if refused.limited and delivery.channel is Channel.SLACK:
            team_id, channel_id = delivery.destination.split("/")
            return Again(self._pacing.limited(delivery.id, team_id, channel_id, refused.after))
        # What is refused before an attempt begins, as a place that cannot be asked for, counts as none: its wait does.
        waited = (self._clock.now() - (delivery.held_until or delivery.created_at)).total_seconds()
        backoff = min(_LONGEST_WAIT_SECONDS, max(2.0 ** min(delivery.attempts, 6), waited / _GROWTH))
        return Again(max(backoff, refused.after or 0.0))

    def _put_back(self, session: Session, delivery: Delivery, refused: Refused) -> None:
        now = self._clock.now()
        deliveries.put_back(session, delivery.id, refused.reason, refused.reply)
        since = delivery.held_until or delivery.created_at
        if refused.set_up and now - since > _PATIENT_WITH_SET_UP:
            # It is still tried; meanwhile nobody waits for somebody to mend the set-up.
            self._notifier.meanwhile(session, delivery, now)

    async def _settle(
        self,
        delivery: Delivery,
        state: DeliveryState,
        *,
        reason: str | None = None,
        accepted: Accepted | None = None,
        reply: str | None = None,
        dead: bool = False,
    ) -> None:
        def write(session: Session) -> None:
            now = self._clock.now()
            external_id = accepted.external_id if accepted else None
            said = accepted.reply if accepted else reply
            if not deliveries.settle(
                session, delivery.id, state, now=now, external_id=external_id, reason=reason, reply=said
            ):
                return
            self._figures.count(DELIVERIES_SETTLED, delivery.channel.value, state.value)
            if accepted is not None and accepted.place is not None:
                self._posting.note_posted(session, delivery, accepted, now)
            if state is DeliveryState.FAILED and now < delivery.expires_at:
                self._notifier.fall_back(session, delivery, now)
            if dead:
                self._notifier.place_dead(session, delivery, reason or "", now)

        await self._database.writing(write)

    async def _step(self, delivery_id: str) -> float | None:
        again = await self.attempt(delivery_id)
        return again.seconds if again is not None else None

    def _leave_for_later(self, delivery_id: str, attempt: int, seconds: float) -> None:
        def write(session: Session) -> None:
            if deliveries.take_over(session, delivery_id, attempt + 1):
                delay = timedelta(seconds=seconds)
                urgent = deliveries.delivery(session, delivery_id).kind in ESCALATIONS
                again = Work("delivery", delivery_id, attempt + 1, queue="notify", delay=delay, urgent=urgent)
                self._enqueue(session, again)

        self._database.in_write(write)
