"""Where an expression finds its values: the record, its line, what is looked up beside it; nothing else is in reach."""

from collections.abc import Callable, Mapping
from typing import Any

from jobs.exchange.mapping.values import Value

#: lines of one record that are looked at
MOST_LINES = 2000


class Row:
    """What one row of a file is made of."""

    __slots__ = ("deleted", "inputs", "line", "number", "record")

    def __init__(
        self,
        record: dict[str, Any],
        inputs: Mapping[str, Mapping[str, object]],
        *,
        deleted: bool = False,
        line: dict[str, Any] | None = None,
        number: int = 0,
    ) -> None:
        self.record = record
        self.inputs = inputs
        self.deleted = deleted
        self.line: dict[str, Any] = line if line is not None else {}
        self.number = number


#: An expression, ready to be asked.
Ask = Callable[[Row], Value]
Get = Callable[[Row], object]


def getter(path: tuple[str, ...]) -> Get:
    """Return what reads a field; nothing where a part of its way is missing or is no group of fields."""
    if path[0] == "line":
        return _of_line(path[1:])
    if len(path) == 1:
        return _one(path[0])
    if len(path) == 2:
        return _two(*path)
    return _many(path)


def walk(found: object, path: tuple[str, ...]) -> object:
    """Return what lies at the end of a way of names."""
    for name in path:
        if type(found) is not dict:
            return None
        found = found.get(name)
    return found


def _one(name: str) -> Get:
    return lambda row: row.record.get(name)


def _two(first: str, second: str) -> Get:
    def get(row: Row) -> object:
        group = row.record.get(first)
        return group.get(second) if type(group) is dict else None

    return get


def _many(path: tuple[str, ...]) -> Get:
    return lambda row: walk(row.record, path)


def _of_line(path: tuple[str, ...]) -> Get:
    return lambda row: walk(row.line, path)
