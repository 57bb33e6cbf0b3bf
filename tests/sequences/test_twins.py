"""What goes wrong in the product's place is found by the comparison: each twin has one fault."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.ground import Warehouses
from storage.facts.streams import Batch, Stream
from storage.sessions import Database
from storage.warehouse import Loader, LoadResult, LoadRun, Warehouse
from tests.sequences.frame import Deployment, NotEqualError, play
from tests.sequences.meddled import Spoil
from tests.sequences.plans import Plan, Step
from tests.sequences.test_netsuite import Bucket
from tests.sequences.test_shopify import Shop

SHORT: Plan = ((Step(1), Step(2)),)
#: whole files, of which what is no longer in them is gone
WHOLE = 1


@pytest.fixture
def in_files(sqlite_database: Database, folder_lakes: str) -> Deployment:
    return Deployment(sqlite_database, folder_lakes)


def takes_nothing_away(batch: Batch) -> Batch:
    return replace(batch, deleted=())


def skips_where_pages_meet(batch: Batch) -> Batch:
    return replace(batch, rows=batch.rows.slice(0, max(0, batch.rows.num_rows - 1)))


def counts_in_floats(batch: Batch) -> Batch:
    """Let amounts pass through binary fractions."""
    rows = batch.rows
    for place, column in enumerate(rows.schema):
        if pa.types.is_decimal(column.type):
            rows = rows.set_column(place, column, rows.column(place).cast(pa.float64()).cast(column.type))
    return replace(batch, rows=rows)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(takes_nothing_away, id="deletes"),
        pytest.param(skips_where_pages_meet, id="pages"),
        pytest.param(counts_in_floats, id="floats"),
    ],
)
async def test_a_twin_is_found(in_files: Deployment, tmp_path: Path, spoil: Spoil) -> None:
    with pytest.raises(NotEqualError, match=r"is missing|is not at the provider"):
        await play(in_files, Bucket(tmp_path / "in", WHOLE), SHORT, spoil=spoil)


class _Hasty:
    """A load that saves its cursors first, and its rows in a transaction of their own."""

    def __init__(self, whole: Loader, cursors: Callable[[], Loader]) -> None:
        self._whole = whole
        self._cursors = cursors
        self.write, self.abort = whole.write, whole.abort

    def commit(self, cursors: Mapping[str, str], *more: Any, **named: Any) -> LoadResult:
        self._cursors().commit(cursors, keep_cursors=tuple(cursors))
        return self._whole.commit(cursors, *more, **named)


class _HastyWarehouse(Warehouse):
    def begin(self, run: LoadRun, streams: Sequence[Stream] = (), **more: Any) -> Any:
        first = replace(run, run_id=f"{run.run_id}_cursors")
        return _Hasty(super().begin(run, streams, **more), partial(super().begin, first))


class _HastyWarehouses(Warehouses):
    def of(self, organization_id: str) -> Warehouse:
        with self._lock:
            return self._open.setdefault(organization_id, _HastyWarehouse(self._url, organization_id))


#: What changes long before a run is lost with its rows, for no later read goes back that far.
DIES: Plan = ((Step(1), Step(3, 70, dies="warehouse.before_commit")),)


async def test_cursors_that_are_saved_before_their_rows_are_found(in_files: Deployment) -> None:
    with pytest.raises(NotEqualError, match="the provider says"):
        await play(in_files, Shop(0), DIES, warehouses=_HastyWarehouses)
