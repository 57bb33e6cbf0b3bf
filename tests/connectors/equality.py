"""Compares what was kept with a provider's truth, value by value, reading the truth in its own plain way."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType
from tests.connectors.worlds import Kept


def value(record: Any, path: str) -> Any:
    """Walk a path; ``[]`` takes the first element, or joins at the end."""
    for alternative in path.split("|"):
        found = _walk(record, alternative.split("."))
        if found is not None:
            return found
    return None


def _walk(found: Any, parts: Sequence[str]) -> Any:
    for number, part in enumerate(parts):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part.removesuffix("[]"))
        if part.endswith("[]"):
            if number == len(parts) - 1:
                return None if found is None else ", ".join(found)
            found = found[0] if found else None
    return found


def typed(found: Any, kind: ColumnType) -> Any:
    """Return a truth value as its column should hold it."""
    if found is None:
        return None
    if kind in {ColumnType.MONEY, ColumnType.NUMBER}:
        return Decimal(str(found))
    if kind is ColumnType.INTEGER:
        return int(found)
    if kind is ColumnType.DATE:
        return date.fromisoformat(found)
    if kind is ColumnType.TIMESTAMP:
        return datetime.fromisoformat(re.sub("Z$", "+00:00", found)).astimezone(UTC)
    return found


def assert_same(kept: Kept, shape: Shape, truth: Sequence[Mapping[str, Any]]) -> None:
    """Every live record is kept, and no other; every column and line is what the record says."""
    rows = kept.rows.get(shape.name, {})
    key = shape.fields[0].path
    assert set(rows) == {record[key] for record in truth}
    for record in truth:
        row = rows[record[key]]
        _assert_fields(row, record, shape.fields)
        for lines in shape.lines:
            _assert_lines(kept.lines.get(lines.name, {}).get(record[key], []), record, lines)


def _assert_fields(row: Mapping[str, Any], record: Mapping[str, Any], fields: Sequence[Field]) -> None:
    for field in fields:
        expected = typed(value(record, field.path), field.type)
        assert row[field.name] == expected, (field.name, row[field.name], expected)


def _assert_lines(kept: Sequence[Mapping[str, Any]], record: Mapping[str, Any], lines: Lines) -> None:
    found = list(value(record, lines.path) or ())
    if lines.nested:
        found += [inner for line in found for inner in value(line, lines.nested) or ()]
    ordered = sorted(kept, key=lambda line: line["position"])
    assert [line["position"] for line in ordered] == list(range(len(found)))
    for line, expected in zip(ordered, found, strict=True):
        _assert_fields(line, expected, lines.fields)


def raw_of(row: Mapping[str, Any]) -> Any:
    """Return a kept raw record with exact numbers."""
    return json.loads(row["_raw"], parse_float=Decimal)
