"""What one load does: exact counts and amounts, whole or not at all, and nothing when nothing changed."""

import stat
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from storage.facts.streams import Batch, ChildTable, Column, ColumnType, Stream, StreamCounts
from storage.warehouse import (
    ColumnChanged,
    Conflict,
    Disagreement,
    LoadResult,
    LoadRun,
    Shrunk,
    Warehouse,
    WarehouseError,
    WrongBatch,
)
from storage.warehouse.retry import ATTEMPTS, retried
from storage.warehouse.session import opened
from tests.storage.warehouse.company import (
    CUSTOMERS,
    INVOICES,
    REPORT,
    SOURCE,
    STREAMS,
    Invoice,
    invoices,
    line_table,
    run,
    simple,
)
from tests.storage.warehouse.twins import Faulty, LooksAfterTheCommit, RewritesEverything

CENT = Decimal("1234567890123456.78")


class LostLeaseError(Exception):
    """What a fence raises."""


def refuse() -> None:
    raise LostLeaseError


def collect(warehouse: Warehouse, name: str, *batches: Batch, source: str = SOURCE, **options: object) -> LoadResult:
    with warehouse.begin(run(name, source), STREAMS) as loader:
        for batch in batches:
            loader.write(batch)
        return loader.commit({"invoices": name}, **options)  # type: ignore[arg-type] # whatever the test says


def test_a_load_says_exactly_what_it_did(url: str) -> None:
    warehouse = Warehouse(url, "org_1", threads=1)
    assert warehouse.snapshot() == 0
    assert warehouse.find_run("one", "collect") is None
    first = collect(warehouse, "one", invoices([Invoice("1", total=CENT, lines=(("x", CENT),)), Invoice("2")]))
    assert first.counts["invoices"] == StreamCounts(new=2, total=2)
    assert first.counts["customers"] == StreamCounts()
    assert (first.snapshot_before, first.snapshot_after) == (0, warehouse.snapshot())
    second = collect(
        warehouse, "two", invoices([Invoice("1", total=-CENT), Invoice("2"), Invoice("3")], ["2", "nobody"])
    )
    assert second.counts["invoices"] == StreamCounts(new=1, changed=1, deleted=1, total=2)
    assert second.fingerprint != first.fingerprint
    assert warehouse.find_run("one", "collect") == first
    assert warehouse.find_run("two", "collect") == second
    assert warehouse.find_run("two", "process") is None
    assert warehouse.counts(SOURCE) == {"raw_books_balances": 0, "raw_books_customers": 0, "raw_books_invoices": 2}
    assert warehouse.cursors(SOURCE) == {"invoices": "two"}
    with warehouse.reader() as reader:
        (row,) = reader.query("SELECT * FROM raw_books_invoices WHERE id = '1'")
        assert reader.query("SELECT * FROM raw_books_invoice_lines") == []
    with warehouse.reader(snapshot=first.snapshot_after) as reader:
        (line,) = reader.query("SELECT amount FROM raw_books_invoice_lines")
    assert (row["total"], line["amount"], row["rate"]) == (-CENT, CENT, Decimal("0.123456789"))
    assert row["_extracted_at"] == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert (row["_run_id"], row["_deleted"], row["_source"]) == ("two", False, SOURCE)
    assert "é" in row["_raw"] or "\\u00e9" in row["_raw"]


def unchanged_run_writes_nothing(warehouse: Warehouse) -> None:
    batches = (invoices([Invoice("1")]), simple(REPORT, {"a": Decimal(1)}))
    first = collect(warehouse, "one", *batches)
    second = collect(warehouse, "two", *batches)
    assert second.counts["invoices"] == StreamCounts(unchanged=1, total=1)
    assert not second.wrote
    assert second.snapshot_after == second.snapshot_before == warehouse.snapshot() == first.snapshot_after
    assert second.fingerprint == first.fingerprint
    assert warehouse.cursors(SOURCE) == {"invoices": "one"}
    assert warehouse.find_run("two", "collect") is None


