"""Personal values that were redacted are in no row, file, statistic or older snapshot; everything else holds."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pytest

from storage.facts.personal import Redaction
from storage.facts.streams import Batch
from storage.warehouse import DetailExpired, NoLake, Warehouse
from storage.warehouse.location import locate
from storage.warehouse.redact import REDACTED
from storage.warehouse.session import opened
from tests.storage.warehouse.company import CUSTOMERS, READY, SOURCE, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.copies import filled_once
from tests.storage.warehouse.leftovers import LIMITS, traces
from tests.storage.warehouse.test_erase import CANARY, FenceError, allowed

OTHER = "src_other"
NAME = f"{CANARY}-name"
PERSON = (
    Redaction("raw_books_customers", {"id": ["c-1"]}, ("name",)),
    Redaction("raw_books_invoices", {"id": ["i-9"], "customer_id": ["c-1"]}, ("customer_id",)),
    Redaction("ready_books_invoices", {"_key": ["i-1"]}, ("customer",)),
    Redaction("ready_books_lines", {"_key": ["i-1"]}, ("item",)),
    Redaction("ready_never_built", {"id": ["c-1"]}, ("name",)),
)


def people(records: Mapping[str, str]) -> Batch:
    """Return customers with hashes as connectors make them: digests, which say nothing."""
    batch = simple(CUSTOMERS, records)
    digests = [hashlib.sha256(f"{key}={name}".encode()).hexdigest() for key, name in records.items()]
    at = batch.rows.column_names.index("_hash")
    return replace(batch, rows=batch.rows.set_column(at, "_hash", pa.array(digests)))


def filled(url: str) -> Warehouse:
    """Return a lake with the same records of two sources, in several files and snapshots."""
    return filled_once(url, "org_1", _fill)


def _fill(warehouse: Warehouse, organization: str) -> None:
    for source, name in ((SOURCE, NAME), (OTHER, "kept")):
        for number in (1, 2, 3):
            title = f"{source}-{number}"
            with warehouse.begin(run(title, source), STREAMS) as loader:
                lines = (("c-1", Invoice("x").total),)
                loader.write(invoices([Invoice(f"i-{number}", "c-1" if number == 1 else "c-2", lines=lines)]))
                loader.write(people({"c-1": f"{name} {number}", "c-2": "somebody"}))
                loader.commit({"invoices": title})
            warehouse.process(title, source, READY)


def found(warehouse: Warehouse, sql: str) -> list[dict[str, object]]:
    with warehouse.reader() as reader:
        return reader.query(sql)


def test_nothing_of_the_person_is_left_and_everything_else_is(url: str) -> None:
    warehouse, location = filled(url), locate(url, "org_1")
    assert traces(location, NAME)
    hashes = "SELECT _source, id, _hash, _run_id, _deleted FROM raw_books_customers ORDER BY _source, id"
    before, counts = found(warehouse, hashes), warehouse.counts(SOURCE)

    rows = warehouse.redact(SOURCE, PERSON, fence=allowed)

    assert rows == {
        "raw_books_customers": 1, "raw_books_invoices": 1, "ready_books_invoices": 1, "ready_books_lines": 1,
    }  # fmt: skip
    (person,) = found(
        warehouse, f"SELECT name, _raw FROM raw_books_customers WHERE id = 'c-1' AND _source = '{SOURCE}'"
    )
    assert person == {"name": None, "_raw": REDACTED}
    kept = f"SELECT name FROM raw_books_customers WHERE id = 'c-1' AND _source = '{OTHER}'"
    assert found(warehouse, kept) == [{"name": "kept 3"}]
    assert found(warehouse, hashes) == before
    assert warehouse.counts(SOURCE) == counts
    with pytest.raises(DetailExpired):
        warehouse.reader(snapshot=1).query("SELECT * FROM raw_books_customers")


def test_what_is_read_again_unchanged_does_not_come_back(url: str) -> None:
    warehouse, location = filled(url), locate(url, "org_1")
    all_lines = Redaction("ready_books_lines", {"_key": ["i-1", "i-2", "i-3"]}, ("item",))
    warehouse.redact(SOURCE, (*PERSON[:3], all_lines), fence=allowed)
    with warehouse.begin(run("again", SOURCE), STREAMS) as loader:
        loader.write(people({"c-1": f"{NAME} 3", "c-2": "somebody"}))
        result = loader.commit({"customers": "again"})
    assert result.counts["customers"].touched == 0
    warehouse.process("again", SOURCE, READY, rebuild=True)
    assert traces(location, NAME) == []


@pytest.mark.parametrize("point", ["redact.before_commit", "redact.written_anew", "redact.files_removed"])
def test_interrupted_anywhere_it_is_finished_by_the_next(folder_url: str, point: str) -> None:
    warehouse, location = filled(folder_url), locate(folder_url, "org_1")
    all_lines = Redaction("ready_books_lines", {"_key": ["i-1", "i-2", "i-3"]}, ("item",))
    wanted = (*PERSON[:3], all_lines)

    def checkpoint(name: str) -> None:
        if name == point:
            raise FenceError

    with pytest.raises(FenceError):
        warehouse.redact(SOURCE, wanted, fence=allowed, checkpoint=checkpoint)
    warehouse.redact(SOURCE, wanted, fence=allowed)
    assert traces(location, NAME) == []


def test_a_fenced_redaction_changes_nothing(folder_url: str) -> None:
    warehouse = filled(folder_url)
    before = warehouse.snapshot()

    def fence() -> None:
        raise FenceError

    with pytest.raises(FenceError):
        warehouse.redact(SOURCE, PERSON, fence=fence)
    assert warehouse.snapshot() == before


def test_the_check_sees_what_an_update_alone_leaves(folder_url: str) -> None:
    """The broken twin: the newest rows are empty, and every older file still says the name."""
    warehouse, location = filled(folder_url), locate(folder_url, "org_1")
    with opened(location, LIMITS, write=True) as session:
        for table, column in (("raw_books_customers", "name"), ("ready_books_invoices", "customer")):
            session.run(f"UPDATE lake.main.{table} SET {column} = NULL")
        session.run("UPDATE lake.main.raw_books_customers SET _raw = '{}'")
    assert found(warehouse, "SELECT name FROM raw_books_customers WHERE name IS NOT NULL") == []
    assert traces(location, NAME)


def test_a_lake_that_was_never_made_is_not_made(folder_url: str) -> None:
    warehouse = Warehouse(folder_url, "org_1", threads=1)
    assert warehouse.redact(SOURCE, PERSON, fence=allowed) == {}
    with pytest.raises(NoLake):
        warehouse.reader().query("SELECT 1")
