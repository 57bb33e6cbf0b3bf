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
from jobs.metrics.compiling import Answered, Compiled, Group, Mark, lost_of, needs_of, sides_of, there
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
        groups = [one for one in Compiled(source_id, self._sides).groups() if one.key in base.marks]
        self._place = {side: (one.name, choice) for one in groups for side, choice in one.sides.items()}
        self._groups = [_Changes(one, source_id, base, self._watches(one)) for one in groups]

    def questions(self) -> "list[Question | Changed]":
        """Return all questions: first what changed of all groups, then what it reaches."""
        return [
            *(question for group in self._groups for question in group.changes()),
            *(question for group in self._groups for question in group.reached()),
            *there(self._source_id, self._sides),
        ]

    def outcomes(
        self, found: Sequence[Sequence[Sequence[Any]]], kept: Mapping[str, str], cursors: Mapping[str, str]
    ) -> dict[str, Outcome]:
        """Return by id what changed of the metrics that could follow; all others must be calculated whole.

        `kept` is the currency of each metric's values.
        """
        rest = iter(found)
        changes = [list(islice(rest, len(group.changes()))) for group in self._groups]
        answered: dict[int, tuple[Answered, frozenset[date]]] = {}
        for group, changed in zip(self._groups, changes, strict=True):
            answered |= group.answers(changed, list(islice(rest, len(group.reached()))))
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


class _Changes:
    """A group of sides of which the records are the same, and what changed of these."""

    def __init__(self, group: Group, source_id: str, base: Base, watches: Sequence[_Watch]) -> None:
        self._group = group
        self._source_id = source_id
        self._base = base
        self._watches = watches
        self._tables = needs_of(group.moving)
        self._needs = (*group.needs, *(f"changed_{one}" for one in self._tables))
        #: whether the answers said that all records stand on what they stood on
        self.as_before = False

    @property
    def key(self) -> str:
        return self._group.key

    def changes(self) -> "list[Question | Changed]":
        """Return the questions which days of which choices are others."""
        from storage.warehouse.apart import Changed, Question

        group, source, choices = self._group, (self._source_id,), list(self._group.choices)
        name, table, new = group.name, group.table, f"{group.name}t"
        # The same SELECT over the rows that came and went instead of those that are there.
        records = _READY.sub("changed_ready_", group.moving)
        own = summing.members(name, table.members)
        steps = [
            (summing.by_day(new, table.members, records, choices), source),
            *((step, ()) for step in summing.by_grain(new, choices)),
            (
                summing.Step(f"{new}_sums", summing.sums(name, choices, of=new)),
                summing.parameters(group.choices),
            ),
        ]
        # The rows that say how many items a choice stands for have neither a day nor records without one.
        days = f"SELECT n, start, undated FROM made_{new}_sums WHERE start IS NOT NULL OR undated > 0"  # noqa: S608 - names of ours
        return [
            *(Changed(one, self._source_id, self._base.snapshot) for one in self._tables),
            Question(own.sql, source, group.needs, own.name),
            *(Question(step.sql, parameters, self._needs, step.name) for step, parameters in steps),
            Question(days, (), self._needs),
            Question(summing.currencies(new), (), self._needs),
        ]

    def reached(self) -> "list[Question | Changed]":
        """Return the questions what the records come to from the first day on that the changes reach."""
        from storage.warehouse.apart import Question

        group, source, choices = self._group, (self._source_id,), list(self._group.choices)
        name, needs, table = group.name, self._needs, group.table
        watched = sorted({name, *(one.group for one in self._watches)})
        columns = zip(
            *((one.choice, one.group, one.of, one.months, _iso(one.moved)) for one in self._watches), strict=True
        )
        steps = [
            (summing.needed(name, watched), tuple(map(list, columns))),
            (summing.alike(name), summing.parameters(group.choices)),
            (summing.by_day(name, table.members, group.records, choices, only=True), source),
            *((step, ()) for step in summing.by_grain(name, choices)),
        ]
        return [
            *(Question(step.sql, parameters, needs, step.name) for step, parameters in steps),
            Question(table.since, source, group.needs),
            Question(summing.sums(name, choices, only=True), summing.parameters(group.choices), needs),
            group.read_at(self._source_id),
            group.stands(self._source_id),
        ]

    def answers(
        self, changed: Sequence[Sequence[Sequence[Any]]], reached: Sequence[Sequence[Sequence[Any]]]
    ) -> dict[int, tuple[Answered, frozenset[date]]]:
        """Return what each side needs for what was touched, and the days; nothing where that cannot be known."""
        *_, touched, currencies = changed
        last = reached[-4:]
        # Sums always say which choices there are.
        known = all(changed[: len(self._tables)]) and bool(last[1])
        self.as_before = known and self._same(currencies, last)
        if not self.as_before:
            return {}
        answered = self._group.answers(last)
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

    def _same(self, currencies: Sequence[Sequence[Any]], last: Sequence[Sequence[Sequence[Any]]]) -> bool:
        """Whether everything that all records stand on is as it was, and the changed ones are in the same currency."""
        mark = self._base.marks[self.key]
        span, *_, stands = last
        if not span or span[0][0] is None or not stands:
            return False
        codes = {code for row in currencies for code in row if code}
        return self._group.print_of(span, stands) == mark.stands and codes <= {mark.currency}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
