"""Warehouses are kept tidy: all of them, whoever is busy, and never at a run's cost."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from connectors.errors import Retry
from jobs import upkeep
from jobs.ground import Ground, Warehouses
from jobs.upkeep import gather_files, warehouse_sweep
from storage.facts.clock import OffsetClock
from storage.facts.runs import RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode
from storage.records import leases, organizations
from storage.seal import Seal, new_key
from storage.sessions import Database
from storage.tables import OrganizationRow, RunRow, SourceRow
from storage.warehouse import Warehouse, WarehouseError
from tests.storage.warehouse.company import CUSTOMERS, READY, SOURCE, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.model import ready_state

BUSY, OTHER = "org_busy", "org_other"
Sweep = Callable[[], Awaitable[None]]


@pytest.fixture
def ground(sqlite_database: Database, tmp_path: Path) -> Ground:
    clock = OffsetClock()
    with sqlite_database.write() as session:
        for name in (BUSY, OTHER):
            session.add(OrganizationRow(id=name, name=name, timezone="UTC", created_at=clock.now()))
    return Ground(
        database=sqlite_database,
        clock=clock,
        seal=Seal([Secret(new_key())]),
        warehouses=Warehouses(str(tmp_path / "warehouse")),
        providers={},
        connector_for=lambda provider: pytest.fail(f"{provider} is not asked for"),
        read_budget=0,
    )


def _loaded(warehouse: Warehouse, loads: int) -> Warehouse:
    for number in range(loads):
        with warehouse.begin(run(f"run_{number}", SOURCE), STREAMS) as loader:
            lines = ((f"c{number}", Decimal(number)),)
            loader.write(invoices([Invoice(key, lines=lines) for key in ("0", f"n{number}", f"m{number}")]))
            loader.write(simple(CUSTOMERS, {f"c{number}": "A"}))
            loader.commit({})
        warehouse.process(f"run_{number}", SOURCE, READY)
    return warehouse


async def _stops_at_the_first(ground: Ground) -> None:
    """A sweep that lets what one organization's warehouse says end it."""
    for organization_id in await ground.database.reading(organizations.ids):
        await upkeep._maintain(ground, organization_id, 0.1)


async def _tidied(ground: Ground, sweep: Sweep) -> set[str]:
    """Return whose warehouse the sweep wrote to."""
    warehouses = {name: ground.warehouses.of(name) for name in (BUSY, OTHER)}
    before = {name: _snapshot(warehouse) for name, warehouse in warehouses.items()}
    await sweep()
    return {name for name, warehouse in warehouses.items() if _snapshot(warehouse) != before[name]}


def _snapshot(warehouse: Warehouse) -> int:
    try:
        return warehouse.snapshot()
    except WarehouseError:
        return -1


async def test_a_busy_organization_does_not_end_the_sweep(ground: Ground) -> None:
    for name in (BUSY, OTHER):
        _loaded(ground.warehouses.of(name), 2)
    sweep = warehouse_sweep(ground, busy_seconds=0.1)
    with ground.database.write() as session:
        held = leases.acquire(session, f"warehouse:{BUSY}", "a run", 600)
    assert held is not None
    with pytest.raises(Retry):
        # The first of the two is the one that is busy: such a sweep never comes to the other one.
        await _tidied(ground, partial(_stops_at_the_first, ground))
    assert await _tidied(ground, sweep) == {OTHER}
    with ground.database.write() as session:
        leases.release(session, f"warehouse:{BUSY}", "a run", held)
    # Its turn was given back, the other one's was not.
    assert await _tidied(ground, sweep) == {BUSY}


async def test_an_organization_out_of_order_does_not_end_the_sweep(ground: Ground, tmp_path: Path) -> None:
    _loaded(ground.warehouses.of(OTHER), 2)
    folder = tmp_path / "warehouse" / BUSY
    folder.mkdir(parents=True)
    (folder / "catalog.sqlite").write_bytes(b"this is no catalog" * 100)
    with pytest.raises(WarehouseError):
        await _tidied(ground, partial(_stops_at_the_first, ground))
    assert await _tidied(ground, warehouse_sweep(ground, busy_seconds=0.1)) == {OTHER}


async def test_gathering_after_runs_changes_no_result(ground: Ground) -> None:
    warehouse = _loaded(ground.warehouses.of(OTHER), 9)
    before, scattered = ready_state(warehouse), warehouse.scattered()
    assert len(scattered) > upkeep._TABLES_AFTER_A_RUN
    await gather_files(ground, OTHER)
    # Some after each run, the worst first, until none is left.
    assert warehouse.scattered() == scattered[upkeep._TABLES_AFTER_A_RUN :]
    await gather_files(ground, OTHER)
    assert warehouse.scattered() == scattered[2 * upkeep._TABLES_AFTER_A_RUN :]
    assert ready_state(warehouse) == before
    rebuilt = warehouse.process("all", SOURCE, READY, rebuild=True)
    assert not any(count.touched for count in rebuilt.counts.values())


async def test_gathering_gives_way_to_a_run(ground: Ground) -> None:
    warehouse = _loaded(ground.warehouses.of(OTHER), 9)
    scattered, now = warehouse.scattered(), ground.clock.now()
    assert scattered
    with ground.database.write() as session:
        session.add(
            SourceRow(
                id=SOURCE,
                organization_id=OTHER,
                provider="shopify",
                account="a.myshopify.com",
                label="A",
                company="A",
                mode=CollectMode.ON_DEMAND,
                schedule_minutes=60,
                updated_at=now,
                created_at=now,
            )
        )
        session.flush()
        waiting = RunRow(
            id="run_waits",
            organization_id=OTHER,
            source_id=SOURCE,
            trigger=Trigger.REQUEST,
            slot_key="waits",
            state=RunState.QUEUED,
            requested_at=now,
        )
        session.add(waiting)
    await gather_files(ground, OTHER)
    assert warehouse.scattered() == scattered[upkeep._TABLES_IN_ANY_CASE :]
    with ground.database.write() as session:
        session.get_one(RunRow, "run_waits").state = RunState.CANCELLED
    await gather_files(ground, OTHER)
    assert warehouse.scattered() == scattered[upkeep._TABLES_IN_ANY_CASE + upkeep._TABLES_AFTER_A_RUN :]
