"""Retention: what is only needed for a while is deleted in its time, and the warehouses are kept tidy."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from connectors.errors import Retry
from jobs.ground import Ground
from jobs.refresh.collecting import organization_lease
from jobs.threads import in_thread
from storage.facts.ids import new_id
from storage.records import (
    asks,
    disconnects,
    exchange,
    exchange_orders,
    feedback,
    leases,
    organizations,
    runs,
    triggers,
)
from storage.sessions import DatabaseBusyError, Session
from storage.warehouse import WarehouseError

#: Slack signs for five minutes; three days leave room for every redelivery and for a restored backup.
REPLAY_MEMORY = timedelta(days=3)

#: How long what happened can be looked up.
HISTORY = timedelta(days=400)

#: A warehouse is tidied once in that time, by whichever process looks first.
_TIDY_EVERY = timedelta(hours=23)

#: how long a sweep waits for an organization that is being written to before it goes on to the next
_BUSY_SECONDS = 20.0
#: how long the gathering of files waits, which comes again after the next run
_GIVE_WAY_SECONDS = 0.2
_AFTER_THE_RUN_SECONDS = 0.2
#: tables put together after one run: a run adds a file to each of its tables, and all of them come due at once
_TABLES_AFTER_A_RUN = 4
#: of these so many also while the next run is under way, or runs that follow each other would leave ever more files
_TABLES_IN_ANY_CASE = 2

log = structlog.get_logger()


def replay_memory_sweep(ground: Ground) -> Callable[[], Awaitable[None]]:
    """Return the sweep that forgets what can no longer come again, and what has been history for long enough."""

    async def sweep() -> None:
        before = ground.clock.now() - REPLAY_MEMORY
        await ground.database.writing(lambda session: triggers.forget_before(session, before))
        await ground.database.writing(lambda session: asks.forget_before(session, before))
        past = ground.clock.now() - HISTORY
        await ground.database.writing(lambda session: disconnects.forget_before(session, past))
        await ground.database.writing(lambda session: feedback.forget_before(session, past))
        await ground.database.writing(lambda session: exchange.forget_before(session, past))
        await ground.database.writing(lambda session: exchange_orders.forget_before(session, past))

    return sweep


def warehouse_sweep(ground: Ground, *, busy_seconds: float = _BUSY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Return the sweep that compacts each organization's warehouse and expires snapshots past their term."""

    async def sweep() -> None:
        for organization_id in await ground.database.reading(organizations.ids):
            holder = new_id("tdy")
            turn = await ground.database.writing(partial(_turn, organization_id=organization_id, holder=holder))
            if turn is None:
                continue
            try:
                await _maintain(ground, organization_id, busy_seconds)
            except (Retry, WarehouseError) as error:
                # One that is busy, or out of order, must not keep the others from being tidied; it is next hour's.
                log.warning("warehouse_not_tidied", organization=organization_id, error=str(error))
                await ground.database.writing(
                    partial(leases.release, name=_name(organization_id), holder=holder, generation=turn)
                )

    return sweep


async def gather_files(ground: Ground, organization_id: str) -> None:
    """Put the small files of an organization's warehouse together where loads have left many; gives way to any run.

    The right to write is held for one table at a time, so that a refresh waits for a tenth of a second at most, and
    once it is there only the first tables are put together. What is left comes after the next run.
    """
    warehouse = ground.warehouses.of(organization_id)
    try:
        # The confirmation of the run that has just ended comes first.
        await ground.clock.sleep(_AFTER_THE_RUN_SECONDS)
        tables = await in_thread(warehouse.scattered)
        for number, table in enumerate(tables[:_TABLES_AFTER_A_RUN]):
            if number >= _TABLES_IN_ANY_CASE and await ground.database.reading(
                lambda session: runs.any_active_in(session, organization_id)
            ):
                return
            async with organization_lease(ground, organization_id, patience=_GIVE_WAY_SECONDS):
                await in_thread(partial(warehouse.gather, table))
    except Retry:
        log.info("warehouse_gathered_later", organization=organization_id)
    except (WarehouseError, DatabaseBusyError) as error:
        log.warning("warehouse_not_tidied", organization=organization_id, error=str(error))


async def _maintain(ground: Ground, organization_id: str, busy_seconds: float) -> None:
    warehouse = ground.warehouses.of(organization_id)
    if not await in_thread(warehouse.snapshot):
        return
    async with organization_lease(ground, organization_id, patience=busy_seconds):
        done = await in_thread(partial(warehouse.maintain, now=ground.clock.now()))
    log.info("warehouse_tidied", organization=organization_id, done=str(done))


def _turn(session: Session, organization_id: str, holder: str) -> int | None:
    # A lease that nobody gives back: who gets it is the one whose turn it is.
    return leases.acquire(session, _name(organization_id), holder, _TIDY_EVERY.total_seconds())


def _name(organization_id: str) -> str:
    return f"tidy:{organization_id}"
