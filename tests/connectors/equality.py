"""Asserts that what a test kept is what the provider has, by the comparison that the product's own story plays."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.cli.equality import differences, typed
from connectors.shapes import Shape
from tests.connectors.worlds import Kept

__all__ = ["assert_same", "raw_of", "typed"]


def assert_same(kept: Kept, shape: Shape, truth: Sequence[Mapping[str, Any]]) -> None:
    """Every live record is kept, and no other; every column and line is what the record says."""
    assert list(differences(shape, kept.rows.get(shape.name, {}), kept.lines, truth)) == []


def raw_of(row: Mapping[str, Any]) -> Any:
    """Return a kept raw record with exact numbers."""
    return json.loads(row["_raw"], parse_float=Decimal)
