"""The places of one collection among all that read the same provider account, in whatever process.

They are taken with the first call, kept by a renewal every few seconds and given back at the end: no call writes
anything. Calls under way never outlast what was promised: a call whose renewal did not come is given up. Who waits is
seen by the others at their next renewal, and gets its share then.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from connectors.errors import Retry
from connectors.places import PlaceLost
from jobs.leasing import LEASE_SECONDS
from storage.facts.ids import new_id
from storage.records import places
from storage.records.places import Parted
from storage.sessions import Database, DatabaseBusyError

#: QuickBooks answers ten calls of a company at once. The tenth is left to single looks outside of collections: whether
#: a connection works again, whose it is.
MOST = 9
_PATIENCE_SECONDS = 240.0
#: between two looks of who has no place yet, or has more than its share
_LOOK_SECONDS = 1.0


class DatabasePlaces:
    """Places of one session; for one event loop."""

    def __init__(self, database: Database, *, seconds: float = LEASE_SECONDS, most: int = MOST) -> None:
        self._database = database
        self._seconds = seconds
        self._most = most
        self._holder = new_id("plc")
        self._account = ""
        self._keeper: asyncio.Task[None] | None = None
        self._renewing = asyncio.Lock()
        #: calls that may be under way, and that are
        self._allowed = 0
        self._busy = 0
        #: when the places run out, by the loop's clock
        self._until = 0.0
        self._limits: set[asyncio.Timeout] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waits(self) -> bool:
        """Whether calls wait and none is under way: others have all places."""
        return self._busy == 0 and bool(self._waiting)

    @contextlib.asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        """Hold one place; Retry when there is none for minutes, PlaceLost when it ran out meanwhile."""
        await self._begin(key)
        limit = asyncio.timeout_at(self._until)
        try:
            async with limit:
                self._limits.add(limit)
                yield
        except TimeoutError:
            if limit.expired():
                raise PlaceLost from None
            raise
        finally:
            self._limits.discard(limit)
            self._busy -= 1
            self._wake()

    async def close(self) -> None:
        """Give all places back."""
        if self._keeper is None:
            return
        async with self._renewing:
            # Not in the middle of a write, which would come after ours and take the places again.
            self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        await self._database.writing(lambda session: places.give_back(session, self._account, self._holder))

    async def _begin(self, key: str) -> None:
        if self._keeper is None:
            self._account = key
            self._keeper = asyncio.create_task(self._keep())
            self._keeper.add_done_callback(lambda _: self._wake())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not self._open():
                    await self._turn()
        except TimeoutError as error:
            detail = "other collections of the same company make all the calls that the provider allows at once"
            raise Retry(30, detail, code="places_taken") from error
        self._busy += 1

    def _open(self) -> bool:
        assert self._keeper is not None
        if self._keeper.done():
            self._keeper.result()
        return self._busy < self._allowed and asyncio.get_running_loop().time() < self._until

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _wake(self) -> None:
        ended = self._keeper is None or self._keeper.done()
        for _ in range(len(self._waiting) if ended else self._allowed - self._busy):
            if not self._waiting:
                return
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    async def _keep(self) -> None:
        while True:
            parted: Parted | None = None
            with contextlib.suppress(DatabaseBusyError):
                async with self._renewing:
                    parted = await self._renew()
            alone = parted is not None and self._allowed == parted.places > 0
            await asyncio.sleep(self._seconds / 6 if alone else min(_LOOK_SECONDS, self._seconds / 6))

    async def _renew(self) -> Parted:
        loop = asyncio.get_running_loop()
        # Calls that begin while we write are among those that were allowed before.
        least = max(self._busy, self._allowed if loop.time() < self._until else 0)
        # The time before the write counts: the database's own begins later.
        until = loop.time() + self._seconds
        parted = await self._database.writing(
            lambda session: places.take(
                session, self._account, self._holder, most=self._most, least=least, seconds=self._seconds
            )
        )
        self._allowed, self._until = min(parted.places, parted.share), until
        # Fewer than were under way: our time was over before the write, and theirs is.
        for limit in self._limits if parted.places >= least else ():
            if not limit.expired():
                limit.reschedule(until)
        self._wake()
        return parted