def test_an_unchanged_run_writes_nothing(folder_url: str) -> None:
    unchanged_run_writes_nothing(Warehouse(folder_url, "org_1", threads=1))
    with pytest.raises(AssertionError):
        unchanged_run_writes_nothing(RewritesEverything(folder_url, "org_2", threads=1))


def test_a_cursor_is_saved_alone_when_it_matters(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    kept = collect(warehouse, "two", keep_cursors={"invoices"})
    assert kept.wrote
    assert not kept.counts["invoices"].touched
    assert warehouse.cursors(SOURCE) == {"invoices": "two"}
    # It is a commit of its own, but no new raw rows.
    warehouse.process("p", SOURCE, ())
    collect(warehouse, "three", keep_cursors={"invoices"})
    assert not warehouse.waiting(SOURCE)


def test_the_last_record_of_a_key_wins_with_its_own_lines(warehouse: Warehouse) -> None:
    old, new = Invoice("1", lines=(("a", Decimal(1)), ("b", Decimal(2)))), Invoice("1", lines=(("c", Decimal(3)),))
    collect(warehouse, "one", invoices([Invoice("2"), new, old]), invoices([old, Invoice("3"), new]))
    with warehouse.reader() as reader:
        assert reader.query("SELECT item, position FROM raw_books_invoice_lines") == [{"item": "c", "position": 0}]
        assert [row["id"] for row in reader.query("SELECT id FROM raw_books_invoices ORDER BY id")] == ["1", "2", "3"]


def test_lines_that_cannot_be_told_apart_are_refused(warehouse: Warehouse) -> None:
    lined, bare = Invoice("1", lines=(("a", Decimal(1)),)), Invoice("1")
    with pytest.raises(WrongBatch, match="told apart"):
        collect(warehouse, "one", invoices([lined, bare]))
    assert collect(warehouse, "two", invoices([lined, lined])).counts["invoices"].new == 1


def test_deleted_records_stay_marked_and_come_back(warehouse: Warehouse) -> None:
    record = Invoice("1", lines=(("a", Decimal(1)),))
    collect(warehouse, "one", invoices([record]))
    assert collect(warehouse, "two", invoices([], ["1"])).counts["invoices"] == StreamCounts(deleted=1)
    assert not collect(warehouse, "three", invoices([], ["1"])).wrote
    with warehouse.reader() as reader:
        (row,) = reader.query("SELECT _deleted, _run_id, total FROM raw_books_invoices")
        assert row == {"_deleted": True, "_run_id": "two", "total": Decimal("10.00")}
        assert reader.query("SELECT count(*) AS n FROM raw_books_invoice_lines") == [{"n": 1}]
    assert collect(warehouse, "four", invoices([record])).counts["invoices"] == StreamCounts(changed=1, total=1)
    with warehouse.reader() as reader:
        assert reader.query("SELECT count(*) AS n FROM raw_books_invoice_lines") == [{"n": 1}]


def test_a_full_read_deletes_what_it_did_not_see(warehouse: Warehouse) -> None:
    collect(
        warehouse, "one", simple(REPORT, {"a": Decimal(1), "b": Decimal(2)}), invoices([Invoice("1"), Invoice("2")])
    )
    # A full stream of which no batch came was not read; one that came empty is empty.
    assert not collect(warehouse, "two").wrote
    both = collect(warehouse, "three", simple(REPORT, {}), invoices([Invoice("2")]), full={"invoices"})
    assert both.counts["balances"] == StreamCounts(deleted=2)
    assert both.counts["invoices"] == StreamCounts(deleted=1, unchanged=1, total=1)
    with pytest.raises(WarehouseError, match="nonsense"):
        collect(warehouse, "four", full={"nonsense"})


def test_a_full_read_that_shrinks_is_held_for_a_person(warehouse: Warehouse) -> None:
    collect(warehouse, "one", simple(REPORT, {f"a{n}": Decimal(n) for n in range(101)}))
    fewer = simple(REPORT, {f"a{n}": Decimal(n) for n in range(80)})
    with warehouse.begin(run("two"), STREAMS) as loader:
        loader.write(fewer)
        with pytest.raises(Shrunk) as held:
            loader.commit({})
        assert (held.value.stream, held.value.before, held.value.after) == ("balances", 101, 80)
        assert warehouse.find_run("two", "collect") is None
        with pytest.raises(Shrunk):
            # Agreed to more than came, or to another stream: that is no agreement to this.
            loader.commit({}, agreed={"balances": 102, "invoices": 0})
        assert loader.commit({}, agreed={"balances": 90}).counts["balances"] == StreamCounts(
            deleted=21, unchanged=80, total=80
        )
    assert collect(warehouse, "three", simple(REPORT, {f"a{n}": Decimal(n) for n in range(64)})).wrote


def test_what_ids_alone_take_away_is_held_as_well_when_it_is_far_too_much(warehouse: Warehouse) -> None:
    keys = [str(n) for n in range(60)]
    collect(warehouse, "one", invoices([Invoice(key) for key in keys]))
    gone = replace(invoices([]), deleted=tuple(keys[:22]))
    with warehouse.begin(run("two"), STREAMS) as loader:
        loader.write(gone)
        with pytest.raises(Shrunk) as held:
            loader.commit({"invoices": "later"}, keep_cursors=("invoices",), guarded=("invoices",))
        assert (held.value.before, held.value.after) == (60, 38)
        assert warehouse.cursors("src_1").get("invoices") != "later"
    # The twin that guards whole reads alone takes all of it away.
    assert collect(warehouse, "three", gone).counts["invoices"].deleted == 22


def fence_keeps_everything_out(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    before = warehouse.snapshot()
    with pytest.raises(LostLeaseError):
        collect(warehouse, "two", invoices([Invoice("1", total=CENT), Invoice("2")]), fence=refuse)
    assert warehouse.snapshot() == before
    assert warehouse.find_run("two", "collect") is None
    assert warehouse.counts(SOURCE)["raw_books_invoices"] == 1


def test_a_run_that_lost_its_right_leaves_nothing(url: str) -> None:
    fence_keeps_everything_out(Warehouse(url, "org_1", threads=1))


def test_a_fence_after_the_commit_is_caught(folder_url: str) -> None:
    with pytest.raises(AssertionError):
        fence_keeps_everything_out(LooksAfterTheCommit(folder_url, "org_1", threads=1))


def test_a_run_is_loaded_once(warehouse: Warehouse) -> None:
    first = collect(warehouse, "one", invoices([Invoice("1")]))
    again = collect(warehouse, "one", invoices([Invoice("1"), Invoice("2")]))
    assert again == first
    assert warehouse.counts(SOURCE)["raw_books_invoices"] == 1


def test_two_sources_share_tables_and_nothing_else(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1"), Invoice("2")]), simple(REPORT, {"a": Decimal(1)}))
    collect(
        warehouse, "two", invoices([Invoice("1", total=CENT)]), simple(REPORT, {}), source="src_2", full={"invoices"}
    )
    collect(warehouse, "three", invoices([], ["1"]), source="src_2")
    assert warehouse.counts(SOURCE) == {"raw_books_balances": 1, "raw_books_customers": 0, "raw_books_invoices": 2}
    assert warehouse.counts("src_2")["raw_books_invoices"] == 0
    assert warehouse.counts("src_3") == {}
    assert warehouse.cursors(SOURCE) == {"invoices": "one"}
    assert sorted(warehouse.keys(SOURCE, "raw_books_invoices")) == ["1", "2"]
    assert warehouse.keys("src_2", "raw_books_invoices") == []
    assert warehouse.keys(SOURCE, "raw_books_invoices", among=["2", "3"]) == ["2"]
    assert warehouse.keys("src_2", "raw_books_invoices", among=["2"]) == []
    assert warehouse.keys(SOURCE, "_cursors") == []


def test_a_stream_may_gain_columns_but_not_change_their_type(warehouse: Warehouse) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    wider = replace(
        CUSTOMERS, columns=(*CUSTOMERS.columns, Column("vip", ColumnType.BOOLEAN)), children=(ChildTable("notes", ()),)
    )
    collect(warehouse, "two", simple(CUSTOMERS, {"c1": "Ann"}))
    rows = simple(CUSTOMERS, {"c2": "Bo"}).rows.append_column("vip", pa.array([True]))
    with warehouse.begin(run("three"), [wider]) as loader:
        loader.write(Batch(wider, rows))
        loader.commit({})
    with warehouse.reader() as reader:
        found = reader.query("SELECT id, vip FROM raw_books_customers ORDER BY id")
        assert found == [{"id": "c1", "vip": None}, {"id": "c2", "vip": True}]
    other = replace(CUSTOMERS, columns=(Column("id"), Column("name", ColumnType.DATE)))
    with warehouse.begin(run("four"), [other]) as loader, pytest.raises(ColumnChanged, match="name is VARCHAR"):
        loader.commit({})


def test_an_aborted_load_leaves_nothing(warehouse: Warehouse, folder_url: str) -> None:
    with warehouse.begin(run("one"), STREAMS) as loader:
        loader.write(invoices([Invoice("1")]))
    assert warehouse.snapshot() == 0
    assert list(Path(folder_url, "org_1", "staging").iterdir()) == []
    with pytest.raises(WarehouseError, match="closed"):
        loader.write(invoices([Invoice("1")]))


WRONG = {
    "no id": lambda: replace(
        invoices([]), rows=invoices([Invoice("1")]).rows.set_column(0, "id", pa.array([None], pa.string()))
    ),
    "a column too few": lambda: replace(invoices([]), rows=invoices([Invoice("1")]).rows.drop_columns(["total"])),
    "a fraction of a cent": lambda: replace(
        invoices([]), rows=invoices([Invoice("1")]).rows.set_column(2, "total", pa.array([Decimal("1.005")]))
    ),
    "an amount too large": lambda: replace(
        invoices([]),
        rows=invoices([Invoice("1")]).rows.set_column(2, "total", pa.array([Decimal("12345678901234567.00")])),
    ),
    "lines of nobody": lambda: replace(
        invoices([Invoice("1")]),
        children={
            "invoice_lines": line_table({"parent_id": ["2"], "position": [0], "item": ["x"], "amount": [Decimal(1)]})
        },
    ),
    "unknown lines": lambda: replace(invoices([]), children={"other": invoices([]).rows}),
    "another declaration": lambda: replace(invoices([]), stream=replace(INVOICES, full=True)),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_wrong_batch_is_refused_and_nobody_waits_for_ever(warehouse: Warehouse, what: str) -> None:
    with warehouse.begin(run("one"), STREAMS, queue_size=1) as loader:
        loader.write(WRONG[what]())

        def go_on() -> None:
            for _ in range(100):
                loader.write(invoices([Invoice("2")]))
            loader.commit({})

        with pytest.raises(WrongBatch):
            go_on()
    assert warehouse.snapshot() == 0


@pytest.mark.parametrize(
    "stream",
    [
        Stream("x", "X", (Column("name"),)),
        Stream("x", "X", (Column("id"), Column("_raw"))),
        Stream("x", "X", (Column("id"), Column("a"), Column("A"))),
        Stream('x"; DROP TABLE y', "X", (Column("id"),)),
        Stream("x", "X", (Column("id"),), (ChildTable("x", ()),)),
        Stream("x", "X", (Column("id"),), (ChildTable("y", (Column("parent_id"),)),)),
    ],
)
def test_a_stream_with_unfit_names_is_refused(warehouse: Warehouse, stream: Stream) -> None:
    with pytest.raises(ValueError):
        warehouse.begin(run("one"), [stream])


class Slow(Mapping[str, Any]):
    """Lines of records that take as long to be staged as nobody lets them go on."""

    def __init__(self, lines: Mapping[str, Any], stop: threading.Event) -> None:
        self._lines = lines
        self._stop = stop

    def __getitem__(self, name: str) -> Any:
        self._stop.wait(120)
        return self._lines[name]

    def __iter__(self) -> Iterator[str]:
        self._stop.wait(120)
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def test_the_queue_holds_the_reader_back(warehouse: Warehouse) -> None:
    loader = warehouse.begin(run("one"), STREAMS, queue_size=2)
    stop = threading.Event()
    written: list[int] = []

    def collect_pages() -> None:
        for number in range(10):
            batch = invoices([Invoice(str(number))])
            loader.write(replace(batch, children=Slow(batch.children, stop)))
            written.append(number)

    reading = threading.Thread(target=collect_pages)
    reading.start()
    deadline = time.monotonic() + 60
    while len(written) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(written) == 3, "one being staged and two in the queue"
    stop.set()
    reading.join()
    assert loader.commit({}).counts["invoices"].new == 10


def test_rows_that_somebody_took_away_are_missed(folder_url: str) -> None:
    """The read-back compares with the lake, not with what the load believes."""

    class LosesRows(Faulty):
        def steal(self, name: str) -> None:
            if name == "warehouse.after_commit":
                with opened(self._location, self._limits, write=True) as session, session.transaction():
                    session.run("DELETE FROM lake.main.raw_books_invoices WHERE id = '2'")
                    session.commit()

    warehouse = LosesRows(folder_url, "org_1", threads=1)
    with warehouse.begin(run("one"), STREAMS, checkpoint=warehouse.steal) as loader:
        loader.write(invoices([Invoice("1"), Invoice("2")]))
        with pytest.raises(Disagreement, match="2 rows of one were written, 1 are there"):
            loader.commit({})


def test_a_load_that_lost_the_race_is_planned_again(url: str) -> None:
    """Somebody commits between the load's begin and its commit; both runs are whole afterwards."""
    warehouse = Warehouse(url, "org_1", threads=1)
    collect(warehouse, "zero", invoices([Invoice("1"), Invoice("5")]))
    races = iter(["rival"])

    def race(name: str) -> None:
        rival = next(races, None) if name == "warehouse.before_commit" else None
        if rival:
            collect(warehouse, rival, invoices([Invoice("1", total=CENT)], ["5"]), source="src_2")

    with warehouse.begin(run("one"), STREAMS, checkpoint=race) as loader:
        loader.write(invoices([Invoice("1", total=CENT), Invoice("2")]))
        result = loader.commit({})
    assert result.counts["invoices"] == StreamCounts(new=1, changed=1, total=3)
    rival = warehouse.find_run("rival", "collect")
    assert rival is not None
    assert result.snapshot_before == rival.snapshot_after
    assert warehouse.counts("src_2")["raw_books_invoices"] == 1


def test_conflicts_are_tried_again_a_bounded_number_of_times() -> None:
    calls: list[int] = []
    pauses: list[float] = []

    def conflict() -> None:
        calls.append(1)
        raise Conflict("again")

    with pytest.raises(Conflict):
        retried(conflict, pauses.append)
    assert (len(calls), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)
    assert all(0 < pause <= 1 for pause in pauses)


def test_only_the_owner_can_look_into_the_folders(warehouse: Warehouse, folder_url: str) -> None:
    collect(warehouse, "one", invoices([Invoice("1")]))
    for folder in (Path(folder_url, "org_1"), Path(folder_url, "org_1", "data"), Path(folder_url, "org_1", "staging")):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_load_names_an_instant() -> None:
    with pytest.raises(ValueError):
        LoadRun("one", "src", "books", datetime(2026, 1, 1))  # noqa: DTZ001 - a time without a zone is what is refused
    with pytest.raises(ValueError):
        LoadRun("one", "", "books", datetime(2026, 1, 1, tzinfo=UTC))
