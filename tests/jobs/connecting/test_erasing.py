"""What becomes of the data after a disconnect that asked for it to be erased, then or later."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.connecting.disconnect import DisconnectService
from jobs.errors import TooLateError
from jobs.status import states
from storage.facts.flows import FlowState
from storage.facts.people import SlackIdentity
from storage.facts.sources import Freshness
from storage.facts.talk import Conversation
from storage.records import asked_last, runs
from storage.sessions import Database
from storage.tables import AskedLastRow
from tests.jobs.connecting.disconnecting import ACCOUNT, confirm, loaded, severing, told
from tests.jobs.connecting.parting import fill, lake
from tests.jobs.connecting.stage import a_browser, staged


def _parquet(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*.parquet"))


async def test_erasing_takes_the_data_and_what_runs_say_of_it(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        fill(tmp_path, source, "canary-data")
        loaded(stage, source)
        asker, where = SlackIdentity("T0TEMERITY", "U0MAYA"), Conversation("D0MAYA", "")
        stage.change(lambda s: asked_last.keep(s, source.organization_id, asker, where, "INV-1", stage.clock.now()))
        parted = await confirm(stage, source, erase=True)
        assert parted.frozen_at is not None
        refused = await stage.back(a_browser(), ACCOUNT, source_id=source.id)
        assert (refused.state, refused.reason) == (FlowState.FAILED, "erasing")

        work = severing(stage, tmp_path)
        assert await work.attempt(parted.disconnect_id, 1)

        assert lake(tmp_path).counts(source.id) == {}
        assert b"canary-data" not in _parquet(tmp_path)
        # What was asked about it may name documents and amounts.
        assert stage.database.in_read(lambda session: session.exec(select(AskedLastRow)).all()) == []
        (status,) = stage.database.in_read(lambda session: states(session, stage.sources(), stage.clock.now()))
        assert status.freshness is Freshness.NEVER
        assert status.last_data_refresh is None
        reason = stage.connection(source.id).reason
        assert reason is not None
        assert reason.endswith("; its data was erased")
        said = [words for _, words in told(stage, "disconnect_ended")]
        assert said == [f"The data of Shopify · Company {ACCOUNT} was erased."] * 2
        assert stage.trail()[-2:] == ["grant_given_up", "data_erased"]
        # It can be connected again, and begins from nothing.
        again = await stage.connected(ACCOUNT, source_id=source.id)
        assert again.run_id is not None
        run_id = again.run_id
        run = stage.database.in_read(lambda session: runs.run(session, run_id))
        assert run.trigger == "first_read"


async def test_data_that_was_kept_may_be_erased_later(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source = (await stage.connected(ACCOUNT)).source
        fill(tmp_path, source, "canary")
        loaded(stage, source)
        work = severing(stage, tmp_path)
        assert await work.attempt((await confirm(stage, source)).disconnect_id, 1)
        service = DisconnectService(stage.means)
        parting = await service.preview(await stage.actor(), source.id)
        assert parting.only_data
        with pytest.raises(TooLateError):
            await confirm(stage, source)
        stage.clock.advance(timedelta(seconds=1))
        assert await work.attempt((await confirm(stage, source, erase=True)).disconnect_id, 1)
        assert stage.outside.revoked == [ACCOUNT]
        with pytest.raises(TooLateError):
            await service.preview(await stage.actor(), source.id)
