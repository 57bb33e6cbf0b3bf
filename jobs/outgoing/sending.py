"""Sends what is due to customers' own addresses: eight attempts over 28 hours, at least once, one at a time for each.

A crash between the answer and its note means that the message is sent again a minute later; its id is the same, and the
specification asks receivers to take each id once.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from connectors.outgoing.posting import SECONDS, Posted
from connectors.outgoing.signing import signed
from jobs.asks import Enqueue
from jobs.outgoing.telling import tell_stopped
from storage.bindings import of_endpoint
from storage.facts.clock import Clock
from storage.facts.outgoing import GIVE_UP_AFTER, KEPT_FOR, PAUSES
from storage.facts.secret import Secret
from storage.records import outgoing
from storage.records.outgoing import Due
from storage.seal import Seal, SealError
from storage.sessions import Database, Session

#: Whoever holds an attempt longer than that has died with it.
_HOLD = timedelta(seconds=3 * SECONDS)
_LONGEST_WAIT = timedelta(hours=10)
_AT_ONCE = 10
#: the receiver says that nothing is to be sent there any more
_GONE = 410

log = structlog.get_logger()


class Posts(Protocol):
    """Makes one attempt."""

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Send; never raises for what the other side does."""
        ...


class Sending:
    """Looks each second for what is due; a slow receiver holds up nobody but itself."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        seal: Seal,
        poster: Posts,
        enqueue: Enqueue,
        *,
        may_act: Callable[[], bool],
        checkpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._poster = poster
        self._enqueue = enqueue
        self._may_act = may_act
        self._checkpoint = checkpoint
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def sweep(self) -> None:
        """Begin with each receiver that something is due for and that is not being sent to."""
        if not self._may_act():
            return
        for endpoint_id in await self._database.reading(
            lambda session: outgoing.due_endpoints(session, self._clock.now())
        ):
            if endpoint_id not in self._busy:
                task = asyncio.create_task(self._drain(endpoint_id))
                self._busy[endpoint_id] = task
                task.add_done_callback(lambda _, done=endpoint_id: self._busy.pop(done, None))  # type: ignore[misc]

    async def tidy(self) -> None:
        """Forget messages after their term."""
        before = self._clock.now() - KEPT_FOR
        while await self._database.writing(lambda session: outgoing.forget_before(session, before)):
            pass

    async def close(self) -> None:
        """Let go of what is under way; it is sent again later."""
        for task in list(self._busy.values()):
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _drain(self, endpoint_id: str) -> None:
        """Send what is due there, until an attempt comes to nothing."""
        try:
            async with self._places:
                while self._may_act() and await self._one(endpoint_id):
                    pass
        except Exception:  # the edge of a task: the next sweep begins again
            log.exception("outgoing_failed", endpoint=endpoint_id)

    async def _one(self, endpoint_id: str) -> bool:
        """Make one attempt; return whether the receiver took it."""
        found = await self._database.writing(lambda session: self._claimed(session, endpoint_id))
        if found is None:
            return False
        send, keys = found
        self._checkpoint("outgoing.claimed")
        body = send.body.encode()
        posted = await self._poster.post(send.url, body, signed(send.message_id, self._clock.now(), body, keys))
        self._checkpoint("outgoing.posted")
        await self._database.writing(lambda session: self._note(session, send, posted))
        return posted.accepted

    def _claimed(self, session: Session, endpoint_id: str) -> tuple[Due, list[Secret]] | None:
        now = self._clock.now()
        send = outgoing.due_of(session, endpoint_id, now)
        if send is None or not outgoing.claim(session, send.id, send.attempts, now + _HOLD):
            return None
        try:
            keys = [
                Secret(self._seal.open(sealed, *of_endpoint(endpoint_id)))
                for sealed in outgoing.secrets_of(session, endpoint_id, now)
            ]
        except SealError:
            # Nothing is ever sent unsigned.
            self._stop(session, send, "its secret cannot be opened: set a new one", now)
            return None
        return send, keys

    def _note(self, session: Session, send: Due, posted: Posted) -> None:
        now = self._clock.now()
        answer = str(posted.status) if posted.status is not None else posted.trouble
        if posted.accepted:
            outgoing.accepted(session, send.id, send.endpoint_id, answer, now)
            return
        log.warning("outgoing_refused", endpoint=send.endpoint_id, message=send.message_id, answer=answer)
        outgoing.refused(session, send.id, send.endpoint_id, answer, self._again_at(send, posted, now), now)
        receiver = outgoing.endpoint(session, send.organization_id, send.endpoint_id)
        if posted.status == _GONE:
            self._stop(session, send, "it answered that nothing is to be sent there any more (410)", now)
        elif receiver and receiver.failing_since and now - receiver.failing_since >= GIVE_UP_AFTER:
            self._stop(session, send, "it accepted nothing for five days", now)

    def _again_at(self, send: Due, posted: Posted, now: datetime) -> datetime | None:
        if send.attempts >= len(PAUSES):
            return None
        asked = timedelta(seconds=posted.after or 0)
        return now + min(_LONGEST_WAIT, max(PAUSES[send.attempts], asked))

    def _stop(self, session: Session, send: Due, because: str, now: datetime) -> None:
        if not outgoing.stop(session, send.endpoint_id, because, now):
            return
        log.warning("outgoing_stopped", endpoint=send.endpoint_id, because=because)
        stopped = outgoing.endpoint(session, send.organization_id, send.endpoint_id)
        if stopped is not None:
            tell_stopped(session, stopped, self._enqueue, now)
