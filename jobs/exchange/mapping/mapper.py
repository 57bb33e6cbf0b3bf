"""Turns records into rows. A mapping is compiled once; a record is then mapped, left out, or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jobs.exchange.mapping.compiling import Compiled, Scope, Write, compiled, writer
from jobs.exchange.mapping.numbers import plain
from jobs.exchange.mapping.problems import MappingError, NotAllowed, RecordProblem, SkipRecord
from jobs.exchange.mapping.profile import ColumnMapping, Control, PairMapping, Rows
from jobs.exchange.mapping.results import Inputs, Mapped, Rejected, Result, Skipped
from jobs.exchange.mapping.rows import MOST_LINES, Ask, Row, walk
from jobs.exchange.mapping.values import Kind, as_flag, as_text

#: of all rows of one record: each cell has its own bound, and nobody else bounds how many there are
MOST_SIGNS = 20_000_000
#: where something is wrong -> what
Wrong = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    write: Write
    of_line: bool


@dataclass(frozen=True, slots=True)
class _Lines:
    rows: Rows
    where: Ask | None
    none_when: Ask | None


class _Made:
    """A pair, compiled, with everything that was wrong."""

    def __init__(self, pair: PairMapping) -> None:
        self.wrong: list[Wrong] = []
        self.inputs: set[str] = set()
        self.pair = pair
        base = Scope(pair.fields, {}, pair.tables, frozenset(pair.declared_inputs))
        values = {name: made for name, text in pair.values.items() if (made := self._expression(name, text, base))}
        self._scope = Scope(pair.fields, values, pair.tables, base.inputs)
        self.identity = self._header("identity", pair.identity)
        self.revision = self._header("revision", pair.revision) if pair.revision else None
        self.skips = [(self._header("skip", skip.when), skip.because) for skip in pair.skips]
        self.lines = self._lines_of(pair.rows)
        self.columns = [found for column in pair.columns if (found := self._column(column))]
        self._check_names()

    def _expression(self, place: str, text: str, scope: Scope) -> Compiled | None:
        try:
            made = compiled(text, scope)
        except NotAllowed as problem:
            self.wrong.append((place, str(problem)))
            return None
        self.inputs |= made.inputs
        return made

    def _header(self, place: str, text: str) -> Ask:
        made = self._expression(place, text, self._scope)
        if made is not None and made.of_line:
            self.wrong.append((place, "is the same for all lines, and cannot look at one"))
        return made.ask if made is not None else lambda _: None

    def _lines_of(self, rows: Rows | None) -> _Lines | None:
        if rows is None:
            return None
        where = self._expression("rows where", rows.where, self._scope) if rows.where else None
        none_when = self._header("rows none_when", rows.none_when) if rows.none_when else None
        return _Lines(rows, where.ask if where else None, none_when)

    def _column(self, column: ColumnMapping) -> _Column | None:
        made = self._expression(column.name, column.source, self._scope)
        if made is None:
            return None
        if made.of_line and self.pair.rows is None:
            self.wrong.append((column.name, "looks at a line, and the rows of this pair have none"))
        try:
            write = writer(made, column.kind, self._scope)
        except RecordProblem as problem:
            self.wrong.append((column.name, str(problem)))
            return None
        return _Column(column.name, _required(write) if column.required else write, made.of_line)

    def _check_names(self) -> None:
        names = [column.name for column in self.pair.columns]
        if not self.pair.keys:
            self.wrong.append(("keys", "a file is sorted by at least one column"))
        control = self.pair.control
        controlled = (control.sum, control.total, *control.plus, *control.minus) if control else ()
        for place, wanted in (("keys", self.pair.keys), ("control", controlled)):
            self.wrong += [(place, f"there is no column {name[:60]}") for name in wanted if name not in names]
        for name in controlled:
            column = self.pair.column(name)
            if column is not None and column.kind not in {Kind.MONEY, Kind.NUMBER}:
                self.wrong.append(("control", f"{name} is no amount"))


def check(pair: PairMapping) -> tuple[list[Wrong], set[str]]:
    """Return what is wrong with a pair, with its place, and the tables that it needs from outside."""
    made = _Made(pair)
    return made.wrong, made.inputs


def _required(write: Write) -> Write:
    def text(row: Row) -> str:
        written = write(row)
        if not written:
            raise RecordProblem("is blank, and a record needs it")
        return written

    return text


class Mapper:
    """Maps the records of one pair. Make one for a run: it compiles once, and holds what is looked up.

    `most` is how many characters all rows of one record may have together.
    """

    def __init__(self, pair: PairMapping, inputs: Inputs | None = None, *, most: int = MOST_SIGNS) -> None:
        made = _Made(pair)
        tables: Mapping[str, Mapping[str, object]] = inputs.tables if inputs else {}
        missing = sorted(made.inputs - set(tables))
        wrong = [f"{pair.name} {place}: {text}" for place, text in made.wrong]
        wrong += [f"{pair.name}: it looks things up in {name}, which was not given" for name in missing]
        if wrong:
            raise MappingError(wrong)
        self._made = made
        self._inputs = tables
        self._most = most
        self._writers = [column.write for column in made.columns]
        #: columns that are the same for all lines, and those that are not, with their places
        self._of_line = [(place, column.write) for place, column in enumerate(made.columns) if column.of_line]
        self._header = [
            (lambda _: "") if column.of_line else column.write for column in made.columns
        ]  # fmt: skip

    def map(self, record: dict[str, Any], *, deleted: bool = False) -> Result:
        """Return what becomes of a record: QuickBooks' own fields, with numbers as Decimal."""
        row = Row(record, self._inputs, deleted=deleted)
        key, place = "", "key"
        try:
            key = as_text(self._made.identity(row))
            if not key:
                return Rejected("", self._made.pair.keys[0], "the record has no key")
            revision = as_text(self._made.revision(row)) if self._made.revision else ""
            place = "skip"
            for when, because in self._made.skips:
                if as_flag(when(row)):
                    return Skipped(key, because)
            place = "rows"
            lines = self._made.lines
            if lines is not None:
                return self._with_lines(row, key, revision, lines)
            rows = (tuple([write(row) for write in self._writers]),)
        except SkipRecord as skipped:
            return Skipped(key, str(skipped))
        except RecordProblem as problem:
            return self._refused(row, key, place, problem)
        return Mapped(key, revision, rows)

    def named(self, row: tuple[str, ...]) -> dict[str, str]:
        """Return a row by the names of its columns."""
        return dict(zip((column.name for column in self._made.columns), row, strict=True))

    def _with_lines(self, row: Row, key: str, revision: str, lines: _Lines) -> Result:
        header = [write(row) for write in self._header]
        made: list[tuple[str, ...]] = []
        signs = 0
        if lines.none_when is None or not as_flag(lines.none_when(row)):
            for line in _lines_in(row.record, lines.rows):
                row.line = line
                if lines.where is not None and not as_flag(lines.where(row)):
                    continue
                row.number = len(made) + 1
                values = header.copy()
                for place, write in self._of_line:
                    values[place] = write(row)
                made.append(tuple(values))
                signs += sum(map(len, values))
                if signs > self._most:
                    raise RecordProblem(f"its rows come to more than {self._most:,} characters")
        mapped = Mapped(key, revision, tuple(made) or (tuple(header),))
        return self._controlled(mapped) or mapped

    def _controlled(self, mapped: Mapped) -> Rejected | None:
        control = self._made.pair.control
        if control is None:
            return None
        found = [self.named(row) for row in mapped.rows]
        lines = sum((_amount(row[control.sum]) for row in found), Decimal(0))
        first = found[0]
        come_to = (
            lines
            + sum(_amount(first[name]) for name in control.plus)
            - sum(_amount(first[name]) for name in control.minus)
        )
        total = _amount(first[control.total])
        if come_to == total:
            return None
        return Rejected(mapped.key, control.total, _disagreeing(control, lines, first, come_to, total), control=True)

    def _refused(self, row: Row, key: str, place: str, problem: RecordProblem) -> Result:
        """Find the column that the problem is in: asked again one by one, they say the same."""
        if place != "rows":
            return Rejected(key, self._made.pair.keys[0] if place == "key" else place, str(problem))
        for number, column in enumerate(self._made.columns):
            try:
                (column.write if row.number else self._header[number])(row)
            except RecordProblem as found:
                line = f" (line {row.number})" if row.number and column.of_line else ""
                return Rejected(key, column.name, f"{found}{line}")
            except SkipRecord as skipped:
                return Skipped(key, str(skipped))
        return Rejected(key, place, str(problem))


def _lines_in(record: dict[str, Any], rows: Rows) -> Iterator[dict[str, Any]]:
    found = walk(record, tuple(rows.each.split(".")))
    inside = tuple(rows.inside.split(".")) if rows.inside else ()
    count = 0
    for each in found if type(found) is list else ():
        if type(each) is not dict:
            continue
        inner = walk(each, inside) if inside else None
        for line in inner if type(inner) is list else (each,):
            count += 1
            if count > MOST_LINES:
                raise RecordProblem(f"the record has more than {MOST_LINES} lines")
            if type(line) is dict:
                yield line


def _amount(text: str) -> Decimal:
    return Decimal(text) if text else Decimal(0)


def _disagreeing(control: Control, lines: Decimal, row: Mapping[str, str], come_to: Decimal, total: Decimal) -> str:
    parts = [f"the lines' {control.sum} come to {plain(lines)}"]
    parts += [f"plus {name} {row[name] or '0'}" for name in control.plus]
    parts += [f"minus {name} {row[name] or '0'}" for name in control.minus]
    return f"{', '.join(parts)}: that is {plain(come_to)}, and {control.total} is {plain(total)}"
