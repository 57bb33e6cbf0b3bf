"""Compares rows that were kept with a provider's own records, value by value, and reads those in its own plain way.

Nothing of the connectors' decoding is used, only what they declare: which column is filled from which path.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType

Row = Mapping[str, Any]
#: table of lines -> key of their record -> the lines
KeptLines = Mapping[str, Mapping[str, Sequence[Row]]]


def value(record: Any, path: str) -> Any:
    """Walk a path; ``[]`` takes the first element, or joins at the end; of ``A|B`` the first that is there.

    A stand-in may keep a page as a plain list and a reference as its id: ``nodes`` and ``id`` are those.
    """
    for alternative in path.split("|"):
        found = _walk(record, alternative.split("."))
        if found is not None:
            return found
    return None


def _walk(found: Any, parts: Sequence[str]) -> Any:
    for number, part in enumerate(parts):
        name = part.removesuffix("[]")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif not (name == "nodes" and isinstance(found, list)) and not (name == "id" and isinstance(found, str)):
            return None
        if part.endswith("[]"):
            if number == len(parts) - 1:
                return None if found is None else ", ".join(found)
            found = found[0] if found else None
    return found


def typed(found: Any, kind: ColumnType) -> Any:
    """Return a record's value as its column should hold it."""
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


def differences(shape: Shape, rows: Mapping[str, Row], lines: KeptLines, truth: Sequence[Row]) -> Iterator[str]:
    """Yield what is not as the provider has it: every live record is kept, no other, and every column and line."""
    key = shape.fields[0].path
    theirs = {value(record, key): record for record in truth}
    yield from (f"{shape.name}: {one} is missing" for one in theirs.keys() - rows.keys())
    yield from (f"{shape.name}: {one} is not at the provider" for one in rows.keys() - theirs.keys())
    for one, record in theirs.items():
        if one in rows:
            yield from _of_fields(f"{shape.name} {one}", rows[one], record, shape.fields)
            for each in shape.lines:
                yield from _of_lines(f"{each.name} of {one}", lines.get(each.name, {}).get(one, ()), record, each)


def _of_fields(where: str, row: Row, record: Row, fields: Sequence[Field]) -> Iterator[str]:
    for field in fields:
        expected = typed(value(record, field.path), field.type)
        if row[field.name] != expected:
            yield f"{where}: {field.name} is {row[field.name]!r}, the provider says {expected!r}"


def _of_lines(where: str, kept: Sequence[Row], record: Row, lines: Lines) -> Iterator[str]:
    found = list(value(record, lines.path) or ())
    if lines.nested:
        found += [inner for line in found for inner in value(line, lines.nested) or ()]
    ordered = sorted(kept, key=lambda line: line["position"])
    if [line["position"] for line in ordered] != list(range(len(found))):
        yield f"{where}: {len(ordered)} lines are kept, the provider has {len(found)}"
        return
    for number, (line, expected) in enumerate(zip(ordered, found, strict=True)):
        yield from _of_fields(f"{where}, line {number}", line, expected, lines.fields)


def unequal(name: str, kept: Iterable[tuple[Any, ...]], truth: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Yield the rows of which there are not as many here as there, for rows without a key of the provider's."""
    ours, theirs = Counter(kept), Counter(truth)
    yield from (f"{name}: {row} is missing" for row in (theirs - ours).elements())
    yield from (f"{name}: {row} is not at the provider" for row in (ours - theirs).elements())
