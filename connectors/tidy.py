"""The careful way for records that the quick parser refuses: a number for a text, an amount with too many digits.

Each wanted value is read by its declared type and written back in its plainest form; the record's own bytes stay what
is kept as raw. What cannot be read without guessing raises Broken with the record's id: a wrong amount is worse than
none.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.errors import Broken
from connectors.shapes import MOST_DIGITS, PARSED, Shape, Tree
from storage.facts.streams import ColumnType

_AMOUNT = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EXACT = Context(prec=120)
#: what people call values of a type
_CALLED = {ColumnType.MONEY: "an amount", ColumnType.NUMBER: "an amount", ColumnType.INTEGER: "a whole number"}


class _Number(str):
    """A JSON number, kept as the provider wrote it."""

    __slots__ = ()


#: Stands for what a name means that comes twice in one object.
_TWICE = object()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _TWICE if name in found else value
    return found


@dataclass
class Tidy:
    """Reads records of one shape; counts what it had to round."""

    shape: Shape
    #: amounts that had more decimals than their column
    rounded: int = 0
    _id: str = field(default="?")

    def record(self, raw: bytes) -> bytes:
        """Return the record with only the wanted parts, each of its declared type."""
        try:
            said = json.loads(
                raw, parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=_once
            )
        except (ValueError, RecursionError) as error:
            raise Broken(f"a record of {self.shape.label} cannot be read", code="record_unreadable") from error
        known = said.get(self.shape.fields[0].path, "?") if isinstance(said, dict) else "?"
        self._id = "?" if known is _TWICE else re.sub(r"[^\w:/.-]", "", str(known))[:60]
        return msgspec.json.encode(self._object(said, self.shape.tree, ""))

    def _object(self, said: Any, tree: Mapping[str, Tree], path: str) -> dict[str, Any] | None:
        if said is None or said == "":
            return None
        if isinstance(said, str) and "value" in tree:
            said = {"value": said}
        if not isinstance(said, dict):
            raise self._wrong(path, "an object")
        found: dict[str, Any] = {}
        for name, node in tree.items():
            plain = name.removesuffix("[]")
            here = f"{path}.{plain}" if path else plain
            value = said.get(plain)
            if value is _TWICE:
                words = (
                    f"{self.shape.label}, record {self._id}: {here} comes twice, and nobody can tell which one counts"
                )
                raise Broken(words, code="value_unreadable")
            found[plain] = self._list(value, node, here) if name.endswith("[]") else self._node(value, node, here)
        return found

    def _list(self, said: Any, node: Tree, path: str) -> list[Any] | None:
        if said is None or said == "":
            return None
        items = said if isinstance(said, list) else [said]
        return [self._node(item, node, path) for item in items]

    def _node(self, said: Any, node: Tree, path: str) -> Any:
        if isinstance(node, dict):
            return self._object(said, node, path)
        return None if said is None else self._value(said, node, path)

    def _value(self, said: Any, kind: ColumnType, path: str) -> Any:
        if kind is ColumnType.TEXT:
            if isinstance(said, (dict, list)):
                raise self._wrong(path, "a text")
            return _text(said)
        if isinstance(said, str) and not said.strip():
            return None
        if kind is ColumnType.BOOLEAN:
            if str(said).lower() not in {"true", "false"}:
                raise self._wrong(path, "true or false")
            return str(said).lower() == "true"
        if not isinstance(said, str):
            raise self._wrong(path, _CALLED.get(kind, f"a {kind}"))
        if kind in {ColumnType.DATE, ColumnType.TIMESTAMP} and not _DAY.match(said):
            raise self._wrong(path, "a date")
        if kind is ColumnType.DATE:
            return self._moment(said[:10], path, date.fromisoformat).isoformat()
        if kind is ColumnType.TIMESTAMP:
            return self._instant(said, path)
        return self._amount(said, kind, path)

    def _moment(self, said: str, path: str, read: Any) -> Any:
        try:
            return read(said)
        except ValueError as error:
            raise self._wrong(path, "a date") from error

    def _instant(self, said: str, path: str) -> str:
        moment = self._moment(said, path, datetime.fromisoformat)
        if moment.tzinfo is None:
            raise self._wrong(path, "a time with a zone")
        return str(moment.astimezone(UTC).isoformat())

    def _amount(self, said: str, kind: ColumnType, path: str) -> str:
        if not _AMOUNT.fullmatch(said):
            raise self._wrong(path, "an amount")
        kept = PARSED[kind]
        value = Decimal(said)
        try:
            fitted = value.quantize(Decimal(1).scaleb(-kept.scale), rounding=ROUND_HALF_EVEN, context=_EXACT)
        except InvalidOperation as error:
            raise self._wrong(path, "an amount that fits") from error
        digits = kept.precision if kind is ColumnType.INTEGER else MOST_DIGITS + kept.scale
        if len(fitted.as_tuple().digits) > digits:
            raise self._wrong(path, f"an amount that fits: it has more than {digits - kept.scale} digits")
        if fitted != value:
            if kind is ColumnType.INTEGER:
                raise self._wrong(path, "a whole number")
            self.rounded += 1
        return f"{fitted:f}"

    def _wrong(self, path: str, wanted: str) -> Broken:
        return Broken(f"{self.shape.label}, record {self._id}: {path or 'it'} is not {wanted}", code="value_unreadable")


def _text(said: Any) -> str:
    if isinstance(said, str):
        # Half of a surrogate pair is no character: broken emoji must not stop a company's books.
        return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return msgspec.json.encode(said).decode()
