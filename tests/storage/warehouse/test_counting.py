"""Each statement of a load must touch as many rows as were planned, or nothing is committed."""

from decimal import Decimal

import pytest

from storage.facts.streams import Batch
from storage.warehouse import Disagreement, Warehouse
from tests.storage.warehouse.company import SOURCE, STREAMS, Invoice, invoices, run
from tests.storage.warehouse.twins import skipping, skipping_lines

_LINES = (("c1", Decimal(1)),)
_CHANGED, _GONE = invoices([Invoice("1", lines=_LINES * 2), Invoice("3")]), invoices([], ["1", "2"])


def _load(warehouse: Warehouse, name: str, batch: Batch) -> None:
    with warehouse.begin(run(name, SOURCE), STREAMS) as loader:
        loader.write(batch)
        loader.commit({})


def _rows(warehouse: Warehouse) -> list[tuple[str, str, bool]]:
    with warehouse.reader() as reader:
        found = reader.query("SELECT id, _run_id, _deleted FROM raw_books_invoices ORDER BY ALL")
    return [(row["id"], row["_run_id"], row["_deleted"]) for row in found]


@pytest.mark.parametrize(
    "verb, batch, said",
    [
        ("DELETE FROM", _CHANGED, "1 rows were to be deleted, 0 were"),
        ("INSERT INTO", _CHANGED, "2 rows were to be inserted, 1 were"),
        ("DELETE FROM", _GONE, "2 rows were to be deleted, 1 were"),
        ("INSERT INTO", _GONE, "2 rows were to be marked, 1 were"),
    ],
)
def test_a_statement_that_passes_over_a_row_is_noticed_before_the_commit(
    folder_url: str, verb: str, batch: Batch, said: str
) -> None:
    whole = Warehouse(folder_url, "org_1", threads=1)
    _load(whole, "one", invoices([Invoice("1", lines=_LINES), Invoice("2", lines=_LINES)]))
    before = _rows(whole)
    with pytest.raises(Disagreement, match=said):
        _load(skipping(folder_url, "org_1", verb), "two", batch)
    assert _rows(whole) == before
    # Without the count the same fault goes into the lake.
    _load(skipping(folder_url, "org_1", verb, unnoticed=True), "three", batch)
    wrong = _rows(whole)
    assert wrong != before
    assert [row[0] for row in wrong].count("1") == (2 if verb == "DELETE FROM" else 0)


@pytest.mark.parametrize(
    "verb, said, unnoticed, left",
    [
        ("DELETE FROM", "0 rows were to be left in invoice_lines, 1 were", 1, 3),
        ("INSERT INTO", "2 rows were to be inserted into invoice_lines, 0 were", 2, 0),
    ],
)
def test_lines_that_are_lost_or_left_are_noticed_before_the_commit(
    folder_url: str, verb: str, said: str, unnoticed: int, left: int
) -> None:
    """Invoice 1 has one line and then two: with the old one left its lines would add up to more than the invoice."""
    whole = Warehouse(folder_url, "org_1", threads=1)
    _load(whole, "one", invoices([Invoice("1", lines=_LINES), Invoice("2", lines=_LINES)]))
    with pytest.raises(Disagreement, match=said):
        _load(skipping_lines(folder_url, "org_1", verb), "two", _CHANGED)
    assert _lines(whole) == 1
    # Without the counts the same fault goes into the lake.
    _load(skipping_lines(folder_url, "org_1", verb, unnoticed=unnoticed), "three", _CHANGED)
    assert _lines(whole) == left


def _lines(warehouse: Warehouse) -> int:
    with warehouse.reader() as reader:
        (found,) = reader.query("SELECT count(*) AS n FROM raw_books_invoice_lines WHERE parent_id = '1'")
    return int(found["n"])
