"""Metrics follow what changed: only those whose records did are calculated, of them only the periods it reaches.

What values were calculated from is remembered: the lake's snapshot, and for each group of records a mark of what all of
them stand on (which accounts lie below which, the first day, the currency). While the mark is the same, the rows that
came and went since say which days of which choices are others, the old day of a moved record as well as its new one;
their periods are added up anew from the records, never by adding differences. Where that cannot be known, all is
calculated: a remembered mark that is another, a change of the lake that names no rows, a new definition.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobs.metrics import summing
from jobs.metrics.compiling import Answered, Compiled, Group, Mark, Scan, lost_of, needs_of, sides_of, there
from jobs.metrics.outcomes import Outcome, followed, local_day
from jobs.metrics.touching import months_back
from storage.facts.metrics import Metric, MetricState
from storage.facts.runs import Run

if TYPE_CHECKING:
    from storage.warehouse.apart import Changed, Question

#: grows when the same records come to other values than before, so that all are calculated once
RULES = 1
_READY = re.compile(r"\bready_")


@dataclass(frozen=True, slots=True)
class Base:
    """What the values of a source's metrics were calculated from."""

    snapshot: int = -1
    #: group of records -> its mark
    marks: Mapping[str, Mark] = field(default_factory=dict)


def seen_text(same: str, base: Base) -> str:
    """Return what is remembered; `same` is another as soon as anything is that values depend on."""
    marks = {name: asdict(mark) for name, mark in base.marks.items()}
    return json.dumps({"same": same, "rules": RULES, "snapshot": base.snapshot, "marks": marks})


def read_seen(text: str) -> tuple[str, Base]:
    """Return what was remembered; nothing when it was by other rules, or never."""
    try:
        said = json.loads(text)
        if said["rules"] != RULES:
            return "", Base()
        return said["same"], Base(said["snapshot"], {name: Mark(**mark) for name, mark in said["marks"].items()})
    except (ValueError, KeyError, TypeError):
        return "", Base()


