"""Delivered files, from the sealed declaration to the warehouse and to the words of a refresh."""

import asyncio
import json
from datetime import date, timedelta
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


def connect(stage: Stage, netsuite: NetSuite) -> None:
    """Store a source and its declaration."""

    def work(session: Session) -> None:
        now, state = stage.clock.now(), ConnectionState.CONNECTED
        source_id, _ = seeds.put_source(
            session, "src_netsuite", stage.organization_id, now, "netsuite", "main",
            schedule_minutes=1440, label="NetSuite via bucket", company="Temerity Goods", mode="push",
        )  # fmt: skip
        seeds.add_connection(session, source_id, stage.organization_id, now, state=state, reason=None, region="")
        place = Place(stage.organization_id, "netsuite", "main", 1)
        declared = Credentials(Secret(json.dumps({"feeds": [netsuite.feed()]})))
        seeds.put_credentials(
            session, source_id, now, sealed=seal_credentials(stage.jobs.ground.seal, place, declared), version=1,
            scopes="", access_expires_at=None, state=state, reason=None,
        )  # fmt: skip

    stage.database.in_write(work)


async def test_a_delivered_file_is_ready_and_a_click_says_of_when_it_is(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, more={"netsuite_folder": str(tmp_path / "in")}) as stage:
        netsuite = NetSuite(tmp_path / "in" / stage.organization_id, stage.clock)
        netsuite.post(10, date(2026, 11, 1))
        at = (stage.clock.now() - timedelta(hours=2)).replace(microsecond=0)
        netsuite.deliver(netsuite.csv(), at=at)
        connect(stage, netsuite)
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
