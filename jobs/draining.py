"""Due deadlines: what is urgent first, then the others oldest first, as many as a moment allows.

After an outage thousands of sources turn late in one instant. A commit for each of them would take minutes, and an
escalation that is due meanwhile would wait for them: so the deadlines of an organization share a transaction, what is
urgent goes before them at every look, and a look leaves the write lock to others for half of the time.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from storage.facts.clock import Clock
from storage.records import deadlines, organizations
from storage.records.deadlines import Deadline
from storage.sessions import Database, DatabaseBusyError, Session

#: One look takes no longer; the sweep looks every second, and clicks wait two seconds for the write lock.
BUDGET = timedelta(seconds=0.5)
#: Deadlines of one look, of either sort.
MOST = 1000
#: Deadlines in one transaction: it holds the write lock for a tenth of a second or so.
TOGETHER = 20
#: What cannot be fired is tried again after that.
_AGAIN = timedelta(minutes=1)

log = structlog.get_logger()

#: Claims a deadline and does what it is for. Under the organization's lock.
Fire = Callable[[Session, Deadline, datetime], None]


class Draining:
    """Fires what is due."""

    def __init__(self, database: Database, clock: Clock, fire: Fire, *, urgent: Collection[str]) -> None:
        self._database = database
        self._clock = clock
        self._fire = fire
        self._urgent = urgent

    async def sweep(self) -> None:
        """Look once; what is left when the time is over is due at the next look."""
        until = self._clock.now() + BUDGET
        # Looks without the write lock: nearly always nothing is due.
        await self._drain(await self._due(of=self._urgent), until)
        await self._drain(await self._due(but=self._urgent), until)

    async def _due(
        self, *, of: Collection[str] | None = None, but: Collection[str] = ()
    ) -> Sequence[Deadline]:  # fmt: skip
        now = self._clock.now()
        return await self._database.reading(lambda session: deadlines.due(session, now, MOST, of=of, but=but))

    async def _drain(self, due: Sequence[Deadline], until: datetime) -> None:
        for batch in in_batches(due):
            await self._fire_all(batch)
            if self._clock.now() >= until:
                return

    async def _fire_all(self, batch: Sequence[Deadline]) -> None:
        try:
            await self._database.writing(partial(self._write, batch=batch))
        except DatabaseBusyError:
            raise
        except Exception as error:  # the edge of a deadline: one that cannot be fired holds up no other
            if len(batch) > 1:
                for one in batch:
                    await self._fire_all([one])
                return
            log.exception("deadline_failed", kind=batch[0].kind, subject=batch[0].subject, error=type(error).__name__)
            # Otherwise the oldest, which it is, would stand first at every look.
            later = self._clock.now() + _AGAIN
            await self._database.writing(lambda session: deadlines.postpone(session, batch[0].id, later))

    def _write(self, session: Session, batch: Sequence[Deadline]) -> None:
        organizations.lock(session, batch[0].organization_id)
        now = self._clock.now()
        for deadline in batch:
            self._fire(session, deadline, now)


def in_batches(due: Sequence[Deadline]) -> Iterator[Sequence[Deadline]]:
    """Put what belongs to one organization together; whose oldest is the oldest comes first."""
    of: dict[str, list[Deadline]] = {}
    for deadline in due:
        of.setdefault(deadline.organization_id, []).append(deadline)
    for together in of.values():
        yield from (together[start : start + TOGETHER] for start in range(0, len(together), TOGETHER))
