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
from storage.facts.runs import Result, RunState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import seeds
from storage.sessions import Database, Session
from templates.notices.partly import partly_parts
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
        bad = netsuite.deliver(netsuite.csv() + b"1,2\r\n", at=at)
        netsuite.deliver(b"Internal ID,Name\n1,Soil\n", feed="items", at=at)
        items = {"name": "items", "pattern": "items/*", "key": ["Internal ID"], "dates": "YYYY-MM-DD"}
        connect(stage, Provider.NETSUITE, "NetSuite via bucket", {"feeds": [netsuite.feed(), items]})
        source = stage.source(Provider.NETSUITE)
        assert (schedule_of(source).active, schedule_of(source).minutes) == (True, 30)
        await a_bad_feed_stops_itself_only(stage, netsuite, bad)
        refresh = await stage.finished((await stage.request(Provider.NETSUITE)).refresh_id, seconds=60)
        ((source, run),) = refresh.runs
        assert (run.state, run.clocks.source_as_of, run.only, run.partly) == (RunState.READY, at, ("feed gl",), None)
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


async def a_bad_feed_stops_itself_only(stage: Stage, netsuite: NetSuite, bad: Path) -> None:
    """One feed's file is bad: the other is loaded, it is said which and why, and a click reads it alone."""
    refresh = await stage.finished((await stage.request(Provider.NETSUITE)).refresh_id, seconds=60)
    ((_, run),) = refresh.runs
    assert (run.state, run.result, run.clocks.source_as_of) == (RunState.READY, Result.PARTIAL, None)
    assert run.partly is not None
    (lost,) = run.partly.missing
    assert (lost.streams, lost.label, lost.as_of) == (("feed gl",), "Files of gl", None)
    assert run.partly.rest == ("Files of items",)
    warehouse = stage.jobs.ground.warehouses.of(stage.organization_id)
    held = await asyncio.to_thread(warehouse.counts, run.source_id)
    assert (held["raw_netsuite_transaction_lines"], held["raw_netsuite_rows"]) == (0, 1)
    told = "".join(
        words for part in partly_parts(refresh.runs) for words in getattr(part, "parts", ()) if isinstance(words, str)
    )
    assert f"{bad.name}, row 22 has 2 cells where the header has 14. It was never read." in told, told
    netsuite.write(bad, netsuite.csv(), stage.clock.now() - timedelta(minutes=90))


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
