"""A connector as it is, in a world where processes die and the provider does not stand still while it is read."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from random import Random

from connectors.base import Access, Collected, Company, Connector, Progress, Session, Sink
from connectors.limits import Limiter, Rate
from storage.facts.ready import ReadyTable
from storage.facts.streams import Batch

#: how often something happens between two calls of a read
_BUSY = 0.08

Spoil = Callable[[Batch], Batch]


class Killed(Exception):  # noqa: N818 - the end of a process, not an error of ours
    """The process ends."""


def as_it_is(batch: Batch) -> Batch:
    """Hand a batch on."""
    return batch


class Meddled:
    """Reads through the connector's real code."""

    def __init__(self, whole: Connector, spoil: Spoil) -> None:
        self._whole = whole
        self.provider, self.mode, self.label = whole.provider, whole.mode, whole.label
        self.streams = whole.streams
        # What is made of the rows has tests of its own, and is not compared here.
        self.ready: tuple[ReadyTable, ...] = ()
        #: what a twin does to all that is handed over
        self._spoil = spoil
        self.chance = Random(0)
        #: lets something happen at the provider; None: it stands still
        self.happens: Callable[[Random], None] | None = None
        #: batches until the process dies; 0: it does not
        self.left = 0

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open the connector's session."""
        return self._whole.session(replace(access, limiter=_Meddler(access.limiter, self)))

    async def probe(self, session: Session) -> Company:
        """Ask as the connector does."""
        return await self._whole.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read as the connector does."""

        async def handed(batch: Batch) -> None:
            self.left -= 1
            if self.left == 0:
                raise Killed
            await sink(self._spoil(batch))

        return await self._whole.collect(session, cursors, until, handed, progress)


class _Meddler:
    """Asks the real limiter, and lets the provider go on between two calls."""

    def __init__(self, limiter: Limiter, meddled: Meddled) -> None:
        self._limiter = limiter
        self._meddled = meddled

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        self._goes_on()
        return await self._limiter.reserve(key, rate, cost)

    async def block(self, key: str, seconds: float) -> None:
        await self._limiter.block(key, seconds)

    async def blocked(self, key: str) -> float:
        self._goes_on()
        return await self._limiter.blocked(key)

    async def record(self, key: str, reads: int) -> None:
        await self._limiter.record(key, reads)

    def _goes_on(self) -> None:
        meddled = self._meddled
        if meddled.happens is not None and meddled.chance.random() < _BUSY:
            meddled.happens(meddled.chance)
