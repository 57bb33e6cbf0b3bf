"""Killed by SIGKILL, at named points and at random, while answers are lost: each order is in QuickBooks once."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.oauth import MemoryTokens
from sandbox.misbehave import Kind, Rule
from sandbox.providers.catalogue import REALM
from storage.sessions import Database
from tests.jobs.exchange.orders.taken import CUST_ID, SOURCE, Stage, staged
from tests.jobs.exchange.orders.worker import work

SOAK = bool(os.environ.get("SOAK"))
ORDERS = 500 if SOAK else 25
POINTS = ("orders.kept", "orders.claimed", "orders.sent", "orders.settled", "orders.answered")
#: where it dies: a point and at which pass, or after seconds
DEATHS: list[str | float] = (
    [f"{point}:{nth}" for point in POINTS for nth in (1, 2)] + [Random(4).uniform(0.8, 4.0) for _ in range(40)]
    if SOAK
    else ["orders.sent:1"]
)


def _order_for(stage: Stage, folder: Path, offset: float) -> dict[str, Any]:
    tokens = stage.access.tokens
    assert isinstance(tokens, MemoryTokens)
    ids = {str(row.get("Sku") or row["Id"]): row["Id"] for row in stage.app.books[REALM].truth("Item")}
    return {
        "folder": str(folder), "url_here": stage.database.url, "offset": offset, "url": stage.access.settings.api_url, "realm": REALM, "source": SOURCE,
        "cust_id": CUST_ID, "access": tokens.tokens.access.reveal(), "refresh": "none",
        "customers": list(stage.inventiv.customers),
        "items": [(number, ids[number], str(price)) for number, price in stage.inventiv.items],
    }  # fmt: skip


async def _live(said: dict[str, Any], death: str | float) -> int:
    """Let a worker live until it dies, or has done everything; return how it ended."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    if isinstance(death, str):
        environment["TIDINGS_CRASH_AT"] = death
    module = "tests.jobs.exchange.orders.worker"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, json.dumps(said), env=environment, stdout=PIPE, stderr=PIPE
    )
    heard = asyncio.create_task(process.communicate())
    if isinstance(death, float):
        await asyncio.wait([heard], timeout=death)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
    _, errors = await asyncio.wait_for(heard, 120)
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()[-2000:]
    return process.returncode


@pytest.mark.timeout(900)
async def test_killed_and_unheard_each_order_is_there_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        good, draw, died = stage.inventiv.arrive(ORDERS // 2, stage.clock.now()), Random(7), 0
        lost = 0.1 if SOAK else 0.3
        stage.app.script.add(
            Rule(Kind.RESET, path="/(batch|estimate)$", accept=True, probability=lost, seed=3, times=None)
        )
        for life, death in enumerate(DEATHS, 1):
            good += stage.inventiv.arrive(max(1, ORDERS // 2 // len(DEATHS)), stage.clock.now())
            if SOAK and life % 3 == 0:
                stage.inventiv.amend(draw.choice(good), stage.clock.now())
            died += await _live(_order_for(stage, tmp_path, life * 7 * 60), death) == -signal.SIGKILL
        assert died
        stage.app.script.clear()
        await work(_order_for(stage, tmp_path, (len(DEATHS) + 2) * 7 * 60))
        assert stage.complaints(good) == []
