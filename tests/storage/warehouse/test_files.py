"""Small tables are read from their files without DuckLake, and hold the same rows."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from storage.facts.streams import Column
from storage.warehouse import Warehouse
from storage.warehouse.files import Files
from storage.warehouse.names import lake
from storage.warehouse.warm import lake_open
from tests.storage.warehouse.company import CUSTOMERS, READY, SOURCE, STREAMS, Invoice, invoices, run, simple

LINES = (("c1", Decimal(1)), ("c2", Decimal(2)))
#: tables that are read from their files at the end of the story; raw_books_customers has got a column meanwhile
PLAIN = {"_cursors", "_processed", "raw_books_invoices", "raw_books_invoice_lines", "ready_books_invoices"}


class _ForgetsDeletes(Files):
    """Reads data files only."""

    def of(self, table: str) -> str:
        found = super().of(table)
        for listed in (self._tables or {}).values():
            listed.deletes.clear()
        return super().of(table) if found != lake(table) else found


def _story(warehouse: Warehouse) -> None:
    """Leave files with deleted rows, files put together, and a table whose column is younger than its file."""
    changes = [invoices([Invoice(str(n), lines=LINES) for n in range(6)])]
    changes += [invoices([Invoice(str(n), lines=LINES[: n % 2]), Invoice(f"new {n}")], [str(n + 1)]) for n in range(4)]
    wider = replace(CUSTOMERS, columns=(*CUSTOMERS.columns, Column("city")))
    for number, batch in enumerate(changes):
        last = number == len(changes) - 1
        streams = [wider, *STREAMS[1:]] if last else STREAMS
        with warehouse.begin(run(f"run {number}"), streams) as loader:
            loader.write(batch)
            if not number:
                loader.write(simple(CUSTOMERS, {"c1": "A"}))
            loader.commit({})
        warehouse.process(f"run {number}", SOURCE, READY)
        if number == 2:
            warehouse.gather("raw_books_invoices")


def _different(warehouse: Warehouse, kind: type[Files] = Files) -> tuple[set[str], set[str]]:
    """Return the tables that are read from files, and those that then hold other rows."""
    with lake_open(warehouse._location, warehouse._limits, write=True) as session, session.transaction():
        tables = session.tables()
        files = kind(session, session.snapshot(), tables)
        direct = {table for table in tables if files.of(table) != lake(table)}

        def rows(relation: str) -> list[object]:
            return [*session.rows(f"FROM {relation} ORDER BY ALL")]

        return direct, {table for table in direct if rows(files.of(table)) != rows(lake(table))}


def _relied_on(warehouse: Warehouse, ahead: int) -> bool:
    """Say whether files are read when the transaction sees that many snapshots more than the list of files."""
    with lake_open(warehouse._location, warehouse._limits, write=True) as session, session.transaction():
        files = Files(session, session.snapshot() + ahead, session.tables())
        return files.of("raw_books_invoices") != lake("raw_books_invoices")


def test_files_hold_what_the_lake_says(url: str, tmp_path: Path) -> None:
    warehouse = Warehouse(url, "org_1", threads=1)
    _story(warehouse)
    direct, different = _different(warehouse)
    assert direct >= PLAIN
    # Null in its older rows: only DuckLake knows that.
    assert "raw_books_customers" not in direct
    assert different == set()
    assert "raw_books_invoices" in _different(warehouse, _ForgetsDeletes)[1]
    assert [_relied_on(warehouse, ahead) for ahead in (0, 1)] == [True, False]
    if "://" not in url:
        # Moved with its files, which name each other with the folder in which they were.
        Path(url).rename(tmp_path / "elsewhere")
        direct, different = _different(Warehouse(str(tmp_path / "elsewhere"), "org_1", threads=1))
        assert direct >= PLAIN
        assert different == set()
