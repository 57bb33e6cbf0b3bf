"""A connector's batch becomes rows to stage: checked, of the declared types, each key once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.facts.streams import Batch, Column, ColumnType
from storage.warehouse.columns import batch_columns, conform, line_columns
from storage.warehouse.errors import WrongBatch

#: number of the batch within the load: the highest one of a key wins
BATCH = Column("_batch", ColumnType.INTEGER)
#: the provider says that the key is gone
GONE = Column("_gone", ColumnType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one batch adds to the staging files."""

    rows: Any
    children: Mapping[str, Any]


def prepare(batch: Batch, number: int) -> Prepared:
    """Check a batch and mark its rows with the batch's number (WrongBatch).

    The last row of a key wins, with its own lines; a key that the provider calls deleted in the same batch is deleted.
    """
    stream = batch.stream
    rows = conform(batch.rows, batch_columns(stream), stream.name)
    if set(batch.children) - {child.name for child in stream.children}:
        raise WrongBatch(f"{stream.name}: lines that the stream does not declare: {sorted(batch.children)}")
    if rows["id"].null_count or rows["_hash"].null_count:
        raise WrongBatch(f"{stream.name}: a record without id or _hash")
    children = {
        child.name: conform(batch.children[child.name], line_columns(child), f"{stream.name}.{child.name}")
        for child in stream.children
        if child.name in batch.children
    }
    for name, lines in children.items():
        _check_lines(lines, rows["id"], f"{stream.name}.{name}")
    if pc.count_distinct(rows["id"]).as_py() != rows.num_rows:
        rows, children = _last_versions(stream.name, rows, children)
    rows = _with_deleted(rows, batch.deleted)
    numbered = {name: _numbered(lines, number) for name, lines in children.items()}
    return Prepared(rows=_numbered(rows, number), children=numbered)


def _check_lines(lines: Any, ids: Any, what: str) -> None:
    if lines["parent_id"].null_count or lines["position"].null_count:
        raise WrongBatch(f"{what}: a line without its parent or position")
    if not pc.all(pc.is_in(lines["parent_id"], value_set=ids), min_count=0).as_py():
        raise WrongBatch(f"{what}: a line whose record is not in the same batch")


def _last_versions(what: str, rows: Any, children: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Keep the last row of each key, and of the lines those that came with it."""
    ids = rows["id"].to_pylist()
    last = {key: place for place, key in enumerate(ids)}
    versions = {key: count for key, count in Counter(ids).items() if count > 1}
    hashes: dict[str, set[str]] = {}
    for key, value in zip(ids, rows["_hash"].to_pylist(), strict=True):
        if key in versions:
            hashes.setdefault(key, set()).add(value)
    kept = {name: _last_lines(f"{what}.{name}", lines, versions, hashes) for name, lines in children.items()}
    return rows.take(pa.array(sorted(last.values()))), kept


def _last_lines(what: str, lines: Any, versions: Mapping[str, int], hashes: Mapping[str, set[str]]) -> Any:
    """Keep the lines of the last version; positions start anew with each version.

    When two different versions of a record are in one batch and one of them has no lines, nobody can say whose the
    lines are: that batch is refused, and the connector keeps the last version itself.
    """
    parents, positions = lines["parent_id"].to_pylist(), lines["position"].to_pylist()
    groups: Counter[str] = Counter()
    previous: dict[str, int] = {}
    group_of: list[int] = []
    for parent, position in zip(parents, positions, strict=True):
        if parent in versions and position <= previous.get(parent, position):
            groups[parent] += 1
        previous[parent] = position
        group_of.append(groups[parent])
    for parent, found in groups.items():
        if found != versions[parent] and len(hashes[parent]) > 1:
            raise WrongBatch(f"{what}: two versions of {parent} in one batch, and their lines cannot be told apart")
    return lines.filter(pa.array([group == groups[parent] for parent, group in zip(parents, group_of, strict=True)]))


def _with_deleted(rows: Any, deleted: tuple[str, ...]) -> Any:
    gone = sorted(set(deleted))
    if gone:
        rows = rows.filter(pc.invert(pc.is_in(rows["id"], value_set=pa.array(gone, pa.string()))))
    live = rows.append_column(GONE.name, pa.array([False] * rows.num_rows, pa.bool_()))
    if not gone:
        return live
    empty = {field.name: pa.nulls(len(gone), field.type) for field in live.schema}
    filled = {**empty, "id": pa.array(gone, pa.string()), GONE.name: pa.array([True] * len(gone), pa.bool_())}
    return pa.concat_tables([live, pa.table(filled, schema=live.schema)])


def _numbered(table: Any, number: int) -> Any:
    return table.append_column(BATCH.name, pa.array([number] * table.num_rows, pa.int64()))
