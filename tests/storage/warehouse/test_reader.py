"""Reading: only this organization's raw and ready tables, from any process, and never half a run."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from storage.facts.imports import ImportColumn, ImportTable
from storage.facts.ready import ReadyTable
from storage.warehouse import DetailExpired, NoLake, NotReadable, StorageFailed, Warehouse
from storage.warehouse.loader import pass_by
from tests.storage.warehouse.company import REPORT, SOURCE, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.twins import CommitsEachTable

ROOT = Path(__file__).parents[3]


def collect(warehouse: Warehouse, name: str, number: int, checkpoint: Callable[[str], None] = pass_by) -> None:
    """Load a run after which every table says the same number."""
    with warehouse.begin(run(name), STREAMS, checkpoint=checkpoint) as loader:
        loader.write(invoices([Invoice("1", total=Decimal(number), lines=(("x", Decimal(number)),))]))
        loader.write(simple(REPORT, {"a": Decimal(number)}))
        loader.commit({})


REFUSED = [
    "SELECT * FROM _cursors",
    "SELECT * FROM duckdb_databases()",
    "SELECT * FROM duckdb_databases",
    "WITH duckdb_databases AS (FROM duckdb_databases) FROM duckdb_databases",
    "WITH a AS (FROM duckdb_tables), duckdb_tables AS (SELECT 1) FROM a",
    "SELECT * FROM (WITH _cursors AS (SELECT 1) SELECT 1), _cursors",
    "SELECT 1; SELECT 2",
    "DELETE FROM raw_books_invoices",
    "DROP TABLE raw_books_invoices",
    "COPY raw_books_invoices TO '/dev/null'",
    "ATTACH '/dev/null' AS other",
    "SET threads = 1",
    "SHOW TABLES",
    "DESCRIBE raw_books_invoices",
    "SELECT * FROM read_text('/etc/passwd')",
    "FROM '/etc/passwd'",
    "SELECT (SELECT count(*) FROM _processed)",
    "SELECT * FROM lake.main.raw_books_invoices",
    "FROM __ducklake_metadata_lake.ducklake_snapshot",
    "FROM query('SELECT 1')",
    "FROM query_table('_cursors')",
    "SELECT * FROM raw_books_invoices WHERE id IN (SELECT name FROM pragma_database_list())",
    "SELECT * FROM raw_books_invoices ORDER BY (SELECT count(*) FROM _cursors)",
    "SELEC nonsense",
]


def test_only_raw_and_ready_tables_are_read(warehouse: Warehouse) -> None:
    collect(warehouse, "one", 1)
    with warehouse.reader() as reader:
        for sql in REFUSED:
            with pytest.raises(NotReadable):
                reader.query(sql)
        assert reader.query("SELECT total FROM raw_books_invoices WHERE id = ?", ("1",)) == [{"total": Decimal(1)}]
        assert reader.query("SELECT ? AS x", ("'; DROP TABLE raw_books_invoices",))[0]["x"].startswith("'")
        assert reader.arrow("SELECT total FROM raw_books_invoices").column("total").to_pylist() == [Decimal("1.00")]
        recursive = (
            "WITH RECURSIVE n AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM n WHERE a < 3) SELECT max(a) AS a FROM n"
        )
        assert reader.query(recursive) == [{"a": 3}]
        assert reader.tables() == [
            "raw_books_balances",
            "raw_books_customers",
            "raw_books_invoice_lines",
            "raw_books_invoices",
        ]


def test_the_engine_itself_is_shut_in(warehouse: Warehouse, tmp_path: Path) -> None:
    """Below the check of the SQL there is a second wall: no files outside, no settings, no extensions."""
    collect(warehouse, "one", 1)
    (tmp_path / "outside.csv").write_text("a\n1\n")
    with warehouse.reader() as reader:
        for sql in (
            f"FROM read_csv('{tmp_path / 'outside.csv'}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'new.csv'}'",
            f"ATTACH '{tmp_path / 'other.db'}'",
            "LOAD httpfs",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_directories = ['/']",
            "DELETE FROM raw_books_invoices",
        ):
            with pytest.raises(StorageFailed):
                reader._session.run(sql)


def test_a_lake_that_is_not_there_is_said_so(warehouse: Warehouse) -> None:
    with pytest.raises(NoLake):
        warehouse.reader()
    assert warehouse.changes(SOURCE, "raw_books_invoices", 0, 1) == []
    assert warehouse.change_totals(SOURCE, 0, 1) == {}
    collect(warehouse, "one", 1)
    with pytest.raises(DetailExpired):
        warehouse.reader(snapshot=99).query("SELECT 1 FROM raw_books_invoices")
    with pytest.raises(DetailExpired):
        warehouse.changes(SOURCE, "raw_books_invoices", 98, 99)


IMPORTED = ImportTable(
    "sales",
    "Sales.",
    (ImportColumn("provider", "VARCHAR", ""), ImportColumn("total", "DECIMAL(18,3)", "")),
    {
        "books": "SELECT total FROM ready_sales_of_books",
        "elsewhere": "SELECT total FROM ready_sales_of_books JOIN ready_of_nobody",
    },
)


def test_imported_tables_are_computed_for_each_question(warehouse: Warehouse) -> None:
    made = ReadyTable("sales_of_books", "SELECT id, total FROM raw_books_invoices", "raw_books_invoices")
    collect(warehouse, "one", 7)
    with warehouse.reader(imports=(IMPORTED,)) as reader:
        assert "sales" in reader.tables()
        assert reader.query("SELECT * FROM sales") == []
        warehouse.process("one", SOURCE, (made,))
        assert reader.query("WITH a AS (FROM sales) FROM a") == [{"provider": "books", "total": Decimal(7)}]
        collect(warehouse, "two", 8)
        warehouse.process("two", SOURCE, (made,))
        assert reader.arrow("SELECT total FROM sales").to_pylist() == [{"total": Decimal(8)}]
    with warehouse.reader() as reader, pytest.raises(NotReadable):
        reader.query("SELECT * FROM sales")


def test_a_reader_may_be_shared_by_threads(warehouse: Warehouse) -> None:
    collect(warehouse, "one", 7)
    wrong: list[object] = []
    with warehouse.reader() as reader:

        def ask(number: int) -> None:
            for _ in range(8):
                found = reader.query("SELECT total + ? AS total FROM raw_books_invoices", (number,))
                if found != [{"total": Decimal(7 + number)}]:
                    wrong.append(found)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


READING = """
import sys, time
from storage.warehouse import NoLake, Warehouse
warehouse = Warehouse(sys.argv[1], "org_1")
seen, reads, opened = set(), 0, 0
deadline = time.monotonic() + 60
while 3 not in seen and time.monotonic() < deadline:
    began = time.monotonic()
    with warehouse.reader() as reader:
        opened += 1
        for _ in range(10):
            rows = reader.query(
                "SELECT (SELECT total FROM raw_books_invoices) AS a, (SELECT amount FROM raw_books_invoice_lines) AS b,"
                " (SELECT balance FROM raw_books_balances) AS c"
            )
            values = {int(value) for value in rows[0].values()}
            assert len(values) == 1, f"half a run: {values}"
            seen |= values
            reads += 1
    print(began, flush=True)
print("seen", len(seen), "reads", reads, "opened", opened, flush=True)
"""


def read_while_loading(url: str, warehouse: Warehouse, *, lingering: bool = False) -> str:
    collect(Warehouse(url, "org_1", threads=1), "zero", 0)
    command = [sys.executable, "-c", READING, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        told = reader.stdout
        told.readline()

        def linger(name: str) -> None:
            """Until the other process has read what is there now, or has ended."""
            if name == "warehouse.before_commit":
                now = time.monotonic()
                while (line := told.readline()) and not line.startswith("seen") and float(line) < now:
                    pass

        for number in range(1, 4):
            collect(warehouse, f"run {number}", number, linger if lingering else pass_by)
        output, errors = reader.communicate(timeout=90)
    assert reader.returncode == 0, errors
    return output


def test_another_process_reads_while_runs_are_loaded(url: str) -> None:
    output = read_while_loading(url, Warehouse(url, "org_1", threads=1))
    assert output.splitlines()[-1].startswith("seen ")


def test_a_reader_notices_half_a_run(folder_url: str) -> None:
    with pytest.raises(AssertionError, match="half a run"):
        read_while_loading(folder_url, CommitsEachTable(folder_url, "org_1", threads=1), lingering=True)
