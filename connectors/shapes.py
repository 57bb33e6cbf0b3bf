"""How a provider's records become typed columns, declared once per stream.

A `Shape` lists fields by their path in the provider's JSON. From it follow the stream's columns, the Arrow schema that
the JSON is parsed with, and how the parsed values are laid out in the main table and its child tables.

Paths: ``"CustomerRef.value"``; ``"LinkedTxn[].TxnId"`` is the first element's value; ``"tags[]"`` is all values, joined
with ", "; ``"A.x|B.x"`` is the first of several that is there.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Union

import pyarrow as pa

from storage.facts.streams import ChildTable, Column, ColumnType, Stream

#: A node of the JSON that a shape reads: a leaf, or an object's wanted keys (``"name[]"`` holds a list).
Tree = Union[ColumnType, "dict[str, Tree]"]

#: What JSON is parsed as. Amounts go from text to decimal128 without a float; dates and instants are cast later.
PARSED = {
    ColumnType.TEXT: pa.string(),
    ColumnType.MONEY: pa.decimal128(18, 2),
    ColumnType.NUMBER: pa.decimal128(28, 9),
    ColumnType.INTEGER: pa.decimal128(19, 0),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.string(),
    ColumnType.TIMESTAMP: pa.string(),
}
#: What the warehouse gets.
TYPED = PARSED | {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}
#: Digits before the point that an amount, quantity or rate may have, whatever its column could hold: the ready tables
#: add to amounts, subtract from them and keep three decimals, and one that fits no more would stop all of a source's.
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Field:
    """One column and where its value is in the record."""

    name: str
    path: str
    type: ColumnType = ColumnType.TEXT

    @property
    def column(self) -> Column:
        """The column it fills."""
        return Column(self.name, self.type)


@dataclass(frozen=True, slots=True)
class Lines:
    """A list inside a record that becomes a child table."""

    #: name of the child table
    name: str
    #: path of the list, without ``[]``
    path: str
    fields: tuple[Field, ...]
    #: path inside a line to a list of further lines of the same kind (a QuickBooks group); they follow the others
    nested: str | None = None
    #: column that is true on such further lines
    nested_flag: str = "in_group"

    @property
    def table(self) -> ChildTable:
        """The child table as the warehouse knows it."""
        flag = (Column(self.nested_flag, ColumnType.BOOLEAN),) if self.nested else ()
        return ChildTable(self.name, tuple(f.column for f in self.fields) + flag)


@dataclass(frozen=True)
class Shape:
    """One stream: its columns, its lists, and which fields are its key, version and time of change."""

    name: str
    label: str
    fields: tuple[Field, ...]
    lines: tuple[Lines, ...] = ()
    #: path of the provider's time of the last change
    updated: str = "updatedAt"
    #: path of the number that grows with each change, where there is one
    version: str | None = None
    #: True when each collection reads everything
    full: bool = False

    @cached_property
    def stream(self) -> Stream:
        """The stream as the warehouse knows it; its first field is the key ``id``."""
        columns, children = tuple(f.column for f in self.fields), tuple(x.table for x in self.lines)
        return Stream(self.name, self.label, columns, children, full=self.full)

    @cached_property
    def tree(self) -> "dict[str, Tree]":
        """Every wanted part of the JSON."""
        tree: dict[str, Tree] = {}
        _grow(tree, self.updated, ColumnType.TIMESTAMP)
        if self.version:
            _grow(tree, self.version, ColumnType.INTEGER)
        for field in self.fields:
            _grow_all(tree, "", field)
        for lines in self.lines:
            for field in lines.fields:
                _grow_all(tree, f"{lines.path}[].", field)
                if lines.nested:
                    _grow_all(tree, f"{lines.path}[].{lines.nested}[].", field)
        return tree

    @cached_property
    def schema(self) -> pa.Schema:
        """The explicit schema that records are parsed with."""
        return pa.schema([_arrow_field(name, node) for name, node in self.tree.items()])


def ref(name: str, path: str) -> tuple[Field, Field]:
    """Two columns for a QuickBooks reference: ``<name>_id`` and ``<name>_name``."""
    return Field(f"{name}_id", f"{path}.value"), Field(f"{name}_name", f"{path}.name")


def _grow_all(tree: "dict[str, Tree]", prefix: str, field: Field) -> None:
    for path in field.path.split("|"):
        _grow(tree, prefix + path, field.type)


def _grow(tree: "dict[str, Tree]", path: str, leaf: ColumnType) -> None:
    *parents, last = path.split(".")
    for part in parents:
        node = tree.setdefault(part, {})
        if not isinstance(node, dict):
            raise TypeError(f"{path} goes through a value")
        tree = node
    known = tree.setdefault(last, leaf)
    if isinstance(known, dict):
        raise TypeError(f"{path} is an object elsewhere")
    if known is not leaf and PARSED[known] != PARSED[leaf]:
        raise TypeError(f"{path} is read as {known} and as {leaf}")


def _arrow_field(name: str, node: "Tree") -> pa.Field:
    inner = PARSED[node] if isinstance(node, ColumnType) else pa.struct([_arrow_field(*item) for item in node.items()])
    return pa.field(name[:-2], pa.list_(inner)) if name.endswith("[]") else pa.field(name, inner)