class Following:
    """The questions about what changed for the metrics that can follow, and what their answers mean."""

    def __init__(self, source_id: str, wanted: Sequence[Metric], base: Base, run: Run) -> None:
        self._run = run
        self._base = base
        self._source_id = source_id
        self.metrics = [one for one in wanted if base.marks and not run.older and _may_follow(one)]
        self._sides = [side for metric in self.metrics for side in sides_of(metric.definition)]
        self._of = [metric for metric in self.metrics for _ in sides_of(metric.definition)]
        scans = Compiled(source_id, self._sides).scans()
        for scan in scans:
            scan.groups = [one for one in scan.groups if one.key in base.marks]
        self._scans = [one for one in scans if one.groups]
        groups = {one.name: one for scan in self._scans for one in scan.groups}
        self._place = {side: (name, choice) for name, one in groups.items() for side, choice in one.sides.items()}
        self._groups = [_Changes(one, source_id, base, self._watches(one), groups) for one in groups.values()]

    def questions(self) -> "list[Question | Changed]":
        """Return all questions: first what changed of all groups, then from when on they are needed, and these."""
        return [
            *(question for scan in self._scans for question in _came(scan, self._source_id, self._base)),
            *(question for group in self._groups for question in group.changes()),
            *(group.needed() for group in self._groups),
            *(question for scan in self._scans for question in self._read(scan)),
            *(question for group in self._groups for question in group.reached()),
            *there(self._source_id, self._sides),
        ]

    def _read(self, scan: Scan) -> "list[Question]":
        """Return the questions that keep the records of a scan, from the first day on that any of its groups needs."""
        from storage.warehouse.apart import Question

        mine = [one for one in self._groups if one.scan is scan]
        needs = tuple({need: None for one in mine for need in one.needs})
        first, place = dict[str, int](), 0
        for group in scan.groups:
            first[group.name] = place
            place += len(group.choices)
        alike = summing.alike(scan.name, first)
        wanted = summing.parameters(scan.choices)
        day = scan.by_day(alike=scan.name)
        return [
            Question(alike.sql, wanted, needs, alike.name, tuple(f"made_{name}_needed" for name in first)),
            Question(day.sql, (self._source_id, *day.asked), needs, day.name, (_alike(scan),)),
        ]

    def outcomes(
        self, found: Sequence[Sequence[Sequence[Any]]], kept: Mapping[str, str], cursors: Mapping[str, str]
    ) -> dict[str, Outcome]:
        """Return by id what changed of the metrics that could follow; all others must be calculated whole.

        `kept` is the currency of each metric's values.
        """
        rest = iter(found)
        known = {
            scan.name: all(list(islice(rest, len(_came(scan, self._source_id, self._base))))[: len(_tables(scan))])
            for scan in self._scans
        }
        changes = [list(islice(rest, len(group.changes()))) for group in self._groups]
        skipped = len(self._groups) + sum(len(self._read(scan)) for scan in self._scans)
        rest = islice(rest, skipped, None)
        answered: dict[int, tuple[Answered, frozenset[date]]] = {}
        for group, changed in zip(self._groups, changes, strict=True):
            reached = list(islice(rest, len(group.reached())))
            if known[group.scan.name]:
                answered |= group.answers(changed, reached)
        # What lost its class, department or customer is looked at as a whole, which says so.
        lost = lost_of(self._sides, list(rest))
        answered = {number: one for number, one in answered.items() if not lost[number]}
        place, made = 0, dict[str, Outcome]()
        for metric in self.metrics:
            sides = sides_of(metric.definition)
            numbers = range(place, place + len(sides))
            place += len(sides)
            if not all(number in answered for number in numbers):
                continue
            days = frozenset[date]().union(*(answered[number][1] for number in numbers))
            pairs = [(side, answered[number][0]) for side, number in zip(sides, numbers, strict=True)]
            outcome = followed(metric, pairs, days, kept.get(metric.id), self._run, cursors)
            if outcome is not None:
                made[metric.id] = outcome
        return made

    def marks(self) -> dict[str, Mark]:
        """Return the marks of the groups that were found to be as they were; of all others nothing is remembered."""
        return {group.key: self._base.marks[group.key] for group in self._groups if group.as_before}

    def _watches(self, group: Group) -> list["_Watch"]:
        """Return what the choices of a group follow: their own changes, and a ratio those of its other side."""
        at, found = self._run.clocks.source_as_of, list[_Watch]()
        for side, choice in group.sides.items():
            metric = self._of[side]
            months, moved = months_back(metric.definition), _moved(metric, at)
            both = (
                (place for place, owner in enumerate(self._of) if owner is metric)
                if metric.definition.divisor
                else [side]
            )
            found += [_Watch(choice, *self._place[one], months, moved) for one in both if one in self._place]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Watch:
    """A choice whose records are needed because of what changed of a choice: itself, or a ratio's other side."""

    choice: int
    #: of that group
    group: str
    of: int
    #: so many months before a change
    months: int
    #: from that day on in any case: it was today then, and is not now
    moved: date | None


def _moved(metric: Metric, at: datetime | None) -> date | None:
    zone = metric.definition.zone
    if metric.as_of is None or at is None:
        return None
    then = local_day(metric.as_of, zone)
    return then if local_day(at, zone) > then else None


def _may_follow(metric: Metric) -> bool:
    """Whether its values are of its newest definition; what is broken is looked at as a whole."""
    return metric.state is MetricState.CURRENT and metric.calculated_version == metric.version


def _tables(scan: Scan) -> tuple[str, ...]:
    """Return the tables of which the records are."""
    return needs_of(scan.moving)


def _changed(scan: Scan) -> tuple[str, ...]:
    return tuple(f"changed_{one}" for one in _tables(scan))


def _alike(scan: Scan) -> str:
    return f"made_{scan.name}_alike"


def _came(scan: Scan, source_id: str, base: Base) -> "list[Question | Changed]":
    """Return the questions that keep what came and went of a scan's records, by item and day."""
    from storage.warehouse.apart import Changed, Question

    # The same SELECT over the rows that came and went instead of those that are there.
    records = _READY.sub("changed_ready_", scan.moving)
    changed = _changed(scan)
    own = summing.members(scan.name, scan.table.members)
    day = scan.by_day(name=f"{scan.name}t", records=records)
    return [
        *(Changed(one, source_id, base.snapshot) for one in _tables(scan)),
        Question(own.sql, (source_id,), scan.needs, own.name),
        Question(day.sql, (source_id, *day.asked), (*scan.needs, *changed), day.name, changed),
    ]


