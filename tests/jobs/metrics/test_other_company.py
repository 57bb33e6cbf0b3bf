"""Another company is another source: what stands still of the first is never continued with the other's numbers."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from connectors.registry import connector_for
from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.metrics.calculating import Calculating
from jobs.metrics.calculating import _Ready as Ready
from jobs.metrics.standing import shown_of
from jobs.refresh.ask import TriggerKey
from storage.facts.ids import new_id
from storage.facts.metrics import Dataset, Definition, ItemKind, Metric, MetricState, Selection, Shown
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import last_runs, metrics, sources
from storage.sessions import Database, Session
from storage.tables import RunRow
from storage.warehouse import LoadRun
from storage.warehouse.location import locate
from storage.warehouse.session import Limits, opened
from tests.jobs.briefly import Some
from tests.jobs.connecting.parting import ground_of, lakes
from tests.jobs.connecting.stage import BOOKS, Stage, staged

NET = Definition(Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "NetIncome", "Net income"))
MONTH = date(2026, 10, 1)
#: what a line of the report stands on
READS = Some(connector_for(Provider.QUICKBOOKS), frozenset({"accounts", "preferences", "profit_and_loss"}))


def printed(stage: Stage, folder: Path, source: Source, amount: int) -> None:
    """Collect a company whose report prints one line, and let the run be ready."""
    now, run_id = stage.clock.now(), new_id("run")
    warehouse = lakes(folder).of(source.organization_id)
    with warehouse.begin(LoadRun(run_id, source.id, "quickbooks", now), READS.streams) as loader:
        loader.commit({})
    warehouse.process(run_id, source.id, READS.ready)
    line = ("INSERT INTO lake.main.ready_quickbooks_profit_and_loss (_source, _key, section, row_kind, level,"
            f" period_start, amount, currency) VALUES ('{source.id}', '1', 'NetIncome', 'summary', 0,"
            f" DATE '{MONTH}', {amount}, 'USD')")  # fmt: skip
    where = locate(str(folder / "lakes"), source.organization_id)
    with opened(where, Limits("256MB", 1), write=True) as session, session.transaction():
        session.run(line)
        session.commit()

    def work(session: Session) -> None:
        session.add(RunRow(id=run_id, organization_id=source.organization_id, source_id=source.id, trigger="schedule",
                           slot_key=run_id, state="ready", requested_at=now, source_as_of=now, loaded_at=now,
                           ready_at=now, finished_at=now))  # fmt: skip

    stage.change(work)


def made(stage: Stage, source: Source, name: str) -> str:
    """Make a metric of the company's net income."""
    metric = Metric(new_id("met"), source.organization_id, source.id, source.account, name, NET, 1, "mem_1", "",
                    stage.clock.now(), MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip
    stage.change(lambda session: metrics.add(session, metric, "mem_1"))
    return metric.id


def seen(stage: Stage, metric_id: str, source: Source) -> Shown:
    def read(session: Session) -> Shown:
        (found,) = [one for one in metrics.of_source(session, source.id) if one.id == metric_id]
        values = {metric_id: tuple(metrics.newest_values(session, metric_id))}
        return shown_of(session, [found], values, stage.clock.now())[0]

    return stage.database.in_read(read)


def october(found: Shown) -> Decimal | None:
    return next(one.value.value for one in found.values if one.value.period.start == MONTH)


class Continuing(Calculating):
    """A twin to which a metric is one of QuickBooks, whichever company of it is connected."""

    async def take(self, turn: metrics.Turn) -> None:
        now, hold = self._ground.clock.now(), timedelta(minutes=5)

        def connected(session: Session) -> Ready:
            (source,) = [one for one in sources.sources_of(session, turn.organization_id)
                         if one.connection is not ConnectionState.DISCONNECTED]  # fmt: skip
            run = last_runs.ready_of(session, [source.id])[source.id]
            assert run.clocks.source_as_of is not None
            return Ready(source, run, run.clocks.source_as_of, metrics.of_source(session, turn.source_id))

        taken = self._ground.database.in_write(lambda session: metrics.claim(session, turn, now, now + hold))
        assert taken is not None
        await self._calculated(taken, self._ground.database.in_read(connected))


async def test_another_company_is_no_continuation(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        ground = ground_of(stage.means, tmp_path)

        async def calculated(source: Source, kind: type[Calculating] = Calculating) -> None:
            stage.change(lambda session: metrics.due(session, source.id, stage.clock.now()))
            turns = stage.database.in_read(lambda session: metrics.due_turns(session, stage.clock.now()))
            await kind(ground).take(next(one for one in turns if one.source_id == source.id))

        first = (await stage.connected("1", provider=BOOKS)).source
        net = made(stage, first, "Net income")
        printed(stage, tmp_path, first, 100)
        await calculated(first)
        assert october(seen(stage, net, first)) == 100
        service, actor = DisconnectService(stage.means), await stage.actor()
        mark = (await service.preview(actor, first.id)).mark
        parting = Confirmation(first.id, first.label, erase=False, seen=mark)
        await service.disconnect(actor, parting, TriggerKey("T0A", "trg_1"))
        before = seen(stage, net, first)
        assert before.state is MetricState.FROZEN

        stage.clock.advance(timedelta(hours=1))
        second = (await stage.connected("2", provider=BOOKS)).source
        printed(stage, tmp_path, second, 999)
        await calculated(first)
        assert seen(stage, net, first) == before
        await calculated(first, Continuing)
        assert october(seen(stage, net, first)) == 999, "the twin goes on with the other's numbers"
