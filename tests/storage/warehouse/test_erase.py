"""An erased source leaves nothing: no row, no Parquet file, no statistic, no older snapshot; others keep theirs."""

from collections.abc import Callable

import pytest

from storage.warehouse import DetailExpired, NoLake, Warehouse
from storage.warehouse.location import Location, locate
from storage.warehouse.session import opened
from tests.storage.warehouse.company import CUSTOMERS, READY, STREAMS, Invoice, invoices, run, simple
from tests.storage.warehouse.copies import filled_once
from tests.storage.warehouse.leftovers import LIMITS, traces

GONE, STAYS = "src_gone", "src_stays"
CANARY = "zzz-canary"


class FenceError(Exception):
    """Raised by a fence."""


def allowed() -> None:
    """Let the erasure commit."""


def load(warehouse: Warehouse, source: str, number: int, mark: str) -> None:
    """Load one invoice with a line, and a customer, that carry the mark, and build the ready tables."""
    name = f"{source}-{number}"
    with warehouse.begin(run(name, source), STREAMS) as loader:
        loader.write(
            invoices([Invoice(f"{mark}-{number}", f"{mark}-c", lines=((f"{mark}-item", Invoice("x").total),))])
        )
        loader.write(simple(CUSTOMERS, {f"{mark}-c": f"{mark} name {number}"}))
        loader.commit({"invoices": f"{mark}-cursor-{number}"})
    warehouse.process(name, source, READY)


def filled(url: str, organization: str = "org_1") -> Warehouse:
    """Return a lake in which both sources were loaded in turns, and their files put together."""
    return filled_once(url, organization, _fill)


def _fill(warehouse: Warehouse, organization: str) -> None:
    for number in range(3):
        load(warehouse, GONE, number, f"{CANARY}-{organization}")
        load(warehouse, STAYS, number, f"zz-kept-{organization}")
    warehouse.gather("raw_books_invoices")


def rows(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the raw and ready tables of what stays, as the lake has them now."""
    with opened(warehouse._location, LIMITS, write=False) as session:
        return {
            name: sorted(session.rows(f'SELECT * FROM lake.main."{name}" WHERE _source = ?', (STAYS,)), key=repr)
            for name in session.tables()
        }


def test_nothing_is_left_and_the_others_keep_everything(url: str) -> None:
    warehouse, other = filled(url), filled(url, "org_2")
    before, others = rows(warehouse), other.snapshot()
    location = locate(url, "org_1")
    assert len(traces(location, f"{CANARY}-org_1")) > 5, "the check sees what is there"
    # What a load that was killed left behind.
    left = warehouse.begin(run("killed", GONE), STREAMS)
    left.write(simple(CUSTOMERS, {"c": f"{CANARY}-org_1"}))
    staged = next(location.staging.glob("load-*"))
    alive = warehouse.begin(run("alive", STAYS), STREAMS)

    done = warehouse.erase(GONE, "books", fence=allowed)

    assert done.rows["raw_books_invoices"] == 3
    assert done.rows["ready_books_lines"] == 3
    assert not staged.exists()
    alive.write(simple(CUSTOMERS, {"late": "late"}))
    alive.abort()
    assert traces(location, f"{CANARY}-org_1") == []
    assert rows(warehouse) == before
    assert warehouse.cursors(GONE) == {}
    assert warehouse.cursors(STAYS) == {"invoices": "zz-kept-org_1-cursor-2"}
    with pytest.raises(DetailExpired):
        warehouse.reader(snapshot=1).query("SELECT * FROM raw_books_invoices")
    # The other organization was not touched.
    assert other.snapshot() == others
    assert traces(locate(url, "org_2"), f"{CANARY}-org_2")
    left._thread.join(0)


def test_the_sources_that_stay_go_on_and_the_erased_one_may_begin_again(url: str) -> None:
    warehouse = filled(url)
    warehouse.erase(GONE, "books", fence=allowed)
    load(warehouse, STAYS, 9, "zz-kept")
    load(warehouse, GONE, 1, "again")
    with warehouse.reader() as reader:
        found = reader.query("SELECT _source, id FROM ready_books_invoices ORDER BY id")
    assert (found[0]["_source"], found[0]["id"]) == (GONE, "again-1")
    assert len(found) == 5
    assert warehouse.counts(GONE)["raw_books_invoices"] == 1
    assert traces(locate(url, "org_1"), CANARY) == []


def test_a_fenced_erasure_changes_nothing(url: str) -> None:
    warehouse = filled(url)
    before = warehouse.snapshot()

    def fence() -> None:
        raise FenceError

    with pytest.raises(FenceError):
        warehouse.erase(GONE, "books", fence=fence)
    assert warehouse.snapshot() == before
    assert warehouse.counts(GONE)["raw_books_invoices"] == 3


def test_a_lake_that_was_never_made_is_not_made(folder_url: str) -> None:
    warehouse = Warehouse(folder_url, "org_1", threads=1)
    assert warehouse.erase(GONE, "books", fence=allowed).rows == {}
    with pytest.raises(NoLake):
        warehouse.reader().query("SELECT 1")


def _only_deleted(location: Location) -> None:
    with opened(location, LIMITS, write=True) as session:
        for name in session.tables():
            session.run(f'DELETE FROM lake.main."{name}" WHERE _source = ?', (GONE,))


def _deleted_and_tidied(location: Location) -> None:
    _only_deleted(location)
    with opened(location, LIMITS, write=True) as session:
        session.rows("CALL ducklake_rewrite_data_files('lake', delete_threshold => 0)")
        old = [row[0] for row in session.rows("SELECT snapshot_id FROM ducklake_snapshots('lake')")][:-1]
        session.rows(f"CALL ducklake_expire_snapshots('lake', versions => {old})")
        session.rows("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")


@pytest.mark.parametrize("twin", [_only_deleted, _deleted_and_tidied])
def test_the_check_finds_what_a_plain_delete_leaves(folder_url: str, twin: Callable[[Location], None]) -> None:
    """Broken twins: rows deleted; rows deleted and every file written anew, with the catalog's statistics as they were."""
    filled(folder_url)
    location = locate(folder_url, "org_1")
    twin(location)
    assert traces(location, CANARY) != []
