"""A grant that ends on a known day is announced thirty, seven and one day ahead, once each."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from storage.facts.sources import ConnectionState, Provider
from storage.records import connections
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DeliveryRow
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


def _warnings(stage: Stage) -> list[str]:
    def read(session: Session) -> list[str]:
        statement = select(DeliveryRow).where(DeliveryRow.kind == "expiry_warning", DeliveryRow.channel == "slack")
        return sorted(row.subject.rpartition(".")[2] for row in session.exec(statement))

    return stage.database.in_read(read)


async def test_each_warning_is_written_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        source, now = stage.source(Provider.SHOPIFY), stage.clock.now()

        def end_in(days: float) -> None:
            ends = now + timedelta(days=days)
            statement = update(ConnectionRow).where(col(ConnectionRow.source_id) == source.id)
            stage.database.in_write(lambda s: s.connection().execute(statement.values(hard_expires_at=ends)))

        sweep = next(sweep for sweep in stage.jobs.sweeps if sweep.name == "expiry")
        end_in(40)
        await sweep.run()
        assert _warnings(stage) == []
        for days, expected in ((29.5, ["30"]), (29.2, ["30"]), (6.5, ["30", "7"]), (0.5, ["1", "30", "7"])):
            end_in(days)
            await sweep.run()
            await sweep.run()
            assert set(_warnings(stage)) == set(expected)
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.ATTENTION

        def told() -> list[Any]:
            posts = stage.slack.messages("D0DANIEL", viewer="U0DANIEL")
            return [post for post in posts if "access ends soon" in post.everything]

        assert await eventually(told)


async def test_a_grant_that_ends_idle_is_announced_where_no_look_renewed_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """One that nobody looked at for long, as after a standstill, is renewed before anybody is worried: the twin."""
    async with staged(sqlite_database, tmp_path) as stage:
        source, now = stage.source(Provider.QUICKBOOKS), stage.clock.now()
        looked = {timedelta(days=60): False, timedelta(seconds=30): False, timedelta(hours=5): True}

        def play(session: Session) -> dict[timedelta, bool]:
            found = {}
            for ago in looked:
                row = session.get_one(ConnectionRow, source.id)
                row.hard_expires_at, row.refresh_expires_at = now + timedelta(days=900), now + timedelta(days=20)
                row.proven_at = now - ago
                session.flush()
                ending = connections.ending_before(session, now, now + timedelta(days=30))
                found[ago] = source.id in [one.source_id for one in ending]
            return found

        assert stage.database.in_write(play) == looked
        await next(sweep for sweep in stage.jobs.sweeps if sweep.name == "expiry").run()
        assert _warnings(stage) == ["30"]
        assert stage.source(Provider.QUICKBOOKS).connection is ConnectionState.CONNECTED
