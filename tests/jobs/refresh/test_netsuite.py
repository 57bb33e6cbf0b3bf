"""Delivered files, from the sealed declaration to the warehouse and to the words of a refresh."""

import asyncio
import json
import os
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from jobs.schedule import schedule_of
from sandbox.providers.netsuite import NetSuite
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.runs import RunState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import seeds
from storage.sessions import Database, Session
from templates.notices.pieces import why_older
from tests.jobs.stage import Stage, staged


def connect(stage: Stage, provider: Provider, label: str, declared: object) -> None:
    """Store a source and its declaration."""

    def work(session: Session) -> None:
        now, state = stage.clock.now(), ConnectionState.CONNECTED
        source_id, _ = seeds.put_source(
            session, f"src_{provider}", stage.organization_id, now, provider.value, "main",
            schedule_minutes=1440, label=label, company="Temerity Goods", mode="push",
        )  # fmt: skip
        seeds.add_connection(session, source_id, stage.organization_id, now, state=state, reason=None, region="")
        place = Place(stage.organization_id, provider.value, "main", 1)
        grant = Credentials(Secret(json.dumps(declared)))
        seeds.put_credentials(
            session, source_id, now, sealed=seal_credentials(stage.jobs.ground.seal, place, grant), version=1,
            scopes="", access_expires_at=None, state=state, reason=None,
        )  # fmt: skip

    stage.database.in_write(work)


async def test_a_delivered_file_is_ready_and_a_click_says_of_when_it_is(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(
        sqlite_database, tmp_path, more={"netsuite_folder": str(tmp_path / "in"), "files_folder": str(tmp_path)}
    ) as stage:
        netsuite = NetSuite(tmp_path / "in" / stage.organization_id, stage.clock)
        netsuite.post(10, date(2026, 11, 1))
        at = (stage.clock.now() - timedelta(hours=2)).replace(microsecond=0)
        netsuite.deliver(netsuite.csv(), at=at)
        connect(stage, Provider.NETSUITE, "NetSuite via bucket", {"feeds": [netsuite.feed()]})
        source = stage.source(Provider.NETSUITE)
        assert (schedule_of(source).active, schedule_of(source).minutes) == (True, 30)
        refresh = await stage.finished((await stage.request(Provider.NETSUITE)).refresh_id, seconds=60)
        ((source, run),) = refresh.runs
        assert (run.state, run.clocks.source_as_of) == (RunState.READY, at)
        held = await asyncio.to_thread(stage.jobs.ground.warehouses.of(stage.organization_id).counts, source.id)
        assert held["raw_netsuite_transaction_lines"] == 20
        said = "".join(part for part in why_older(source, run, None) if isinstance(part, str))
        assert said.endswith("that is the newest that NetSuite has delivered. What comes later is read by itself.")
        assert not [
            one
            for one in await stage.jobs.services.status.all(await stage.actor())
            if one.next_run_at and one.source.id == source.id
        ]
        await a_folder_is_read_as_declared(stage, tmp_path)


async def a_folder_is_read_as_declared(stage: Stage, files: Path) -> None:
    """A provider that nothing outside its package knows: its tables follow from what the customer declared."""
    sheet = files / "folder" / stage.organization_id / "targets.csv"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("store,sales\nBonn,12.50\nJena,7.00\n")
    at = (stage.clock.now() - timedelta(hours=1)).replace(microsecond=0)
    os.utime(sheet, (at.timestamp(), at.timestamp()))
    table = {"name": "targets", "key": ["store"], "columns": {"store": "text", "sales": "money"}}
    connect(stage, Provider.FOLDER, "Store sheets", {"tables": [table]})
    refresh = await stage.finished((await stage.request(Provider.FOLDER)).refresh_id, seconds=60)
    ((_, run),) = refresh.runs
    assert (run.state, run.clocks.source_as_of) == (RunState.READY, at)

    def rows() -> list[dict[str, object]]:
        with stage.jobs.ground.warehouses.of(stage.organization_id).reader() as reader:
            return list(reader.query("SELECT row_key, sales FROM ready_folder_targets ORDER BY ALL"))

    assert await asyncio.to_thread(rows) == [
        {"row_key": "Bonn", "sales": Decimal("12.50")},
        {"row_key": "Jena", "sales": Decimal("7.00")},
    ]
