"""Definitions become questions over the lake: our SQL, their ids as parameters, all metrics of a dataset in one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobs.metrics import summing
from jobs.metrics.currencies import not_added
from jobs.metrics.datasets import Table, narrowed, opened, records_of, shared_by, tables
from jobs.metrics.periods import grain
from jobs.metrics.summing import FILTERS, Choice
from jobs.metrics.values import Input, Sums
from storage.facts.metrics import Calculation, Dataset, Definition, ItemKind, Selection

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

_READ = re.compile(r"\bready_[a-z0-9_]+\b")
#: what can be narrowed to, and the list of all of them
_LISTS = {"class_id": "classes", "department_id": "departments", "customer_id": "customers"}
_LEDGER = frozenset({Dataset.ACCOUNTS, Dataset.CATEGORIES})


@dataclass(frozen=True, slots=True)
class Side:
    """One selection of one definition: the first, or what a ratio is divided by."""

    definition: Definition
    selection: Selection

    @property
    def table(self) -> Table | None:
        """What it is calculated from; None for a combination that there is not."""
        one, basis = self.selection, self.definition.basis
        if not self.narrowed:
            return tables().get((one.dataset, basis))
        return narrowed(one.dataset, basis, frozenset(name for name in FILTERS if getattr(one, name)))

    @property
    def narrowed(self) -> bool:
        """Whether it is of a class, department or customer alone."""
        return bool(self.selection.class_id or self.selection.department_id or self.selection.customer_id)

    @property
    def of_department(self) -> bool:
        """Whether it is narrowed to a department where that is asked for apart."""
        return self.selection.dataset is Dataset.ITEMS and bool(self.selection.department_id)

    @property
    def standing(self) -> bool:
        """Whether balances of accounts are asked for."""
        return self.definition.calculation is Calculation.END_BALANCE and self.selection.dataset in _LEDGER


@dataclass(frozen=True, slots=True)
class Answered:
    """What the lake holds for one side."""

    #: None: the item that was chosen is not there any more
    input: Input | None
    #: the instant at which rows that are read once a day were last another; None where that is not so
    read_at: datetime | None = None
    #: nothing of the dataset is imported yet
    empty: bool = False
    #: why nothing is known though something is imported, in words
    unknown: str = ""
    #: what it is narrowed to and is not there any more: ``class_id`` …; empty: all of it is
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What all records of a group stood on when they were added up."""

    #: another text as soon as the members are others, the first day, or what is in every record
    stands: str
    #: the only currency there was; empty: none, and no single one where there are several
    currency: str


def sides_of(definition: Definition) -> list[Side]:
    """Return what a definition selects."""
    both = (definition.selection, *((definition.divisor,) if definition.divisor else ()))
    return [Side(definition, one) for one in both]


class Compiled:
    """The questions of many definitions, and what their answers mean."""

    def __init__(self, source_id: str, sides: Sequence[Side]) -> None:
        self._source_id = source_id
        self._sides = list(sides)
        #: sides of which the records are the same are answered together
        self._groups: dict[tuple[str, str, str], Group] = {}
        #: and groups of which the records that move are the same are read together
        self._scans: dict[tuple[str, str], Scan] = {}
        for number, side in enumerate(self._sides):
            table = side.table
            if table is None:
                raise ValueError(f"not calculated: {side.selection.dataset} on the {side.definition.basis} basis")
            moving = records_of(table, standing=False, of_department=side.of_department)
            records = records_of(table, standing=side.standing, of_department=side.of_department)
            key = (table.members, records, table.since)
            scan = self._scans.setdefault((table.members, moving), Scan(f"s{len(self._scans)}", table, moving))
            group = self._groups.setdefault(key, Group(f"g{len(self._groups)}", scan, table, records, side.standing))
            if group not in scan.groups:
                scan.groups.append(group)
            group.take(number, choice_of(side))

    def scans(self) -> "list[Scan]":
        """Return the groups of sides that are answered together, by what is read together."""
        return list(self._scans.values())

    def questions(self) -> "list[Question]":
        """Return the questions: what is read; then of each group steps to its sums, its days, what it stands on."""
        return [*self._reading(), *self._of_groups(), *there(self._source_id, self._sides)]

    def _reading(self) -> "list[Question]":
        return [question for scan in self._scans.values() for question in scan.questions(self._source_id)]

    def _of_groups(self) -> "list[Question]":
        return [question for group in self._groups.values() for question in group.questions(self._source_id)]

    def answers(self, found: Sequence[Sequence[Sequence[Any]]]) -> list[Answered]:
        """Return what each side came to, in their order."""
        answered: dict[int, Answered] = {}
        for group, said in self._each(found):
            answered |= group.answers(*said[-_LAST:-2])
        lost = lost_of(self._sides, found[len(self._reading()) + len(self._of_groups()) :])
        return [replace(answered[number], lost=one) for number, one in enumerate(lost)]

    def marks(self, found: Sequence[Sequence[Sequence[Any]]]) -> dict[str, Mark]:
        """Return what each group of records stands on; none of what is not imported."""
        return {group.key: mark for group, said in self._each(found) if (mark := group.mark(said)) is not None}

    def _each(self, found: Sequence[Sequence[Sequence[Any]]]) -> "Iterator[tuple[Group, list[Any]]]":
        rest = iter(found[len(self._reading()) :])
        for group in self._groups.values():
            yield group, list(islice(rest, len(group.questions(self._source_id))))


