"""A grant that ends on a known day is announced thirty, seven and one day ahead, once each."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from storage.facts.sources import ConnectionState, Provider
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
