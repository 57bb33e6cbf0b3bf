"""Records' bytes -> Arrow batches: typed columns, the record's own bytes, their hash.

Arrow's JSON reader does the work in bulk, outside the interpreter's lock and with exact decimals: it parses only the
declared fields and never makes Python objects of them. A page that it refuses is read by `connectors.tidy` instead.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, chain

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from connectors.errors import Broken
from connectors.shapes import MOST_DIGITS, TYPED, Field, Lines, Shape
from connectors.tidy import Tidy
from storage.facts.streams import LINE_COLUMNS, RECORD_COLUMNS, Batch, ColumnType

#: One record's bytes as they stand in the provider's answer.
Record = msgspec.Raw | bytes
#: Nested lines are sorted behind all others of their parent by this, then numbered anew.
_NESTED_FROM = 1 << 32
_OPENING_BRACE = ord("{")
_MOST = Decimal(10**MOST_DIGITS)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch and what a caller wants to know about it without looking into Arrow."""

    batch: Batch
    ids: list[str]
    #: newest change in it, as the provider stamps it; None when it is empty
    newest: datetime | None
    #: amounts that were rounded to their column
    rounded: int


@dataclass(frozen=True, slots=True)
class _Page:
    rows: pa.Table
    children: dict[str, pa.Table]
    versions: list[int]
    size: int


#: Turns a record into what its shape reads, where that is not the record itself; the record stays what is kept as raw.
Prepare = Callable[[bytes], bytes]


def decode(shape: Shape, pages: Iterable[Sequence[Record]], prepare: Prepare | None = None) -> Decoded:
    """Decode some pages of one stream; of records that come twice, the highest version wins, then the later one."""
    filled = [page for page in pages if page]
    if not filled:
        return Decoded(empty(shape), [], None, 0)
    tidy = Tidy(shape)
    parts = _parts(shape, filled, tidy, prepare)
    rows = pa.concat_tables([part.rows for part in parts])
    children = {lines.name: pa.concat_tables([p.children[lines.name] for p in parts]) for lines in shape.lines}
    batch = Batch(shape.stream, rows, children, size=sum(part.size for part in parts))
    return Decoded(batch, rows.column("id").to_pylist(), _newest(rows), tidy.rounded)


def _newest(rows: pa.Table) -> datetime | None:
    moment = pc.max(rows.column("_updated_at")).cast(pa.int64()).as_py()
    return None if moment is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment)


def empty(shape: Shape, deleted: tuple[str, ...] = ()) -> Batch:
    """Return a batch without rows: it carries keys that are gone."""
    columns = (*shape.stream.columns, *RECORD_COLUMNS)
    rows = pa.schema([(c.name, TYPED[c.type]) for c in columns]).empty_table()
    children = {
        child.name: pa.schema([(c.name, TYPED[c.type]) for c in (*LINE_COLUMNS, *child.columns)]).empty_table()
        for child in shape.stream.children
    }
    return Batch(shape.stream, rows, children, deleted=deleted)


def _parts(shape: Shape, pages: list[Sequence[Record]], tidy: Tidy, prepare: Prepare | None) -> list[_Page]:
    """Parse all pages at once, which is quickest; page by page only when one of them needs care."""
    records = [record for page in pages for record in page]
    if any(memoryview(record)[0] != _OPENING_BRACE for record in records):
        raise Broken(f"{shape.label}: the provider sent something that is no record", code="record_unreadable")
    try:
        return [_lay_out(shape, records, _prepared(records, prepare))]
    except pa.ArrowInvalid:
        return _distinct([_page(shape, page, tidy, prepare) for page in pages])


def _prepared(records: Sequence[Record], prepare: Prepare | None) -> Sequence[Record]:
    return records if prepare is None else [prepare(bytes(record)) for record in records]