#: the answers that end those of a group: days, what there is, sums, when it was read, what it stands on, currencies
_LAST = 6


@dataclass(eq=False)
class Scan:
    """Groups of which the members and the records that move are the same: these are read once for all of them."""

    name: str
    table: Table
    #: the records without what stood before them
    moving: str
    groups: "list[Group]" = field(default_factory=list)

    @property
    def needs(self) -> tuple[str, ...]:
        """The tables that it reads, and columns that they may lack."""
        return (*needs_of(f"{self.table.members} {self.moving}"), *self.table.columns)

    @property
    def choices(self) -> list[Choice]:
        """What is asked for by its groups, one after the other."""
        return [choice for group in self.groups for choice in group.choices]

    def questions(self, source_id: str) -> "list[Question]":
        """Return the questions that keep what is chosen, and the records by item and day."""
        from storage.warehouse.apart import Question

        steps = summing.members(self.name, self.table.members), self.by_day()
        return [Question(step.sql, (source_id, *step.asked), self.needs, step.name) for step in steps]

    def by_day(self, *, name: str = "", records: str = "", alike: str = "") -> "summing.Step":
        """Return the step that keeps the records by item and day; with a name, others like them under that."""
        table, name, records = self.table, name or self.name, records or self.moving
        return summing.by_day(name, table.members, records, self.choices, alike=alike, both=table.both)


