"""Whoever still works on a source while it is disconnected may write nothing any more: no token, no run, no data."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Collected
from connectors.errors import Reconnect, Retry
from connectors.tokens import Tokens
from jobs.connecting.disconnect import DisconnectService
from jobs.refresh.collecting import Collecting
from jobs.refresh.outcome import LOST
from storage.facts.disconnects import Disconnect
from storage.facts.secret import Secret
from storage.records import runs
from storage.sessions import Database, Session
from storage.tables import ConnectionRow
from tests.jobs.connecting.disconnecting import (
    ACCOUNT,
    Polite,
    confirm,
    tokens_of,
)
from tests.jobs.connecting.parting import ground_of, lake
from tests.jobs.connecting.stage import staged
from tests.storage.warehouse.company import CUSTOMERS, simple


class Unfenced(DisconnectService):
    """A twin that leaves version and grant as they are, and only says that it is disconnected."""

    def _cut(self, session: Session, *args: Any, **more: Any) -> Disconnect:
        row = session.get_one(ConnectionRow, args[1].id)
        kept = (row.version, row.credentials)
        disconnect = super()._cut(session, *args, **more)
        session.refresh(row)
        row.version, row.credentials = kept
        session.add(row)
        session.flush()
        return disconnect


@pytest.mark.parametrize("kind", [DisconnectService, Unfenced])
async def test_a_late_save_or_read_of_a_token_brings_nothing_back(
    database: Database, tmp_path: Path, kind: type[DisconnectService]
) -> None:
    """Somebody renews the tokens while a person disconnects: what they save must not be there after it."""
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        renewing = tokens_of(stage, source)
        old = await renewing.load()
        await confirm(stage, source, kind=kind)
        fresh = Tokens(Secret("access-late"), Secret("refresh-late"), old.expires_at)
        if kind is Unfenced:
            await renewing.save(fresh)
            assert (await tokens_of(stage, source).load()).access == fresh.access
            return
        with pytest.raises(Retry):
            await renewing.save(fresh)
        with pytest.raises(Reconnect):
            await tokens_of(stage, source).load()
        assert stage.connection(source.id).credentials is None


@pytest.mark.parametrize("kind", [DisconnectService, Polite])
async def test_whoever_works_on_the_run_may_write_nothing_any_more(
    database: Database, tmp_path: Path, kind: type[DisconnectService]
) -> None:
    async with staged(database, tmp_path) as stage:
        connected = await stage.connected(ACCOUNT)
        assert connected.run_id is not None
        run_id = connected.run_id
        generation = stage.database.in_write(lambda session: runs.claim(session, run_id, 1, stage.clock.now()))
        assert generation is not None
        await confirm(stage, connected.source, kind=kind)
        # What the fence of a load asks right before its commit, and that of a build.
        held = generation
        writes = stage.database.in_write(lambda session: runs.advance(session, run_id, held, outcome={"plan": {}}))
        holds = stage.database.in_read(lambda session: runs.holds(session, run_id, held))
        assert (writes, holds) == ((True, True) if kind is Polite else (False, False))


class OneRecord(Collecting):
    """Collecting as it is, but for the provider: one record comes."""

    async def _read(self, *args: Any) -> Collected:
        load = args[4]
        load.write(simple(replace(CUSTOMERS, name="late"), {"late": "late-canary"}))
        return Collected(args[6], {}, 1)


@pytest.mark.parametrize("point", ["warehouse.staged", "warehouse.before_commit"])
@pytest.mark.parametrize("kind", [DisconnectService, Polite])
async def test_a_late_writer_changes_nothing_in_the_warehouse(
    database: Database, tmp_path: Path, kind: type[DisconnectService], point: str
) -> None:
    """A run is read and about to be written when somebody disconnects: not even its last step gets through."""
    async with staged(database, tmp_path) as stage:
        connected = await stage.connected(ACCOUNT)
        assert connected.run_id is not None
        loop = asyncio.get_running_loop()

        def checkpoint(name: str) -> None:
            # Points of the warehouse are passed in its thread.
            if name == point:
                asyncio.run_coroutine_threadsafe(confirm(stage, connected.source, kind=kind), loop).result(20)

        ground = replace(ground_of(stage.means, tmp_path), checkpoint=checkpoint)
        collecting = OneRecord(ground)
        result = await collecting.collect(connected.run_id, 1)
        wrote = lake(tmp_path).snapshot() > 0
        assert wrote is (kind is Polite)
        if kind is DisconnectService:
            assert result["verdict"] == LOST