def _page(shape: Shape, records: Sequence[Record], tidy: Tidy, prepare: Prepare | None) -> _Page:
    prepared = _prepared(records, prepare)
    try:
        return _lay_out(shape, records, prepared)
    except pa.ArrowInvalid:
        tidied = [tidy.record(bytes(record)) for record in prepared]
    try:
        return _lay_out(shape, records, tidied)
    except pa.ArrowInvalid as error:
        raise Broken(
            f"{shape.label}: the provider sent records that cannot be read", code="record_unreadable"
        ) from error


def _lay_out(shape: Shape, records: Sequence[Record], parsed: Sequence[Record]) -> _Page:
    joined = b"".join(records)
    raw = _texts(records, joined)
    found = _parse(shape, joined if parsed is records else b"".join(parsed), len(records))
    hashes = pa.array([hashlib.sha256(record).digest()[:16].hex() for record in records], pa.string())
    ids = _value(found, shape.fields[0])
    if ids.null_count:
        raise Broken(f"{shape.label}: the provider sent a record without an id", code="record_unreadable")
    versions = _versions(shape, found)
    if pc.count_distinct(ids).as_py() != len(ids):
        keep = pa.array(_winners(ids.to_pylist(), versions), pa.int64())
        found, raw, hashes, ids = found.take(keep), raw.take(keep), hashes.take(keep), ids.take(keep)
        versions = [versions[n] for n in keep.to_pylist()]
    columns = {field.name: _value(found, field) for field in shape.fields}
    updated = _value(found, Field("_updated_at", shape.updated, ColumnType.TIMESTAMP))
    rows = pa.table(columns | {"_raw": raw, "_hash": hashes, "_updated_at": updated})
    children = {lines.name: _explode(found, ids, lines) for lines in shape.lines}
    for table in (rows, *children.values()):
        table.validate(full=True)  # an amount may be read that its decimal type cannot hold, and text that is no UTF-8
        _refuse_long(table)
    return _Page(rows, children, versions, len(joined))


def _refuse_long(table: pa.Table) -> None:
    """Leave what no ready table could hold to the careful way, which names the record."""
    for column in table.columns:
        if pa.types.is_decimal(column.type):
            least, most = pc.min_max(column).as_py().values()
            if most is not None and max(-least, most) >= _MOST:
                raise pa.ArrowInvalid("an amount of too many digits")


def _texts(records: Sequence[Record], joined: bytes) -> pa.StringArray:
    """Return the records as one string array over the joined bytes, without copying each."""
    offsets = array("i", accumulate(chain((0,), (memoryview(record).nbytes for record in records))))
    return pa.StringArray.from_buffers(len(records), pa.py_buffer(offsets), pa.py_buffer(joined))


def _parse(shape: Shape, joined: bytes, count: int) -> pa.StructArray:
    table = pj.read_json(
        pa.BufferReader(joined),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(joined) + 1),
        parse_options=pj.ParseOptions(explicit_schema=shape.schema, unexpected_field_behavior="ignore"),
    )
    if table.num_rows != count:
        raise pa.ArrowInvalid(f"{table.num_rows} of {count} records")
    return table.combine_chunks().to_struct_array().combine_chunks()


def _value(found: pa.StructArray, field: Field) -> pa.Array:
    """Return one field of every record, as its column's type."""
    values = [_walk(found, path.split(".")) for path in field.path.split("|")]
    value = values[0] if len(values) == 1 else pc.coalesce(*values)
    wanted = TYPED[field.type]
    return value if value.type == wanted else value.cast(wanted)


def _walk(value: pa.Array, parts: list[str]) -> pa.Array:
    for n, part in enumerate(parts):
        value = pc.struct_field(value, part.removesuffix("[]"))
        if part.endswith("[]"):
            value = pc.binary_join(value, ", ") if n == len(parts) - 1 else _first(value)
    return value


def _first(lists: pa.ListArray) -> pa.Array:
    filled = pc.greater(pc.list_value_length(lists), 0)
    return lists.values.take(pc.if_else(filled, lists.offsets.slice(0, len(lists)), None))