@dataclass(eq=False)
class Group:
    """Sides of which the members and the records are the same."""

    name: str
    scan: Scan
    table: Table
    records: str
    standing: bool
    #: what is asked for -> its number
    choices: dict[Choice, int] = field(default_factory=dict)
    #: number of the side -> that of its choice
    sides: dict[int, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Stands for the SQL: another text of ours is another group."""
        table = self.table
        return sha256(repr((table.members, self.records, table.since, table.shared)).encode()).hexdigest()[:20]

    @property
    def needs(self) -> tuple[str, ...]:
        """The tables that it reads, and columns that they may lack."""
        return (*needs_of(f"{self.table.members} {self.records}"), *self.table.columns)

    def take(self, number: int, choice: Choice) -> None:
        """Let a side be answered by this group."""
        self.sides[number] = self.choices.setdefault(choice, len(self.choices))

    @property
    def days(self) -> list[str]:
        """Under which names its records are kept by item and day."""
        return [self.scan.name, *([f"{self.name}_opened"] if self.standing else [])]

    def opened(self, *, alike: str = "") -> "list[summing.Step]":
        """Return the step that keeps where accounts stood before the first posting, for balances."""
        name, members, choices = f"{self.name}_opened", self.table.members, self.scan.choices
        return [summing.by_day(name, members, opened(), choices, alike=alike)] if self.standing else []

    def questions(self, source_id: str) -> "list[Question]":
        """Return all questions: first those that keep something for the others."""
        from storage.warehouse.apart import Question

        choices, needs, asked = list(self.choices), self.needs, summing.parameters(self.choices)
        return [
            *(Question(step.sql, (source_id, *step.asked), needs, step.name) for step in self.opened()),
            *(Question(step.sql, (), needs, step.name) for step in summing.by_grain(self.name, self.days, choices)),
            Question(self.table.since, (source_id,), (*needs_of(self.table.since), *self.table.columns)),
            Question(summing.there(self.scan.name), asked, needs),
            Question(summing.sums(self.scan.name, choices, of=self.name), asked, needs),
            self.read_at(source_id),
            self.stands(source_id),
            Question(summing.currencies(self.days), (), needs),
        ]

    def read_at(self, source_id: str) -> "Question":
        """Return the question when what is read once a day was another last: rows that are the same keep theirs."""
        from storage.warehouse.apart import Question

        if not self.table.daily:
            # Asked of nothing.
            return Question("SELECT NULL WHERE false", needs=("",))
        raw = f"raw_quickbooks_{self.table.daily}"
        at = f"SELECT max(epoch_us(_extracted_at)) FROM {raw} WHERE _source = $1"  # noqa: S608 - names of ours
        return Question(at, (source_id,), (raw,))

    def stands(self, source_id: str) -> "Question":
        """Return the question what all records stand on."""
        from storage.warehouse.apart import Question

        shared = shared_by(self.table, standing=self.standing)
        sql = summing.stands(self.scan.name, self.table.members, shared)
        return Question(sql, (source_id,) if "$1" in sql else (), tuple(sorted({*self.needs, *needs_of(sql)})))

    def answers(
        self,
        span: Sequence[Sequence[Any]],
        known: Sequence[Sequence[Any]],
        sums: Sequence[Sequence[Any]],
        read: Sequence[Sequence[Any]],
    ) -> dict[int, Answered]:
        """Return what each side came to, by its days, the choices there are, the sums, and when it was read."""
        at = _instant(read[0][0]) if read else None
        since, until = span[0] if span else (None, None)
        if since is None:
            return dict.fromkeys(self.sides, Answered(None, at, empty=True, unknown=self.table.unknown))
        rows: dict[int, list[Sequence[Any]]] = {}
        there = {int(row[0]) for row in known}
        for row in sums:
            rows.setdefault(int(row[0]), []).append(row)
        days = date.fromisoformat(str(since)), date.fromisoformat(str(until))
        made = {one: Answered(_input(self.table, *days, rows.get(one, [])), at) for one in there}
        return {number: made.get(choice, Answered(None, at)) for number, choice in self.sides.items()}

    def mark(self, found: Sequence[Sequence[Sequence[Any]]]) -> Mark | None:
        """Return what its records stand on; None when there is nothing, or amounts are in several currencies."""
        span, _, _, _, stands, currencies = found[-_LAST:]
        codes = {code for row in currencies for code in row if code}
        if not span or span[0][0] is None or not stands or len(codes) > 1:
            return None
        return Mark(self.print_of(span, stands), next(iter(codes), ""))

    def print_of(self, span: Sequence[Sequence[Any]], stands: Sequence[Sequence[Any]]) -> str:
        """Return a text that is another as soon as anything is on which all records stand."""
        since, until = map(str, span[0])
        return f"{since} {until[:7] if self.table.monthly else ''} {stands[0][0]}"


def there(source_id: str, sides: Sequence[Side]) -> "list[Question]":
    """Return the questions which classes, departments and customers there still are that sides are narrowed to.

    An empty text says that the list itself is there: of one that was never read nothing is known.
    """
    from storage.warehouse.apart import Question

    made = []
    for name in _narrowed(sides):
        table = f"ready_quickbooks_{_LISTS[name]}"
        keys = sorted({getattr(side.selection, name) for side in sides} - {""})
        known = f"SELECT {name} AS key FROM {table} WHERE _source = $1 AND {name} IN (SELECT unnest($2::VARCHAR[]))"  # noqa: S608 - names of ours
        made.append(Question(f"SELECT '' AS key UNION ALL {known}", (source_id, keys), (table,)))
    return made


def lost_of(sides: Sequence[Side], found: Sequence[Sequence[Sequence[Any]]]) -> list[str]:
    """Return for each side what it is narrowed to and is not there any more, by the answers to `there`."""
    known = {name: {row[0] for row in rows} for name, rows in zip(_narrowed(sides), found, strict=True)}

    def gone(side: Side, name: str) -> bool:
        key = getattr(side.selection, name)
        return bool(key and known[name] and key not in known[name])

    return [next((name for name in known if gone(side, name)), "") for side in sides]


def _narrowed(sides: Sequence[Side]) -> list[str]:
    return [name for name in _LISTS if any(getattr(side.selection, name) for side in sides)]


def choice_of(side: Side) -> Choice:
    """Return what a side asks for, as the lake is asked."""
    one = side.selection
    return Choice(
        _kind(one), one.item, grain(side.definition.frequency), one.class_id, one.department_id, one.customer_id
    )


def _kind(selection: Selection) -> str:
    """Return the word by which the members of a choice are found."""
    with_more = selection.kind in {ItemKind.ACCOUNT, ItemKind.ITEM, ItemKind.CUSTOMER}
    if selection.kind is ItemKind.ALL and selection.dataset in {Dataset.REVENUE, Dataset.EXPENSES}:
        return f"all {selection.dataset.value}"
    return f"{selection.kind.value} below" if with_more and selection.below else selection.kind.value


def needs_of(sql: str) -> tuple[str, ...]:
    """Return the ready tables that a question reads."""
    return tuple(sorted(set(_READ.findall(sql))))


def _input(table: Table, since: date, until: date, rows: Sequence[Sequence[Any]]) -> Input:
    currencies = {code for row in rows for code in row[5:7] if code}
    if len(currencies) > 1:
        return Input({}, since, refused=not_added(currencies))
    sums = {
        date.fromisoformat(start): Sums(Decimal(total or 0), int(count or 0), int(missing))
        for _, start, total, count, missing, *_ in rows
        if start is not None
    }
    last = until.replace(day=1) if table.monthly else None
    undated = sum(int(row[7]) for row in rows)
    return Input(sums, since, whole=table.whole, currency=next(iter(currencies), ""), until=last, undated=undated)


def _instant(microseconds: Any) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(int(microseconds) / 1_000_000, UTC)
