"""Tab-separated reports: rows by the names of their columns, amounts and times read exactly or not at all.

Amazon quotes nothing: a quotation mark is part of a value, and a line ends where a line ends. A row that does not fit
its heading is refused: a value in the wrong column is worse than no value. What names a person is left out here, before
anything is kept.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.amazon.document import Text
from connectors.errors import Broken

#: Columns that can name or locate a person, by words in their names. The country stays: taxes need it.
_PERSONAL = re.compile(
    r"^(?:buyer|recipient|customer|gift-message|bill)(?:-|$)|(?:^|-)(?:address|phone|email|e-mail|city|state|postal|zip|county|comments)(?:-|$)"
    r"|^purchase-order-number$|customized-(?:url|page)|tax-registration",
    re.ASCII,
)
_POINT = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)
_COMMA = re.compile(r"[+-]?(?:[0-9]{1,20}(?:,[0-9]{1,20})?|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,20})", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_STAMP = re.compile(
    r"(?:(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})|(?P<dd>[0-9]{2})\.(?P<mm>[0-9]{2})\.(?P<yy>[0-9]{4}))"
    r"(?: (?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2}) (?:UTC|GMT))?",
    re.ASCII,
)


def personal(column: str) -> bool:
    """Say whether a column can name or locate a person."""
    return _PERSONAL.search(column.lower().replace("_", "-").replace(" ", "-")) is not None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report as rows; a row is a mapping of the filled cells by column, without personal ones.

    They are read from the disk each time (Broken then for one that does not fit the heading).
    """

    label: str
    columns: tuple[str, ...]
    text: Text
    #: where each kept column stands
    places: Mapping[str, int]

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield the rows."""
        places = tuple(self.places.items())
        for cells in self._cells():
            yield {name: cells[place] for name, place in places if cells[place]}

    def column(self, names: Iterable[str]) -> Iterator[str]:
        """Yield every filled cell of some columns."""
        places = [self.places[name] for name in names if name in self.places]
        for cells in self._cells():
            for place in places:
                if cells[place]:
                    yield cells[place]

    def _cells(self) -> Iterator[list[str]]:
        width = len(self.columns)
        for number, line in enumerate(self.text.lines(), start=1):
            if line and number > 1:
                yield _fitted(line.split("\t"), width, f"{self.label}, line {number}")


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one report, some at a time, and the columns in it that nobody knew."""

    parts: Iterator[list[bytes]]
    unknown: tuple[str, ...]


def sheet(text: Text, label: str, needed: Collection[str]) -> Sheet:
    """Read a report's heading (Broken: none, a column twice, a needed column missing)."""
    heading = [name.strip().strip('"') for name in next(text.lines(), "").split("\t")]
    named = [name for name in heading if name]
    if len(set(named)) != len(named):
        raise Broken(f"{label}: the report names a column twice", code="report_columns")
    missing = sorted(set(needed) - set(heading))
    if missing:
        raise Broken(f"{label}: the report has no column {missing[0]}", code="report_columns")
    places = {name: place for place, name in enumerate(heading) if name and not personal(name)}
    return Sheet(label, tuple(heading), text, places)


def _fitted(cells: list[str], width: int, where: str) -> list[str]:
    if len(cells) != width:
        raise Broken(f"{where}: {len(cells)} values for {width} columns", code="report_ragged")
    return [cell.strip() for cell in cells]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How one file writes amounts: with a decimal point, or with a decimal comma."""

    label: str
    comma: bool

    def read(self, said: str) -> str:
        """Return an amount in its plainest form (Broken for what is none)."""
        if not (_COMMA if self.comma else _POINT).fullmatch(said):
            raise Broken(f"{self.label}: an amount cannot be read", code="value_unreadable")
        return said.replace(".", "").replace(",", ".").removeprefix("+") if self.comma else said.removeprefix("+")


def amounts(found: Sheet, names: Iterable[str]) -> Amounts:
    """Find out how a file writes amounts: with a comma when any amount has one. It reads the file to its end."""
    # To the end: a row that does not fit is found before anything of the file is handed on.
    comma = sum("," in cell for cell in found.column(names)) > 0
    return Amounts(found.label, comma)


def whole(said: str, label: str) -> str:
    """Return a whole number (Broken for anything else)."""
    if not _WHOLE.fullmatch(said):
        raise Broken(f"{label}: a count cannot be read", code="value_unreadable")
    return said.removeprefix("+")


def stamp(said: str, label: str) -> datetime:
    """Read a settlement's time: ``2026-03-06 08:52:26 UTC``, ``06.03.2026 08:52:26 UTC``, or the day alone."""
    match = _STAMP.fullmatch(said)
    if match is None:
        raise Broken(f"{label}: a time cannot be read", code="value_unreadable")
    day = (match["y"] or match["yy"], match["m"] or match["mm"], match["d"] or match["dd"])
    try:
        return datetime.fromisoformat(f"{'-'.join(day)}T{match['time'] or '00:00:00'}").replace(tzinfo=UTC)
    except ValueError as error:
        raise Broken(f"{label}: a time cannot be read", code="value_unreadable") from error


def moment(said: str, label: str) -> datetime:
    """Read an ISO time with its zone (Broken for anything else)."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError as error:
        raise Broken(f"{label}: a time cannot be read", code="value_unreadable") from error
    if not said.isascii() or found.tzinfo is None:
        raise Broken(f"{label}: a time has no zone", code="value_unreadable")
    return found.astimezone(UTC)