def _versions(shape: Shape, found: pa.StructArray) -> list[int]:
    if shape.version is None:
        return [0] * len(found)
    numbers = _value(found, Field("version", shape.version, ColumnType.INTEGER))
    return [-1 if n is None else n for n in numbers.to_pylist()]


def _winners(ids: Sequence[str], versions: Sequence[int]) -> list[int]:
    best: dict[str, int] = {}
    for n, key in enumerate(ids):
        held = best.get(key)
        if held is None or versions[n] >= versions[held]:
            best[key] = n
    return sorted(best.values())


def _distinct(parts: list[_Page]) -> list[_Page]:
    """Drop from each page the records of which another page holds a better version."""
    keys = [key for part in parts for key in part.rows.column("id").to_pylist()]
    if len(set(keys)) == len(keys):
        return parts
    winners = set(_winners(keys, [version for part in parts for version in part.versions]))
    kept, start = [], 0
    for part in parts:
        count = part.rows.num_rows
        lost = pa.array([keys[n] for n in range(start, start + count) if n not in winners], pa.string())
        kept.append(_without(part, lost))
        start += count
    return kept


def _without(part: _Page, lost: pa.Array) -> _Page:
    if not len(lost):
        return part
    rows = part.rows.filter(pc.invert(pc.is_in(part.rows.column("id"), value_set=lost)))
    children = {
        name: table.filter(pc.invert(pc.is_in(table.column("parent_id"), value_set=lost)))
        for name, table in part.children.items()
    }
    return _Page(rows, children, part.versions, part.size)


def _explode(found: pa.StructArray, ids: pa.Array, lines: Lines) -> pa.Table:
    lists = _walk(found, lines.path.split("."))
    top = _flat(lists, ids)
    tables = [_line_table(top, lines, in_group=False)]
    if lines.nested:
        inner = _flat(_walk(top.items, lines.nested.split(".")), top.parents)
        if len(inner.items):
            after = pa.array(range(_NESTED_FROM, _NESTED_FROM + len(inner.items)), pa.int64())
            tables.append(_line_table(_Flat(inner.items, inner.parents, after), lines, in_group=True))
    table = pa.concat_tables(tables)
    return _renumber(table) if len(tables) > 1 else table


@dataclass(frozen=True, slots=True)
class _Flat:
    items: pa.Array
    parents: pa.Array
    positions: pa.Array


def _flat(lists: pa.ListArray, ids: pa.Array) -> _Flat:
    """Return the elements of all lists with their parent's id and their place in it; nulls among them are dropped."""
    owners = pc.list_parent_indices(lists)
    items = pc.list_flatten(lists)
    starts = lists.offsets.slice(0, len(lists)).take(owners)
    places = pc.subtract(
        pa.array(range(len(items)), pa.int64()), pc.subtract(starts, lists.offsets[0]).cast(pa.int64())
    )
    parents = ids.take(owners)
    if items.null_count:
        there = items.is_valid()
        return _Flat(items.filter(there), parents.filter(there), places.filter(there))
    return _Flat(items, parents, places)


def _line_table(flat: _Flat, lines: Lines, *, in_group: bool) -> pa.Table:
    columns = {"parent_id": flat.parents, "position": flat.positions}
    columns |= {field.name: _value(flat.items, field) for field in lines.fields}
    if lines.nested:
        columns[lines.nested_flag] = pa.array([in_group] * len(flat.items), pa.bool_())
    return pa.table(columns)


def _renumber(table: pa.Table) -> pa.Table:
    """Number the lines of each parent anew: nested ones follow the others."""
    next_place: dict[str, int] = {}
    order = pc.sort_indices(table, [("parent_id", "ascending"), ("position", "ascending")])
    table = table.take(order)
    places = []
    for parent in table.column("parent_id").to_pylist():
        places.append(next_place.get(parent, 0))
        next_place[parent] = places[-1] + 1
    return table.set_column(1, "position", pa.array(places, pa.int64()))
