"""The rules of a .FIL file: text between tabs, nothing quoted, sorted by its key, the same bytes for the same input.

A line ends with CR LF. The far side has no way to escape, so a tab, a line end or any other control character inside a
value becomes one space, and is counted. What the encoding cannot hold is never replaced by a question mark: the record
is refused with the character. Text that looks like a formula stays as it is, since no spreadsheet reads it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from io import BytesIO
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Literal

Encoding = Literal["utf-8", "cp1252"]

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,30}")
_STEM = re.compile(r"[a-z0-9_-]{1,40}")
#: What a reader may take for the end of a value, a line or the file (Ctrl-Z), or for a mark at its beginning.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
#: A key of digits stands where its number does.
_NUMBER = re.compile(r"0|[1-9][0-9]{0,30}")
#: bytes of rows that are held before they are sorted and put aside
_HELD = 32_000_000
_LINES_AT_ONCE = 1000
_LARGEST = 1_000_000_000


class RowRefused(ValueError):  # noqa: N818 - what happened to the row
    """A record that cannot be in the file; nothing of it was taken."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class FilError(ValueError):
    """A file that is none; `line` and `column` (the value's place in its line) count from 1, 0 is the file itself."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        place = f"line {line}, column {column}: " if column else f"line {line}: " if line else ""
        super().__init__(f"{place}{reason}")
        self.line = line
        self.column = column
        self.reason = reason


class Longer(StrEnum):
    """What happens to a value that is longer than its column."""

    REFUSE = "refuse"
    #: what does not fit is cut off, and counted
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file; its width is in characters, 0 for any."""

    name: str
    width: int = 0
    longer: Longer = Longer.REFUSE

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not the name of a column: {self.name!r}")


@dataclass(frozen=True, slots=True)
class FilRules:
    """How the far side wants its files."""

    encoding: Encoding = "utf-8"
    header: bool = True
    upper_extension: bool = False

    def __post_init__(self) -> None:
        if self.encoding not in {"utf-8", "cp1252"}:
            raise ValueError(f"not an encoding of these files: {self.encoding!r}")

    def file_name(self, stem: str) -> str:
        """Return the name of a file: ``customer.fil`` or ``customer.FIL``."""
        if not _STEM.fullmatch(stem):
            raise ValueError(f"not the name of a file: {stem!r}")
        return f"{stem}.{'FIL' if self.upper_extension else 'fil'}"


@dataclass(frozen=True, slots=True)
class Written:
    """What a file came to."""

    rows: int
    size: int
    sha256: str
    #: tabs, line ends and other control characters inside values that became a space
    replaced: int = 0
    #: column -> values that were cut to its width
    cut: Mapping[str, int] = field(default_factory=dict)


