"""Retention: what is only needed for a while is deleted in its time, and the warehouses are kept tidy."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from jobs.ground import Ground
from jobs.refresh.collecting import organization_lease
from jobs.threads import in_thread
from storage.facts.ids import new_id
from storage.records import asks, leases, organizations, triggers
from storage.sessions import Session

#: Slack signs for five minutes; three days leave room for every redelivery and for a restored backup.
REPLAY_MEMORY = timedelta(days=3)

#: A warehouse is tidied once in that time, by whichever process looks first.
_TIDY_EVERY = timedelta(hours=23)

log = structlog.get_logger()


def replay_memory_sweep(ground: Ground) -> Callable[[], Awaitable[None]]:
    """Return the sweep that forgets triggers and kept requests that can no longer come again."""

    async def sweep() -> None:
        before = ground.clock.now() - REPLAY_MEMORY
        await ground.database.writing(lambda session: triggers.forget_before(session, before))
        await ground.database.writing(lambda session: asks.forget_before(session, before))

    return sweep


def warehouse_sweep(ground: Ground) -> Callable[[], Awaitable[None]]:
    """Return the sweep that compacts each organization's warehouse and expires snapshots past their term."""

    async def sweep() -> None:
        for organization_id in await ground.database.reading(organizations.ids):
            if not await ground.database.writing(partial(_is_due, organization_id=organization_id)):
                continue
            warehouse = ground.warehouses.of(organization_id)
            if not await in_thread(warehouse.snapshot):
                continue
            async with organization_lease(ground, organization_id):
                done = await in_thread(partial(warehouse.maintain, now=ground.clock.now()))
            log.info("warehouse_tidied", organization=organization_id, done=str(done))

    return sweep


def _is_due(session: Session, organization_id: str) -> bool:
    # A lease that nobody gives back: who gets it is the one whose turn it is.
    name = f"tidy:{organization_id}"
    return leases.acquire(session, name, new_id("tdy"), _TIDY_EVERY.total_seconds()) is not None