class _Changes:
    """A group of sides of which the records are the same, and what changed of these."""

    def __init__(
        self,
        group: Group,
        source_id: str,
        base: Base,
        watches: Sequence[_Watch],
        groups: Mapping[str, Group],
    ) -> None:
        self._group = group
        self._source_id = source_id
        self._base = base
        self._watches = watches
        self._watched = sorted({group.name, *(one.group for one in watches)})
        self.scan = group.scan
        #: what it is followed by is there only while all of these are
        self.needs = tuple(
            {need: None for name in self._watched for one in groups[name].scan.groups
             for need in (*one.needs, *_changed(one.scan))}
        )  # fmt: skip
        #: whether the answers said that all records stand on what they stood on
        self.as_before = False

    @property
    def key(self) -> str:
        return self._group.key

    def changes(self) -> "list[Question]":
        """Return the questions which days of which choices are others."""
        from storage.warehouse.apart import Question

        group, choices, new, changed = (
            self._group,
            list(self._group.choices),
            f"{self._group.name}t",
            _changed(self.scan),
        )
        needs = (*self.scan.needs, *changed)
        sums, asked = summing.sums(self.scan.name, choices, of=new), summing.parameters(group.choices)
        days = f"SELECT n, start, undated FROM made_{new}_sums"  # noqa: S608 - names of ours
        return [
            *(
                Question(step.sql, (), needs, step.name, changed)
                for step in summing.by_grain(new, [f"{self.scan.name}t"], choices)
            ),
            Question(sums, asked, needs, f"{new}_sums", changed, summing.NO_SUMS),
            Question(days, (), needs),
            Question(summing.currencies([f"{self.scan.name}t"]), (), needs, rows_in=changed),
        ]

    def needed(self) -> "Question":
        """Return the question that keeps from which day on the records of each choice are needed."""
        from storage.warehouse.apart import Question

        columns = zip(
            *((one.choice, one.group, one.of, one.months, _iso(one.moved)) for one in self._watches), strict=True
        )
        step = summing.needed(self._group.name, self._watched)
        return Question(step.sql, tuple(map(list, columns)), self.needs, step.name)

    def reached(self) -> "list[Question]":
        """Return the questions what the records come to from the first day on that the changes reach."""
        from storage.warehouse.apart import Question

        group, needs, choices, alike = self._group, self.needs, list(self._group.choices), (_alike(self.scan),)
        asked = summing.parameters(group.choices)
        return [
            *(
                Question(step.sql, (self._source_id, *step.asked), needs, step.name, alike)
                for step in group.opened(alike=self.scan.name)
            ),
            *(
                Question(step.sql, (), needs, step.name, alike)
                for step in summing.by_grain(group.name, group.days, choices)
            ),
            Question(group.table.since, (self._source_id,), (*needs_of(group.table.since), *group.table.columns)),
            Question(summing.there(self.scan.name), asked, needs),
            Question(summing.sums(self.scan.name, choices, of=group.name, only=True), asked, needs, rows_in=alike),
            group.read_at(self._source_id),
            group.stands(self._source_id),
        ]

    def answers(
        self, changed: Sequence[Sequence[Sequence[Any]]], reached: Sequence[Sequence[Sequence[Any]]]
    ) -> dict[int, tuple[Answered, frozenset[date]]]:
        """Return what each side needs for what was touched, and the days; nothing where that cannot be known."""
        *_, touched, currencies = changed
        *_, span, known, sums, read, stands = reached
        # What is there is always said, where anything could be.
        self.as_before = bool(known) and self._same(currencies, span, stands)
        if not self.as_before:
            return {}
        answered = self._group.answers(span, known, sums, read)
        days: dict[int, set[date]] = {}
        strange = set()
        for number, start, _ in touched:
            if start is None:
                strange.add(int(number))
            else:
                days.setdefault(int(number), set()).add(date.fromisoformat(start))
        return {
            side: (answered[side], frozenset(days.get(choice, ())))
            for side, choice in self._group.sides.items()
            if choice not in strange
        }

    def _same(
        self,
        currencies: Sequence[Sequence[Any]],
        span: Sequence[Sequence[Any]],
        stands: Sequence[Sequence[Any]],
    ) -> bool:
        """Whether everything that all records stand on is as it was, and the changed ones are in the same currency."""
        mark = self._base.marks[self.key]
        if not span or span[0][0] is None or not stands:
            return False
        codes = {code for row in currencies for code in row if code}
        return self._group.print_of(span, stands) == mark.stands and codes <= {mark.currency}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