class FilWriter:
    """Takes rows in any order and writes them in that of their key when it is closed.

    Little is held at once: what is more than that is sorted and put aside in a file that has no name.
    """

    def __init__(
        self,
        out: IO[bytes],
        rules: FilRules,
        columns: Sequence[Column],
        keys: Sequence[str],
        *,
        spool: Callable[[], IO[bytes]] = TemporaryFile,
        held: int = _HELD,
    ) -> None:
        names = [column.name for column in columns]
        if len(set(names)) != len(names) or not names:
            raise ValueError("a file has columns, each of them once")
        self._out = out
        self._rules = rules
        self._columns = tuple(columns)
        self._keys = tuple(names.index(key) for key in keys)
        self._narrow = tuple((place, column.width) for place, column in enumerate(columns) if column.width)
        self._spool = spool
        self._most = held
        self._rows: list[bytes] = []
        self._size = 0
        #: bytes of all rows so far, with what they are sorted by: nobody else bounds what a mapping makes of a record
        self.taken = 0
        self._runs: list[IO[bytes]] = []
        self._seen: set[bytes] = set()
        self._replaced = 0
        self._cut: Counter[str] = Counter()

    def row(self, values: Sequence[str]) -> None:
        """Take a record of one row; RowRefused when it cannot be in the file."""
        self.record((values,))

    def record(self, rows: Sequence[Sequence[str]]) -> None:
        """Take all rows of a record, or none of them: RowRefused when one cannot be in the file."""
        made: list[bytes] = []
        places: list[bytes] = []
        replaced, cut = 0, Counter[str]()
        for values in rows:
            if len(values) != len(self._columns):
                raise ValueError(f"{len(values)} values for {len(self._columns)} columns")
            if not "".join(values).isprintable():
                values, count = self._cleaned(values)  # noqa: PLW2901 - the same row, as it may stand in the file
                replaced += count
            for place, width in self._narrow:
                if len(values[place]) > width:
                    values = self._fitted(values, cut)  # noqa: PLW2901 - the same row, as it fits
                    break
            try:
                line = "\t".join(values).encode(self._rules.encoding)
            except UnicodeEncodeError:
                raise self._unmappable(values) from None
            order = b"\x01".join([_order(values[place]) for place in self._keys])
            if order in self._seen or order in places:
                raise RowRefused(self._columns[self._keys[0]].name, f"another row has the key {self._key(values)}")
            places.append(order)
            made.append(b"%b\x00%b\r\n" % (order, line))
        self._seen.update(places)
        self._rows += made
        self._replaced += replaced
        self._cut += cut
        size = sum(map(len, made))
        self._size += size
        self.taken += size
        if self._size > self._most:
            self._put_aside()

    def close(self) -> Written:
        """Write the file and say what it came to."""
        digest, size, count = hashlib.sha256(), 0, 0
        lines = self._sorted()
        if self._rules.header:
            header = "\t".join(column.name for column in self._columns).encode(self._rules.encoding)
            size += _put(self._out, digest, header + b"\r\n")
        while block := list(islice(lines, _LINES_AT_ONCE)):
            size += _put(self._out, digest, b"".join([row[row.index(b"\x00") + 1 :] for row in block]))
            count += len(block)
        for run in self._runs:
            run.close()
        self._rows, self._runs, self._seen = [], [], set()
        return Written(count, size, digest.hexdigest(), self._replaced, dict(sorted(self._cut.items())))

    def _put_aside(self) -> None:
        run = self._spool()
        run.writelines(sorted(self._rows))
        run.seek(0)
        self._runs.append(run)
        self._rows, self._size = [], 0

    def _sorted(self) -> Iterator[bytes]:
        self._rows.sort()
        return iter(self._rows) if not self._runs else merge(*self._runs, self._rows)

    def _cleaned(self, values: Sequence[str]) -> tuple[Sequence[str], int]:
        made = [_CONTROLS.subn(" ", value) for value in values]
        return [value for value, _ in made], sum(count for _, count in made)

    def _fitted(self, values: Sequence[str], cut: "Counter[str]") -> Sequence[str]:
        fitted = list(values)
        for place, width in self._narrow:
            column = self._columns[place]
            if len(fitted[place]) > width:
                if column.longer is Longer.REFUSE or place in self._keys:
                    reason = f"has {len(fitted[place])} characters, and {width} are the most"
                    raise RowRefused(column.name, reason)
                fitted[place] = fitted[place][:width].rstrip()
                cut[column.name] += 1
        return fitted

    def _unmappable(self, values: Sequence[str]) -> RowRefused:
        for column, value in zip(self._columns, values, strict=True):
            for place, character in enumerate(value, 1):
                try:
                    character.encode(self._rules.encoding)
                except UnicodeEncodeError:
                    shown = (
                        f"{character} (U+{ord(character):04X})"
                        if character.isprintable()
                        else f"U+{ord(character):04X}"
                    )
                    reason = (
                        f"holds {shown} as character {place}, which the file's encoding {self._rules.encoding} has not"
                    )
                    return RowRefused(column.name, reason)
        raise AssertionError("each character has a place")

    def _key(self, values: Sequence[str]) -> str:
        return ", ".join(values[place] for place in self._keys)


