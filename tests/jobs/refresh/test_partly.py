"""A stream that fails for its own reason: the others are loaded, it keeps what it had, and is read alone afterwards."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.registry import connector_for
from jobs.errors import NotFoundError, TooLateError
from jobs.refresh.ask import Place, Started, TriggerKey
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import Result, Run, RunState
from storage.facts.sources import ConnectionState, Freshness, Provider
from storage.facts.status import SourceStatus
from storage.records import receipts, runs
from storage.sessions import Database
from tests.jobs.briefly import Some
from tests.jobs.stage import SHOP, Stage, staged
from tests.waiting import eventually

PLACE = Place("T0TEMERITY", "C0FINANCE")
#: What they are about; the other kinds of records take long, and add nothing.
READ = frozenset({"orders", "products", "customers"})
#: Shopify refuses one kind of record.
REFUSED = Rule(Kind.FAULT, operation="query", entity="products", code="ACCESS_DENIED", times=None)


def some(provider: Provider) -> Connector:
    """Return a connector of these kinds of records alone."""
    whole = connector_for(provider)
    return Some(whole, READ) if provider is Provider.SHOPIFY else whole


async def _read(stage: Stage) -> Run:
    refresh = await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id, seconds=60)
    return refresh.runs[0][1]


async def _unlike(stage: Stage) -> set[str]:
    """Return the streams of which the warehouse has not what the shop has."""
    warehouse, shop = stage.jobs.ground.warehouses.of(stage.organization_id), stage.shopify.shops[SHOP]
    source = stage.source(Provider.SHOPIFY).id
    kinds = {"orders": "Order", "products": "Product", "customers": "Customer"}
    return {
        stream
        for stream, kind in kinds.items()
        if set(await asyncio.to_thread(warehouse.keys, source, f"raw_shopify_{stream}")) != shop.ids(kind)
    }


async def _status(stage: Stage) -> SourceStatus:
    return await stage.jobs.services.status.one(await stage.actor(), stage.source(Provider.SHOPIFY).id)


def _business(stage: Stage) -> None:
    """Let an order and a product come."""
    shop, at = stage.shopify.shops[SHOP], stage.clock.now()
    shop.mutate(seed=at.minute, new=4, changed=3, deleted=0)
    product = next(iter(shop.tables["Product"].values()))
    number = shop.next_number("Product", 1)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.put([{**product, "id": f"gid://shopify/Product/{number}", "updatedAt": stamp}])


async def _partly(stage: Stage) -> tuple[Run, Run]:
    """Read everything, then all but the products; return both runs."""
    first = await _read(stage)
    stage.clock.advance(timedelta(hours=2))
    _business(stage)
    stage.shopify.script.add(REFUSED)
    return first, await _read(stage)


def _as_of(run: Run) -> datetime:
    assert run.clocks.source_as_of is not None
    return run.clocks.source_as_of


async def _later(stage: Stage, run: Run) -> Run:
    """Wait until a later run of the source has ended, and return it."""

    async def look() -> Run | None:
        listed = stage.database.in_read(lambda session: runs.history(session, [run.source_id], 1))
        return listed[0] if listed[0].id != run.id and not listed[0].state.active else None

    return await eventually(look, seconds=60)


async def test_what_can_be_read_is_and_the_rest_is_read_alone(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, invoices=1, connectors=some) as stage:
        first, run = await _partly(stage)

        assert (first.result, run.state, run.result) == (Result.CHANGED, RunState.READY, Result.PARTIAL)
        assert run.partly is not None
        (lost,) = run.partly.missing
        assert (lost.streams, lost.code, lost.as_of) == (("products",), "scope_missing", first.clocks.source_as_of)
        # Whoever looks at the source's as-of sees that of what is oldest in it.
        status = await _status(stage)
        assert (status.last_data_refresh, status.freshness) == (_as_of(first), Freshness.LATE)
        assert await _unlike(stage) == {"products"}
        told = await eventually(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "Retry Products" in m.everything]
        )
        assert "only partly refreshed" in told[0].everything
        assert "lacks a permission that this refresh needs" in told[0].everything

        # By itself, after a while: nothing else is asked of the shop.
        stage.shopify.script.clear()
        asked = len(stage.shopify.journal.entries)
        stage.clock.advance(timedelta(minutes=6))
        good = await _later(stage, run)
        assert (good.only, good.result, good.partly) == (("products",), Result.CHANGED, None)
        entities = {entry.entity for entry in stage.shopify.journal.entries[asked:] if entry.operation == "query"}
        assert entities
        assert entities <= {"products", "productsCount", "productVariants"}, entities
        assert await _unlike(stage) == set()
        # What was not read again is no newer than it was.
        assert _as_of(good) == run.partly.rest_as_of
        with stage.database.read() as session:
            assert receipts.broken(session, stage.organization_id) == []

        await _a_person_lets_it_be_read_alone(stage)


async def _a_person_lets_it_be_read_alone(stage: Stage) -> None:
    _, run = await _partly(stage)
    service, maya = stage.jobs.services.missing, await stage.actor()
    with pytest.raises(NotFoundError):
        await service.retry(maya, "run_of_somebody_else", TriggerKey("T0TEMERITY", "t0"), PLACE)

    # Still refused: nothing but that is said, and the source stays connected.
    outcome = await service.retry(maya, run.id, TriggerKey("T0TEMERITY", "t1"), PLACE)
    assert isinstance(outcome, Started)
    again = (await stage.finished(outcome.refresh_id, seconds=60)).runs[0][1]
    assert (again.result, again.only) == (Result.PARTIAL, ("products",))
    assert again.partly is not None
    assert run.partly is not None
    assert (again.partly.times, again.partly.rest_as_of) == (2, run.partly.rest_as_of)
    status = await _status(stage)
    assert (status.source.connection, status.last_data_refresh) == (ConnectionState.CONNECTED, _as_of(run))

    stage.shopify.script.clear()
    outcome = await service.retry(maya, run.id, TriggerKey("T0TEMERITY", "t2"), PLACE)
    assert isinstance(outcome, Started)
    good = (await stage.finished(outcome.refresh_id, seconds=60)).runs[0][1]
    assert (good.result, good.partly) == (Result.CHANGED, None)
    assert await _unlike(stage) == set()
    with pytest.raises(TooLateError):
        await service.retry(maya, run.id, TriggerKey("T0TEMERITY", "t3"), PLACE)
    # The whole, with nothing new at the shop.
    stage.clock.advance(timedelta(hours=1))
    assert (await _read(stage)).result in {Result.VERIFIED, Result.CHANGED}
