"""Ready tables: built for what changed, equal to a full build, and hard to get wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from storage.facts.ready import ReadyTable
from storage.facts.streams import StreamCounts
from storage.warehouse import Disagreement, Warehouse
from storage.warehouse.session import opened
from tests.storage.warehouse.company import CUSTOMERS, READY, REPORT, SOURCE, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.model import ready_state

INVOICES_READY = READY[0]


def collect(warehouse: Warehouse, name: str, *batches: object, source: str = SOURCE) -> None:
    with warehouse.begin(run(name, source), STREAMS) as loader:
        for batch in batches:
            loader.write(batch)  # type: ignore[arg-type] # batches
        loader.commit({})


def test_only_what_changed_is_built(warehouse: Warehouse) -> None:
    assert not warehouse.waiting(SOURCE, READY)
    collect(warehouse, "one", invoices([Invoice(str(n), f"c{n}") for n in range(5)]), simple(CUSTOMERS, {"c1": "Ann"}))
    assert warehouse.waiting(SOURCE)
    assert warehouse.process("one", SOURCE, READY).counts["books_invoices"] == StreamCounts(new=5, total=5)
    assert not warehouse.waiting(SOURCE, READY)
    nothing = warehouse.process("idle", SOURCE, READY)
    assert not nothing.wrote
    assert warehouse.find_run("idle", "process") is None
    # A lookup that changed builds the records that refer to it; others are not looked at.
    collect(warehouse, "two", simple(CUSTOMERS, {"c1": "Anna", "c9": "Nobody's"}))
    result = warehouse.process("two", SOURCE, READY)
    assert result.counts["books_invoices"] == StreamCounts(changed=1, total=5)
    assert result.counts["books_balances"] == StreamCounts()
    assert warehouse.find_run("two", "process") == result
    (change,) = warehouse.changes(SOURCE, "ready_books_invoices", result.snapshot_before, result.snapshot_after)
    assert (change.key, change.before and change.before["customer"], change.after and change.after["customer"]) == (
        "1",
        "Ann",
        "Anna",
    )
    assert warehouse.process("two", SOURCE, READY) == result


def test_deleted_records_leave(warehouse: Warehouse) -> None:
    rows = [Invoice("1", lines=(("c1", Decimal(1)),)), Invoice("2", lines=(("c1", Decimal(2)),))]
    collect(warehouse, "one", invoices(rows), simple(REPORT, {"a": Decimal(1)}))
    warehouse.process("one", SOURCE, READY)
    collect(warehouse, "two", invoices([], ["1"]), simple(REPORT, {}))
    counts = warehouse.process("two", SOURCE, READY).counts
    assert {name: (value.deleted, value.total) for name, value in counts.items()} == {
        "books_invoices": (1, 1),
        "books_lines": (1, 1),
        "books_sales": (1, 1),
        "books_balances": (1, 0),
    }
    assert [row[0] for row in ready_state(warehouse)["lines"]] == ["2"]


def test_sources_do_not_see_each_other(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1", "c1", Decimal(1))]), simple(CUSTOMERS, {"c1": "Ann"}))
    collect(warehouse, "two", invoices([Invoice("1", "c1", Decimal(2))]), source="src_2")
    warehouse.process("one", SOURCE, READY)
    assert warehouse.waiting("src_2")
    warehouse.process("two", "src_2", READY)
    assert ready_state(warehouse)["invoices"] == [("1", Decimal(1), "Ann")]
    assert ready_state(warehouse, "src_2")["invoices"] == [("1", Decimal(2), None)]
    assert ready_state(warehouse, "src_2")["sales"] == [("c1", Decimal(2), 1)]


def test_other_sql_builds_the_table_anew(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1"), Invoice("2")]))
    collect(warehouse, "two", invoices([Invoice("3")]), source="src_2")
    for source in (SOURCE, "src_2"):
        warehouse.process(f"first {source}", source, READY)
    doubled = replace(
        INVOICES_READY, sql=INVOICES_READY.sql.replace("i.total,", "CAST(i.total * 2 AS DECIMAL(18,2)) AS total,")
    )
    assert warehouse.waiting(SOURCE, (doubled, *READY[1:]))
    assert warehouse.process("same columns", SOURCE, (doubled, *READY[1:])).counts["books_invoices"].changed == 2
    # Other columns: the rows of the other source are built again too, or they would be lost.
    wider = replace(INVOICES_READY, sql=INVOICES_READY.sql.replace("i.total,", "i.total, i.issued,"))
    warehouse.process("other columns", SOURCE, (wider, *READY[1:]))
    with warehouse.reader() as reader:
        rows = reader.query("SELECT _source, id, issued FROM ready_books_invoices ORDER BY id")
    assert [(row["_source"], row["id"], row["issued"] is not None) for row in rows] == [
        (SOURCE, "1", True),
        (SOURCE, "2", True),
        ("src_2", "3", True),
    ]
    changes = warehouse.changes("src_2", "ready_books_invoices", 0, warehouse.snapshot())
    assert [change.key for change in changes] == ["3"]


def test_an_expired_feed_means_a_full_build(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    warehouse.process("one", SOURCE, READY)
    for name in ("two", "three"):
        collect(warehouse, name, invoices([Invoice(name)]))
    later = datetime.now(UTC) + timedelta(days=3)
    assert warehouse.maintain(timedelta(0), now=later).expired
    warehouse.process("three", SOURCE, READY)
    assert [row[0] for row in ready_state(warehouse)["invoices"]] == ["1", "three", "two"]


def test_a_fence_keeps_a_build_out(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))

    def refuse() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        warehouse.process("one", SOURCE, READY, fence=refuse)
    assert warehouse.waiting(SOURCE)
    assert warehouse.find_run("one", "process") is None


@pytest.mark.parametrize("others", [(), ("src_other",)])
def test_rows_that_somebody_took_away_are_missed(folder_url: str, others: tuple[str, ...]) -> None:
    """The read-back looks at the lake, not at what the build believes: in the catalog, or among others' rows."""

    class LosesRows(Warehouse):
        def steal(self, name: str) -> None:
            if name == "warehouse.process.after_commit":
                with opened(self._location, self._limits, write=True) as session, session.transaction():
                    session.run("DELETE FROM lake.main.ready_books_invoices WHERE _key = '2'")
                    session.commit()

    warehouse = LosesRows(folder_url, "org_1", threads=1)
    for other in others:
        collect(warehouse, other, invoices([Invoice("9")]), source=other)
        warehouse.process(other, other, READY)
    collect(warehouse, "one", invoices([Invoice("1"), Invoice("2")]))
    with pytest.raises(Disagreement, match="ready_books_invoices: 2 rows were written, 1 are there"):
        warehouse.process("one", SOURCE, READY, checkpoint=warehouse.steal)