class FilLook(FilWriter):
    """Says how rows would stand in a file that nobody writes; the same key twice is told as in a file."""

    def __init__(self, rules: FilRules, columns: Sequence[Column], keys: Sequence[str]) -> None:
        super().__init__(BytesIO(), rules, columns, keys)

    def stands(self, rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        """Return all rows of a record as they would stand there (RowRefused)."""
        self.record(rows)
        self._rows.clear()
        self._size = 0
        cleaned = (values if "".join(values).isprintable() else self._cleaned(values)[0] for values in rows)
        return tuple(tuple(self._fitted(values, Counter())) for values in cleaned)


def _order(part: str) -> bytes:
    """Return what a key is sorted by: numbers first, by their size, then text by its characters."""
    if _NUMBER.fullmatch(part):
        return b"0%02d%b" % (len(part), part.encode())
    return b"1" + part.encode("utf-8", "surrogatepass")


def _put(out: IO[bytes], digest: "hashlib._Hash", block: bytes) -> int:
    out.write(block)
    digest.update(block)
    return len(block)


def read_fil(
    data: bytes, rules: FilRules, columns: Sequence[str] | None = None, *, largest: int = _LARGEST
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names and the rows of a file; FilError with line and column where it keeps a rule not.

    With `columns`, the header must be these; a file without a header needs them.
    """
    if len(data) > largest:
        raise FilError(0, 0, f"the file has {len(data)} bytes, and {largest} are the most")
    text = _decoded(data, rules.encoding)
    lines = _lines(text)
    if not rules.header:
        if columns is None:
            raise ValueError("a file without a header needs to be told its columns")
        return tuple(columns), list(_values(lines, columns, 1))
    if not lines:
        raise FilError(1, 0, "the file is empty, and should begin with the names of its columns")
    names = _header(lines[0], columns)
    return names, list(_values(lines[1:], names, 2))


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        start = before.rfind(b"\n") + 1
        column = before.count(b"\t", start) + 1
        raise FilError(before.count(b"\n") + 1, column, f"the byte {data[error.start]:#04x} is no {encoding}") from None
    if text.startswith("\ufeff"):
        raise FilError(1, 1, "the file begins with a byte order mark")
    return text


def _lines(text: str) -> list[str]:
    lines = text.split("\r\n")
    if lines[-1]:
        number = len(lines)
        bad = _bad(lines[-1], number)
        raise bad or FilError(number, 0, "the last line does not end: the file may be cut off")
    lines.pop()
    if _CONTROLS.search(text.replace("\r\n", "").replace("\t", "")):
        raise next(bad for number, line in enumerate(lines, 1) if (bad := _bad(line, number)))
    return lines


def _bad(line: str, number: int) -> FilError | None:
    for column, value in enumerate(line.split("\t"), 1):
        found = _CONTROLS.search(value)
        if found:
            name = {"\r": "a CR without LF", "\n": "an LF without CR", "\x1a": "Ctrl-Z"}.get(found[0][0])
            return FilError(number, column, f"holds {name or f'the control character U+{ord(found[0][0]):04X}'}")
    return None


def _header(line: str, wanted: Sequence[str] | None) -> tuple[str, ...]:
    names = tuple(line.split("\t"))
    for column, name in enumerate(names, 1):
        if not _NAME.fullmatch(name):
            raise FilError(1, column, f"not the name of a column: {name[:40]!r}")
        if name in names[: column - 1]:
            raise FilError(1, column, f"a second column {name}")
    if wanted is not None and names != tuple(wanted):
        place = next((n for n, pair in enumerate(zip(names, wanted, strict=False)) if pair[0] != pair[1]), None)
        column = min(len(names), len(wanted)) + 1 if place is None else place + 1
        there = names[column - 1] if column <= len(names) else "nothing"
        should = wanted[column - 1] if column <= len(wanted) else "nothing"
        raise FilError(1, column, f"the header has {there} where {should} should be")
    return names


def _values(lines: Iterable[str], names: Sequence[str], first: int) -> Iterator[tuple[str, ...]]:
    for number, line in enumerate(lines, first):
        values = tuple(line.split("\t"))
        if len(values) != len(names):
            column = min(len(values), len(names)) + 1
            raise FilError(number, column, f"{len(values)} values, and there are {len(names)} columns")
        yield values
