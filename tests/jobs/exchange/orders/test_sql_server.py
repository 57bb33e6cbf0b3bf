"""Orders of a SQL Server become estimates once, though its line is cut while they are read and while they are answered."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.pocketadvantage.orders.places import Allowed
from connectors.pocketadvantage.orders.reader import Reader
from connectors.pocketadvantage.transfer.reaching import Reach
from jobs.exchange.orders.turn import Turn
from sandbox.exchange.sql_server import SqlServer
from storage.sessions import Database
from tests.connectors.pocketadvantage.served import TYPES, certified, served_place
from tests.jobs.exchange.orders.taken import staged


class PassesFirst(Turn):
    """Lets the cursor pass what it is about to read."""

    async def _pages(self, opened: Reader, found: Any) -> None:
        await self.advance(f"w{self._now():%Y-%m-%d %H:%M:%S.%f}")
        await super()._pages(opened, found)


@pytest.mark.parametrize("kind, loses", [(Turn, False), (PassesFirst, True)])
async def test_a_line_that_is_cut_loses_no_order_and_doubles_none(
    sqlite_database: Database, tmp_path: Path, kind: type[Turn], *, loses: bool
) -> None:
    async with staged(sqlite_database, tmp_path, kind=kind) as stage:
        numbers = stage.inventiv.arrive(9, stage.clock.now() - timedelta(hours=3), memo="\U0001f4e6 “Größe”")
        with SqlServer(str(stage.inventiv.path), certified=certified(), types=TYPES) as server:
            stage.wanted = replace(stage.wanted, place=served_place(server), allowed=Allowed(Reach(here=True)))
            server.faults.begin(cut_download=9_000)
            done = await stage.turn()
            assert getattr(done.stopped, "code", "") == "database_unreachable"
            assert server.faults.cut
            assert stage.estimates() == []
            # The next one is cut when its answers are in, and nobody hears of that.
            server.faults.begin()
            await stage.turn()
            commits = [place for place, one in enumerate(server.faults.said, 1) if one == "COMMIT"]
            stage.inventiv.arrive(3, stage.clock.now() + timedelta(minutes=1))
            server.faults.begin(cut_at=commits[-1] if commits else 1, cut_when="after")
            await stage.turn()
            server.faults.begin()
            await stage.through()
            every = list(stage.inventiv.revisions)
            assert set(numbers) < set(every)
            assert (stage.complaints(every) != []) is loses
