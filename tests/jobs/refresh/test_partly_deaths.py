"""A run that puts a stream aside dies at each point of the load: what it could not read is never said to be there."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Collected, Progress, Session, Sink, mark
from connectors.shopify.connector import ShopifyConnector
from jobs.build import Tuning
from jobs.ground import Ground
from jobs.notify.notifier import Notifier
from jobs.refresh.collecting import Collecting
from jobs.refresh.handler import RunHandler
from jobs.refresh.processing import Processing
from jobs.refresh.retry import RetryPlan
from jobs.schedule import start_run
from sandbox.misbehave import Kind, Rule
from storage.facts.ids import new_id
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.sources import Provider
from storage.records import runs
from storage.sessions import Database
from tests.jobs.briefly import Some
from tests.jobs.refresh.test_partly import READ, some
from tests.jobs.stage import SHOP, Stage, staged

REFUSED = Rule(Kind.FAULT, operation="query", entity="products", code="ACCESS_DENIED", times=None)
ALL_POINTS = (
    "run.collected",
    "warehouse.staged",
    "warehouse.before_commit",
    "warehouse.after_commit",
    "run.loaded",
)
POINTS = ALL_POINTS if os.environ.get("SOAK") else ALL_POINTS[3:4]
#: Nobody looks for work that seems lost while a test holds it.
ALONE = Tuning(retries=RetryPlan(first=0.2, cap=0.5, attempts=3), slack_seconds=1.0, audit_every_seconds=3600.0)


class DiedError(BaseException):
    """The process is gone."""


class Forgetful(ShopifyConnector):
    """Broken: what could not be read counts as read."""

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        found = await super().collect(session, cursors, until, sink, progress)
        marks = {name: mark(cursors.get(name), until) for one in found.aside for name in one.streams}
        lost = {name: str(replace(known, read_to=until)) for name, known in marks.items() if known is not None}
        return replace(found, aside=(), cursors={**found.cursors, **lost}, keep_cursors=(*found.keep_cursors, *lost))


def _dying(ground: Ground, point: str) -> Ground:
    def die(name: str) -> None:
        if name == point:
            raise DiedError(name)

    return replace(ground, checkpoint=die)


async def _run(stage: Stage, ground: Ground, *, dies_at: str = "") -> Run:
    """Be the engine for one run: collect, die, collect again, process, end."""
    source = stage.source(Provider.SHOPIFY)
    run_id = stage.database.in_write(
        lambda session: start_run(
            session, source, Trigger.SCHEDULE, new_id("slot"), stage.clock.now(), lambda *_: None, collects=True
        )
    )
    if dies_at:
        with pytest.raises(DiedError):
            await Collecting(_dying(ground, dies_at)).collect(run_id, 1)
    result = await Collecting(ground).collect(run_id, 1)
    assert result["verdict"] is None, result
    result = await Processing(ground).process(run_id, 1)
    handler = RunHandler(
        ground, Notifier(lambda *_: None, support_channel="", support_email=""), lambda *_: None, RetryPlan()
    )
    await handler._end(run_id, result)
    return stage.database.in_read(lambda session: runs.run(session, run_id))


def _rename(stage: Stage, title: str) -> None:
    """Change every product at the shop, and let an order come."""
    shop, at = stage.shopify.shops[SHOP], stage.clock.now()
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.put([{**node, "title": title, "updatedAt": stamp} for node in list(shop.tables["Product"].values())])
    shop.mutate(seed=at.second, new=1, changed=0, deleted=0)


def _unlike(stage: Stage) -> list[str]:
    """Return in what the warehouse and the shop differ."""
    shop, found = stage.shopify.shops[SHOP], []
    with stage.jobs.ground.warehouses.of(stage.organization_id).reader() as reader:
        products = reader.query("SELECT id, title FROM raw_shopify_products WHERE NOT _deleted")
        orders = {row["id"] for row in reader.query("SELECT id FROM raw_shopify_orders WHERE NOT _deleted")}
    if {row["id"]: row["title"] for row in products} != {node["id"]: node["title"] for node in shop.truth("Product")}:
        found.append("products")
    return found + (["orders"] if orders != shop.ids("Order") else [])


async def _complaints(stage: Stage, ground: Ground, points: Sequence[str]) -> list[str]:
    """Put products aside in runs that die; then read all. Return every lie that was told, or left."""
    found: list[str] = []
    good = await _run(stage, ground)
    stage.shopify.script.add(REFUSED)
    for point in points:
        stage.clock.advance(timedelta(minutes=30))
        _rename(stage, f"Before {point}")
        # Longer ago than a read goes back behind its cursor.
        stage.clock.advance(timedelta(minutes=30))
        run = await _run(stage, ground, dies_at=point)
        assert run.state is RunState.READY
        unlike = await asyncio.to_thread(_unlike, stage)
        if unlike != ["products"]:
            found.append(f"{point}: {unlike} are not what the shop has")
        if run.clocks.source_as_of != good.clocks.source_as_of:
            found.append(f"{point}: said to be as of {run.clocks.source_as_of}")
        if run.partly is None or run.partly.missing[0].as_of != good.clocks.source_as_of:
            found.append(f"{point}: nobody is told what is missing")
    stage.shopify.script.clear()
    stage.clock.advance(timedelta(hours=1))
    run = await _run(stage, ground)
    if unlike := await asyncio.to_thread(_unlike, stage):
        found.append(f"at the end: {unlike} are not what the shop has")
    return found if run.partly is None else [*found, "said to be missing at the end"]


async def test_killed_at_every_point_of_a_partial_load(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, orders=20, invoices=1, tuning=ALONE, connectors=some) as stage:
        assert await _complaints(stage, stage.jobs.ground, POINTS) == []

        # A collector that moves the cursor of what it did not read is caught.
        forgetful = Some(Forgetful(), READ)
        broken = replace(stage.jobs.ground, connector_for=lambda _: forgetful)
        told = await _complaints(stage, broken, ("run.loaded",))
        assert "run.loaded: nobody is told what is missing" in told
        assert "at the end: ['products'] are not what the shop has" in told
