"""A hundred thousand customers from the lake to a .FIL in a folder of this machine: time and memory of one whole run.

The lake is filled by one process and the file is made by another, so that the memory is that of a worker that does
nothing else. The run is the product's own: fresh enough, built by the pre-built mapping, judged, put there, read back
and written down in the ledger; the second one finds that nothing changed.
Run: python -m bench exchange
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, Outcome, at_most

if TYPE_CHECKING:
    from jobs.exchange.ports import FarSide
    from storage.facts.sources import Source
    from storage.sessions import Session

CUSTOMERS = 100_000
SECONDS, MEGABYTES = 10.0, 200.0
_NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
_BOOKS, _FAR, _OWNER = "src_books", "src_far", "org_bench"


def measure(*, quick: bool = False) -> Outcome:
    """Fill a lake, make the file twice, and say what each cost."""
    count = 500 if quick else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="bench-exchange-") as folder:
        _apart("fill", folder, count)
        idle, first, second = (_apart(what, folder, count) for what in ("idle", "first", "second"))
    made = first["seconds"]
    figures = [
        at_most("exchange", f"{count:,} customers to a .FIL", made, "s", SECONDS, detail=first),
        at_most("exchange", "processor time of it", first["cpu_seconds"], "s", SECONDS),
        at_most("exchange", "memory that it takes", first["megabytes"] - idle["megabytes"], "MB", MEGABYTES),
        Figure("exchange", "memory of an idle worker", idle["megabytes"], "MB"),
        Figure("exchange", "the same again, nothing changed", second["seconds"], "s", detail=second),
    ]
    notes = [f"one run of the product over SQLite and a local folder; the file has {first['bytes']:,} bytes"]
    return Outcome(figures, notes, {"first": first, "second": second})


def _apart(what: str, folder: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.exchange", what, folder, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _customers(count: int) -> Iterator[bytes]:
    for number in range(1, count + 1):
        name = f"Customer {number:06d} of Springfield"
        address = {
            "Line1": f"{number} Evergreen Terrace",
            "Line2": "Suite 4",
            "City": "Springfield",
            "CountrySubDivisionCode": "OR",
            "PostalCode": f"{number % 100000:05d}",
            "Country": "USA",
        }
        yield json.dumps(
            {"Id": str(number), "SyncToken": str(number % 7), "domain": "QBO", "sparse": False, "DisplayName": name,
             "FullyQualifiedName": name, "CompanyName": name, "GivenName": "Homer", "FamilyName": f"Number {number}",
             "PrintOnCheckName": name, "Active": number % 17 != 0, "Taxable": True, "Job": False,
             "BillWithParent": False, "Balance": round(number / 7, 2), "BalanceWithJobs": round(number / 7, 2),
             "BillAddr": address, "ShipAddr": address, "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
             "PrimaryPhone": {"FreeFormNumber": f"555-{number:07d}"},
             "PrimaryEmailAddr": {"Address": f"customer{number}@example.com"}, "SalesTermRef": {"value": "3"},
             "MetaData": {"CreateTime": "2026-01-05T10:00:00-08:00", "LastUpdatedTime": "2026-10-05T10:00:00-07:00"}}
        ).encode()  # fmt: skip


def _fill(folder: Path, count: int) -> dict[str, Any]:
    import msgspec

    from connectors.decode import decode
    from connectors.quickbooks import lists, shapes
    from storage.migrate import migrate
    from storage.sessions import open_database
    from storage.warehouse import LoadRun, Warehouse

    known = (shapes.CUSTOMERS, shapes.INVOICES, lists.TERMS, lists.CUSTOMER_TYPES)
    warehouse = Warehouse(str(folder / "lake"), _OWNER)
    records = _customers(count)
    with warehouse.begin(LoadRun("run_1", _BOOKS, "quickbooks", _NOW), [one.stream for one in known]) as loader:
        while some := list(islice(records, 5000)):
            loader.write(decode(shapes.CUSTOMERS, [[msgspec.Raw(one) for one in some]]).batch)
        loader.commit({one.name: "1" for one in known})
    database = open_database(f"sqlite:///{folder / 'tidings.db'}")
    migrate(database)
    database.in_write(_rows)
    database.close()
    return {}


def _rows(session: "Session") -> None:
    from jobs.exchange.pairs import confirmed
    from storage.tables import ConnectionRow, OrganizationRow, RunRow, SourceRow

    session.add(OrganizationRow(id=_OWNER, name="Bench", timezone="UTC", created_at=_NOW))
    session.flush()
    for source_id, provider, mode in ((_BOOKS, "quickbooks", "timer"), (_FAR, "pocketadvantage", "exchange")):
        times: dict[str, Any] = {"created_at": _NOW, "updated_at": _NOW}
        session.add(SourceRow(id=source_id, organization_id=_OWNER, provider=provider, account="1", label=provider,
                              company="Bench", mode=mode, schedule_minutes=60, **times))  # fmt: skip
        session.flush()
        session.add(ConnectionRow(source_id=source_id, organization_id=_OWNER, state="connected", since=_NOW))
    session.add(RunRow(id="run_1", organization_id=_OWNER, source_id=_BOOKS, trigger="schedule", slot_key="1",
                       state="ready", result="changed", requested_at=_NOW, started_at=_NOW, source_as_of=_NOW,
                       loaded_at=_NOW, ready_at=_NOW, finished_at=_NOW))  # fmt: skip
    session.flush()
    confirmed(session, _OWNER, _FAR, _BOOKS, _NOW)


class _Here:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def of(self, _source: "Source") -> "FarSide":
        from connectors.pocketadvantage.transfer.opening import Operator
        from connectors.pocketadvantage.transfer.places import Place, Transfer
        from jobs.exchange.ports import FarSide

        return FarSide(Place(Transfer.LOCAL, "BENCH", organization=_OWNER), Operator(str(self._folder)))


class _Silent:
    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_more: None


def _run(folder: Path, slot: str) -> dict[str, Any]:
    from jobs.exchange.due import start
    from jobs.exchange.mappings import chosen
    from jobs.exchange.running import ExchangeHandler
    from jobs.exchange.timing import Due
    from jobs.ground import Ground, Warehouses
    from storage.facts.clock import OffsetClock
    from storage.facts.exchange import Pair, Trigger
    from storage.facts.secret import Secret
    from storage.records import exchange
    from storage.seal import Seal, new_key
    from storage.sessions import open_database

    database = open_database(f"sqlite:///{folder / 'tidings.db'}")
    clock = OffsetClock(base=lambda: _NOW)
    silent: Any = _Silent()
    ground = Ground(database, clock, Seal([Secret(new_key())]), Warehouses(str(folder / "lake")), {}, silent, 1)
    ground.warm()
    handler = ExchangeHandler(ground, silent, lambda session, work: None, _Here(folder / "far"), chosen)  # noqa: ARG005 - the port's names
    (folder / "far").mkdir(exist_ok=True)
    before = _megabytes()
    if slot == "idle":
        return {"megabytes": before}

    def begin(session: "Session") -> str:
        (pair,) = [one for one in exchange.pairs_of_source(session, _FAR) if one.pair is Pair.CUSTOMERS]
        due = Due(slot, _NOW, datetime(2026, 11, 20, 12, tzinfo=UTC))
        run = start(session, pair, Trigger.PERSON, due, _NOW, lambda session, work: None)  # noqa: ARG005 - the port's names
        assert run is not None
        return run.id

    run_id = database.in_write(begin)
    started, cpu = time.perf_counter(), time.process_time()
    asyncio.run(handler.take(run_id, 1))
    spent = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    run = database.in_read(lambda session: exchange.run(session, run_id))
    if run.state.value not in {"done", "unchanged"}:
        raise RuntimeError(f"{run.state}: {run.why}")
    return {**spent, "megabytes": _megabytes(), "rows": run.rows, "bytes": run.size, "state": run.state.value}


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Do one part of it in this process, and print what it came to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["fill", "idle", "first", "second"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    print(json.dumps(_fill(asked.folder, asked.count) if asked.what == "fill" else _run(asked.folder, asked.what)))


if __name__ == "__main__":
    main()
