"""A build takes what the load before it has just written from memory, and only where the lake says the same."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from storage.facts.ready import ReadyTable
from storage.warehouse import ProcessResult, Warehouse
from storage.warehouse.fresh import Fresh
from tests.storage.warehouse.company import CUSTOMERS, READY, SOURCE, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.model import ready_state


def _collect(warehouse: Warehouse, name: str, *batches: Any, source: str = SOURCE) -> None:
    with warehouse.begin(run(name, source), STREAMS) as loader:
        for batch in batches:
            loader.write(batch)
        loader.commit({})


def _story(warehouse: Warehouse, between: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Play new, changed, deleted and restored records; return what is ready at the end."""
    two = (("c1", Decimal(1)), ("c2", Decimal(2)))
    _collect(warehouse, "one", invoices([Invoice(str(n), lines=two) for n in range(6)]), simple(CUSTOMERS, {"c1": "A"}))
    warehouse.process("one", SOURCE, READY)
    _collect(warehouse, "two", invoices([Invoice("1", lines=two[:1]), Invoice("9", lines=two)], ["2"]))
    between()
    warehouse.process("two", SOURCE, READY)
    _collect(warehouse, "three", invoices([Invoice("2", lines=two[1:]), Invoice("1", lines=())]))
    warehouse.process("three", SOURCE, READY)
    return ready_state(warehouse)


class _Reads(Warehouse):
    """Never keeps what was loaded."""

    def process(self, run_id: str, source_id: str, tables: Sequence[ReadyTable], **how: Any) -> ProcessResult:
        self._fresh.clear()
        return super().process(run_id, source_id, tables, **how)


class _Counts(Warehouse):
    """Notes whether a build had something at hand."""

    had: list[bool]

    def process(self, run_id: str, source_id: str, tables: Sequence[ReadyTable], **how: Any) -> ProcessResult:
        self.had.append(source_id in self._fresh)
        return super().process(run_id, source_id, tables, **how)


def test_what_is_built_from_memory_equals_what_is_built_from_the_lake(folder_url: str) -> None:
    counts = _Counts(folder_url, "org_memory", threads=1)
    counts.had = []
    assert _story(counts) == _story(_Reads(folder_url, "org_lake", threads=1))
    assert counts.had == [True, True, True]
    rebuilt = counts.process("all", SOURCE, READY, rebuild=True)
    assert not any(count.touched for count in rebuilt.counts.values())


class _Wrong(Warehouse):
    """Keeps rows that are not those of the lake."""

    def process(self, run_id: str, source_id: str, tables: Sequence[ReadyTable], **how: Any) -> ProcessResult:
        kept = self._fresh.get(source_id)
        if kept is not None:
            lines = {name: table.slice(0, 0) for name, table in kept.rows.items() if name.endswith("_lines")}
            self._fresh[source_id] = replace(kept, rows={**kept.rows, **lines})
        return super().process(run_id, source_id, tables, **how)


def test_the_check_sees_rows_that_are_not_those_of_the_lake(folder_url: str) -> None:
    """It also shows that memory is used at all."""
    assert _story(_Wrong(folder_url, "org_wrong", threads=1)) != _story(_Reads(folder_url, "org_lake", threads=1))


def test_another_commit_in_between_makes_the_build_read_the_lake(folder_url: str) -> None:
    warehouse = _Wrong(folder_url, "org_1", threads=1)
    expected = _story(_Reads(folder_url, "org_lake", threads=1))
    between = _story(warehouse, lambda: _collect(warehouse, "other", invoices([Invoice("1")]), source="src_2"))
    # The wrong rows of the second run were not looked at; those of the third were.
    assert {row[0] for row in between["lines"]} & {"9"} == {"9"}
    assert between != expected


@pytest.mark.parametrize("change", [{"run_id": "another"}, {"source_id": "src_2"}, {"snapshot": 1}])
def test_what_belongs_to_another_commit_is_not_taken(folder_url: str, change: dict[str, Any]) -> None:
    warehouse = Warehouse(folder_url, "org_1", threads=1)
    _collect(warehouse, "one", invoices([Invoice("1", lines=(("c1", Decimal(1)),))]))
    warehouse.process("one", SOURCE, READY)
    _collect(warehouse, "two", invoices([Invoice("2", lines=(("c1", Decimal(1)),))]))
    kept = warehouse._fresh[SOURCE]
    empty: dict[str, pa.Table] = {name: table.slice(0, 0) for name, table in kept.rows.items()}
    foreign: Fresh = replace(kept, rows=empty, **change)
    warehouse._fresh[SOURCE] = foreign
    warehouse.process("two", SOURCE, READY)
    assert {row[0] for row in ready_state(warehouse)["lines"]} == {"1", "2"}


def test_gathering_files_changes_nothing_but_their_number(folder_url: str) -> None:
    warehouse = Warehouse(folder_url, "org_1", threads=1)
    for number in range(9):
        # One new record and one that was changed: an older file of each table keeps most of its rows.
        rows = [Invoice(key, lines=((f"c{number}", Decimal(number)),)) for key in ("0", f"n{number}", f"m{number}")]
        _collect(warehouse, f"run_{number}", invoices(rows))
        result = warehouse.process(f"run_{number}", SOURCE, READY)
    before, snapshot = ready_state(warehouse), warehouse.snapshot()
    tables = warehouse.scattered()
    assert "raw_books_invoices" in tables
    for table in tables:
        warehouse.gather(table)
    assert warehouse.scattered() == []
    assert ready_state(warehouse) == before
    assert warehouse.snapshot() > snapshot
    changes = warehouse.changes(SOURCE, "ready_books_lines", result.snapshot_before, result.snapshot_after)
    assert sorted(change.key for change in changes) == ["0", "m8", "n8"]
    _collect(warehouse, "last", invoices([Invoice("0", lines=(("c1", Decimal(5)),))]))
    assert warehouse.process("last", SOURCE, READY).counts["books_lines"].changed == 1
