"""The ready tables build in the real warehouse from delivered files, and add up to the account's books."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path

from storage.warehouse import LoadRun, Warehouse
from tests.connectors.netsuite.place import Place, place


def _load(here: Place, warehouse: Warehouse, run_id: str, cursors: dict[str, str]) -> None:
    connector, batches = here.world.connector, here.world.kept.batches
    run = LoadRun(run_id, "src_1", connector.provider.value, here.world.clock.now())
    with warehouse.begin(run, connector.streams) as loader:
        for batch in batches:
            loader.write(batch)
        loader.commit(cursors, full=(), keep_cursors=("files",))
    batches.clear()
    warehouse.process(run_id, "src_1", connector.ready)


async def test_ready_lines_add_up_after_changes(tmp_path: Path) -> None:
    here = place(tmp_path / "files", replaces="all")
    account = here.netsuite
    account.post(20, date(2026, 11, 1))
    warehouse = Warehouse(str(tmp_path / "warehouse"), "org_1")
    for number, ago in enumerate((90, 30)):
        account.deliver(account.csv(), at=here.at(ago))
        done = await here.world.collect()
        await asyncio.to_thread(_load, here, warehouse, f"run_{number}", dict(done.cursors))
        with warehouse.reader() as reader:
            (found,) = reader.query(
                "SELECT count(*) AS n, sum(signed_amount) AS s, sum(amount) AS a, sum(debit_amount) AS d,"
                " sum(credit_amount) AS c FROM ready_netsuite_transaction_lines"
            )
            assert reader.query("SELECT count(*) AS n FROM ready_netsuite_files") == [{"n": number + 1}]
        amounts = [line["amount"] for line in account.lines.values()]
        assert found == {
            "n": len(amounts),
            "s": sum(amounts),
            "a": sum(amounts),
            "d": sum((one for one in amounts if one > 0), Decimal(0)),
            "c": -sum((one for one in amounts if one < 0), Decimal(0)),
        }
        account.mutate(changed=5, removed=3)
