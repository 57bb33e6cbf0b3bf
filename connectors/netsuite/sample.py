"""What a file looks like, proposed from the file itself: a person looks it over; nothing is read by a guess alone."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.files.cells import CellError, amount_reader, date_reader
from connectors.files.forms import Dates
from connectors.files.unpack import unpacked
from connectors.files.wrong import FileError
from connectors.netsuite.typed import NUMBERS

#: a larger sample is not taken
LARGEST = 4 << 20
_MOST_ROWS = 5000
#: More cells would tell no more, and others wait meanwhile.
_MOST_CELLS = 200_000
_LONGEST_LINE, _MOST_COLUMNS, _LONGEST_HEADING = 1 << 20, 500, 200
_DELIMITERS = (",", ";", "\t", "|")
_DATES: tuple[Dates, ...] = ("MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY", "YYYY-MM-DD", "D-Mon-YYYY")
_NUMBERISH = re.compile(r"\(?-?[0-9][0-9 .,']*\)?", re.ASCII)
_NOT_CSV = {
    b"PK\x03\x04": "is an Excel or zip file: choose CSV in NetSuite, or unpack it",
    b"%PDF": "is a PDF: choose CSV in NetSuite",
    b"<": "is a web page or XML: choose CSV in NetSuite",
}
#: our column -> headings that NetSuite gives it
_HEADINGS = {
    "transaction_id": ("internal id", "transaction id", "transaction internal id", "interne id", "interne-id"),
    "line_id": ("line unique key", "line id", "line"),
    "txn_date": ("date", "transaction date", "datum"),
    "account": ("account", "account (main)", "konto"),
    "debit": ("amount (debit)", "debit amount", "debit", "soll"),
    "credit": ("amount (credit)", "credit amount", "credit", "haben"),
    "amount": ("amount", "amount (net)", "net amount", "betrag"),
    "type": ("type", "transaction type"),
    "document_number": ("document number", "document no.", "doc number", "number"),
    "name": ("name", "entity", "customer", "vendor"),
    "memo": ("memo", "memo (main)", "description"),
    "currency": ("currency",),
    "subsidiary": ("subsidiary",),
    "department": ("department",),
    "class": ("class",),
    "location": ("location",),
    "status": ("status",),
}
_KEYS = (("line unique key",), ("internal id", "line unique key"), ("internal id", "line id"), ("internal id",),
         ("id",), ("external id",), ("document number",))  # fmt: skip
_ID = re.compile(r"\b(id|key|no|number|code)\b", re.IGNORECASE)
_PERIODS = ("period", "accounting period", "posting period")
_LINES_NEED = {"transaction_id", "txn_date", "account"}


@dataclass(frozen=True, slots=True)
class Proposed:
    """Fields of a block as the file suggests them, and what a person should look at."""

    typed: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """A file taken apart."""

    encoding: str
    delimiter: str
    skip: int
    labels: list[str]
    rows: list[list[str]]
    ends_at: str

    def column(self, place: int) -> list[str]:
        """Return what a column holds, without what is empty."""
        return [row[place].strip() for row in self.rows if row[place].strip() not in {"", "- None -"}]


def propose(name: str, body: bytes) -> Proposed:
    """Propose how files like this one are read; FileError for what is no table of text."""
    for sign, words in _NOT_CSV.items():
        if body.startswith(sign):
            raise FileError(words)
    table = _table(unpacked(name, io.BytesIO(body), 16 * LARGEST).read())
    dates, date_places, unsure = _dates(table)
    numbers = _numbers(table, date_places)
    columns = _columns(table, date_places)
    key = _key(table)
    into = "transaction_lines" if columns.keys() >= _LINES_NEED and {"amount", "debit"} & columns.keys() else "rows"
    last = name.rpartition("/")[2]
    typed = {
        "name": _name(last), "pattern": _pattern(last), "into": into, "key": "\n".join(key), "dates": dates,
        "numbers": numbers, "delimiter": "tab" if table.delimiter == "\t" else table.delimiter,
        "encoding": table.encoding, "skip": str(table.skip) if table.skip else "", "ends_at": table.ends_at,
        "stamp": "name" if re.search(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", last, re.ASCII) else "modified",
        "period": next((label for label in table.labels if label.lower() in _PERIODS), ""),
    }  # fmt: skip
    if into == "transaction_lines":
        typed |= {f"column.{ours}": label for ours, label in columns.items()}
    else:
        typed |= {"column.row_date": columns.get("txn_date", ""), "column.row_amount": columns.get("amount", "")}
    return Proposed(typed, tuple(_notes(table, key, unsure=unsure)))


def _notes(table: _Table, key: Sequence[str], *, unsure: bool) -> Iterable[str]:
    yield f"{len(table.labels)} columns: {', '.join(table.labels[:40])}."
    if unsure:
        yield "Its dates do not show whether the month or the day comes first: look at “Dates look like”."
    if not key:
        yield "No column tells its rows apart: add Internal ID or Line Unique Key to the saved search."


def _table(body: bytes) -> _Table:
    encoding, text = _decoded(body)
    best: tuple[int, str, list[list[str]]] | None = None
    for delimiter in _DELIMITERS:
        lines = _lines(text, delimiter)
        widths = [len(line) for line in lines if line]
        usual = _usual(widths)
        score = usual * widths.count(usual) if usual > 1 else 0
        if best is None or score > best[0]:
            best = (score, delimiter, lines)
    assert best is not None
    if not best[0]:
        raise FileError("is no table: no sign divides its lines into columns")
    _, delimiter, lines = best
    widths = [len(line) for line in lines]
    usual = _usual(widths)
    skip = widths.index(usual)
    labels, rest = [label.strip() for label in lines[skip]], lines[skip + 1 :]
    if len(labels) > _MOST_COLUMNS or max(map(len, labels)) > _LONGEST_HEADING:
        raise FileError("has too many columns, or a heading that is too long")
    filled = [line for line in rest if line]
    ends_at = filled[-1][0].strip() if filled and _is_total(filled[-1], usual) else ""
    rows = [line for line in filled if len(line) == usual][: -1 if ends_at and len(filled[-1]) == usual else None]
    return _Table(encoding, delimiter, skip, labels, rows, ends_at)


def _usual(widths: Sequence[int]) -> int:
    """Return how many cells most lines have; the most cells of those that are as many."""
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _is_total(line: list[str], width: int) -> bool:
    first = line[0].strip()
    return bool(first) and ("total" in first.lower() or len(line) != width)


def _decoded(body: bytes) -> tuple[str, str]:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", _in(body, "utf-16")
    if b"\0" in body:
        raise FileError("is no text")
    for encoding, codec in (("utf-8", "utf-8-sig"), ("cp1252", "cp1252")):
        try:
            return encoding, body.decode(codec)
        except UnicodeDecodeError:
            continue
    return "iso-8859-1", _in(body, "iso-8859-1")


def _in(body: bytes, codec: str) -> str:
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        raise FileError("is no text") from None


def _lines(text: str, delimiter: str) -> list[list[str]]:
    lines: list[list[str]] = []
    cells = 0
    try:
        for line in csv.reader(_bounded(text), delimiter=delimiter):
            lines.append(line)
            cells += len(line)
            if len(lines) > _MOST_ROWS or cells > _MOST_CELLS:
                break
    except csv.Error:
        return []
    return lines


def _bounded(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > _LONGEST_LINE:
            raise FileError("has a line that is longer than any row")
        yield line


def _reads(read: Callable[[str], str | None], cells: Sequence[str]) -> bool:
    try:
        return bool(cells) and all(read(one) is not None for one in cells)
    except CellError:
        return False


def _dates(table: _Table) -> tuple[str, set[int], bool]:
    """Return the form in which most columns are dates, these columns, and whether another form fits as well."""
    found = {
        form: {place for place in range(len(table.labels)) if _reads(date_reader(form), table.column(place))}
        for form in _DATES
    }
    best = max(_DATES, key=lambda form: len(found[form]))
    unsure = bool(found[best]) and any(found[form] == found[best] for form in _DATES if form != best)
    return best, found[best], unsure


def _numbers(table: _Table, dates: set[int]) -> str:
    """Return the form that reads most columns; the first of those that read as many."""
    columns = [
        cells
        for place in range(len(table.labels))
        if place not in dates and (cells := table.column(place)) and all(map(_NUMBERISH.fullmatch, cells))
    ]
    return max(NUMBERS, key=lambda form: sum(_reads(amount_reader(*NUMBERS[form]), cells) for cells in columns))


def _columns(table: _Table, dates: set[int]) -> dict[str, str]:
    lower = {label.lower(): label for label in reversed(table.labels)}
    found = {ours: next((lower[one] for one in headings if one in lower), "") for ours, headings in _HEADINGS.items()}
    if not found["txn_date"] and dates:
        found["txn_date"] = table.labels[min(dates)]
    return {ours: label for ours, label in found.items() if label}


def _key(table: _Table) -> list[str]:
    lower = {label.lower(): place for place, label in reversed(list(enumerate(table.labels)))}
    known = [tuple(lower[one] for one in names) for names in _KEYS if all(one in lower for one in names)]
    others = [(place,) for place, label in enumerate(table.labels) if _ID.search(label)]
    for places in (*known, *others):
        keys = {tuple(row[place].strip() for place in places) for row in table.rows}
        if table.rows and len(keys) == len(table.rows) and all(any(key) for key in keys):
            return [table.labels[place] for place in places]
    return []


def _stem(last: str) -> str:
    return re.sub(r"(\.csv|\.txt|\.tsv)?(\.gz)?$", "", last, flags=re.IGNORECASE)


def _name(last: str) -> str:
    words = re.sub(r"[0-9]+[tz]?[0-9]*z?", " ", _stem(last).lower())
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")[:40].lstrip("0123456789_") or "feed"


def _pattern(last: str) -> str:
    """Return a pattern of the name's own kind: what changes from file to file is its digits."""
    stem = re.sub(r"[0-9][0-9TtZz:_-]*[0-9TtZz]|[0-9]", "*", _stem(last))
    return re.sub(r"\*+", "*", f"{stem}{last[len(_stem(last)) :]}") if last else ""