WRONG = {
    "reads what it does not declare": ReadyTable(
        "x", "SELECT i.id FROM raw_books_invoices i JOIN raw_books_customers c ON true", "raw_books_invoices"
    ),
    "reads the lake past the views": ReadyTable(
        "x", "SELECT id FROM lake.main.raw_books_invoices", "raw_books_invoices"
    ),
    "reads a file": ReadyTable("x", "SELECT 'a' AS id FROM read_text('/etc/hostname')", "raw_books_invoices"),
    "is no query": ReadyTable("x", "DROP TABLE raw_books_invoices", "raw_books_invoices"),
    "has no such table": ReadyTable("x", "SELECT id FROM raw_books_ghosts", "raw_books_ghosts"),
    "has no key": ReadyTable("x", "SELECT total FROM raw_books_invoices", "raw_books_invoices"),
    "has keys of others": ReadyTable("x", "SELECT customer_id AS id FROM raw_books_invoices", "raw_books_invoices"),
    "has a column of ours": ReadyTable("x", "SELECT id, 1 AS _key FROM raw_books_invoices", "raw_books_invoices"),
    "is built from a ready table": ReadyTable("x", "SELECT id FROM ready_books_invoices", "ready_books_invoices"),
    "has a name that is SQL": ReadyTable(
        'x"; DROP TABLE y; --', "SELECT id FROM raw_books_invoices", "raw_books_invoices"
    ),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_sql_that_breaks_its_contract_is_refused(warehouse: Warehouse, what: str) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    with pytest.raises(ValueError):
        warehouse.process("one", SOURCE, (WRONG[what],))
    assert warehouse.find_run("one", "process") is None


def test_a_lookup_that_is_not_declared_would_be_stale(warehouse: Warehouse) -> None:
    """Why undeclared tables are refused: a twin that only says where its lookup is wrongly misses the change."""
    twin = replace(INVOICES_READY, lookups={"raw_books_customers": "id"})
    collect(warehouse, "one", invoices([Invoice("1", "c1")]), simple(CUSTOMERS, {"c1": "Ann"}))
    warehouse.process("one", SOURCE, (twin,))
    collect(warehouse, "two", simple(CUSTOMERS, {"c1": "Anna"}))
    warehouse.process("two", SOURCE, (twin,))
    assert warehouse.process("all", SOURCE, (twin,), rebuild=True).counts["books_invoices"].changed == 1
