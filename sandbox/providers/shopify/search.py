"""Shopify's search syntax, `updated_at:>='2026-11-01T00:00:00Z' status:open`; a term it cannot read is ignored."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TERM = re.compile(
    r"\s*(?P<not>-|NOT\s+)?(?:(?P<field>[A-Za-z_]+):(?P<sign><=|>=|<|>)?)?(?P<value>'[^']*'|\"[^\"]*\"|[^\s'\"]+)",
    re.ASCII,
)

#: Reads a field of a record for comparison: seconds since 1970, a number, or lower-case text.
Reader = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Search:
    """A compiled search: the test, and the warnings about terms that were ignored."""

    test: Callable[[Mapping[str, Any]], bool]
    warnings: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Term:
    read: Reader
    sign: str
    wanted: Any
    negative: bool

    def holds(self, record: Mapping[str, Any]) -> bool:
        actual = self.read(record)
        if actual is None:
            return self.negative
        match self.sign:
            case ">":
                found = actual > self.wanted
            case ">=":
                found = actual >= self.wanted
            case "<":
                found = actual < self.wanted
            case "<=":
                found = actual <= self.wanted
            case _:
                found = actual == self.wanted
        return bool(found) is not self.negative


def compile_search(text: str, fields: Mapping[str, Reader]) -> Search:
    """Read a search over the given fields; every term must hold."""
    terms: list[_Term] = []
    warnings: list[dict[str, str]] = []
    for match in _TERM.finditer(text):
        name, value = match["field"] or "", match["value"]
        if not name and value.upper() == "AND":
            continue
        quoted = value[0] in "'\""
        try:
            read, wanted = _meaning(fields, name, value.strip("'\""), quoted=quoted)
        except _UnclearError as unclear:
            warnings.append({"field": name or "default", "message": unclear.args[0], "code": unclear.args[1]})
            continue
        terms.append(_Term(read, match["sign"] or "=", wanted, match["not"] is not None))
    return Search(lambda record: all(term.holds(record) for term in terms), tuple(warnings))


class _UnclearError(Exception):
    """A term that the search ignores: why, and the code of the warning."""


def _meaning(fields: Mapping[str, Reader], name: str, value: str, *, quoted: bool) -> tuple[Reader, Any]:
    if name not in fields:
        raise _UnclearError("Invalid search field for this query.", "invalid_field")
    if name.endswith(("_at", "_date")):
        return fields[name], _instant(value, quoted=quoted)
    if name == "id":
        if not value.isdigit():
            raise _UnclearError(f"Input `{value}` is not an accepted value.", "invalid_value")
        return fields[name], int(value)
    return fields[name], value.lower()


def _instant(value: str, *, quoted: bool) -> int:
    """Read a time; one with colons must be in quotes, or the term cannot be told from a field."""
    unclear = _UnclearError(f"Input `{value}` is not an accepted value.", "invalid_value")
    if ":" in value and not quoted:
        raise unclear
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise unclear from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
