"""Holding a lease while something is done: short, and prolonged as long as the holder lives.

A holder that dies is missed for `seconds` at most; one that cannot prolong in time loses the lease, and the fence of
its write says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from storage.facts.ids import new_id
from storage.records import leases
from storage.sessions import Database, DatabaseBusyError

#: As long as a dead process is taken for alive (`jobs.work.Timings.dead`).
LEASE_SECONDS = 30.0
_LOOK_SECONDS = 0.05

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that is held."""

    name: str
    holder: str
    #: the fencing token
    generation: int


@asynccontextmanager
async def leased(
    database: Database, name: str, *, seconds: float, patience: float, busy: Callable[[], Exception]
) -> AsyncIterator[Lease]:
    """Hold the lease in the block; what `busy` gives is raised when others hold it for longer than `patience`.

    A block that was cancelled in the middle gives the lease back as one that was left behind.
    """
    lease = await _acquired(database, name, seconds, patience)
    if lease is None:
        raise busy()
    keeper = asyncio.create_task(_prolonged(database, lease, seconds))
    done = True
    try:
        yield lease
    except asyncio.CancelledError:
        done = False
        raise
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await database.writing(lambda session: leases.release(session, name, lease.holder, lease.generation, done=done))


async def _acquired(database: Database, name: str, seconds: float, patience: float) -> Lease | None:
    holder = new_id("lse")
    deadline = asyncio.get_running_loop().time() + patience
    while asyncio.get_running_loop().time() < deadline:
        generation = await database.writing(lambda session: leases.acquire(session, name, holder, seconds))
        if generation is not None:
            return Lease(name, holder, generation)
        await asyncio.sleep(_LOOK_SECONDS)
    return None


async def _prolonged(database: Database, lease: Lease, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds / 4)
        with contextlib.suppress(DatabaseBusyError):
            if not await database.writing(
                lambda session: leases.renew(session, lease.name, lease.holder, lease.generation, seconds)
            ):
                log.warning("lease_lost", lease=lease.name)
                return
