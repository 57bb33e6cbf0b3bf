"""Whether what is broken by several currencies still is: only the currencies are looked at, and no day is added up."""

# ruff: noqa: S608 - names of ours, the values bound
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobs.metrics import summing
from jobs.metrics.compiling import Compiled, Group, lost_of, sides_of, there
from jobs.metrics.currencies import not_added, not_converted
from jobs.metrics.summing import FILTERS
from storage.facts.metrics import Metric

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

#: questions of one group: its codes are kept, which choices there are, their codes
_OF_GROUP = 3


class Mixing:
    """The questions about metrics that are broken by several currencies, and which of them still are."""

    def __init__(self, source_id: str, mixed: Sequence[Metric]) -> None:
        self._source_id = source_id
        self._mixed = mixed
        self._sides = [side for metric in mixed for side in sides_of(metric.definition)]
        self._scans = Compiled(source_id, self._sides).scans()

    def questions(self) -> "list[Question]":
        """Return what is asked of the lake."""
        return [*self._of_scans(), *there(self._source_id, self._sides)]

    def _of_scans(self) -> "Iterator[Question]":
        from storage.warehouse.apart import Question

        for scan in self._scans:
            members = summing.members(scan.name, scan.table.members)
            yield Question(members.sql, (self._source_id,), scan.needs, members.name)
            for group in scan.groups:
                asked = summing.parameters(group.choices)
                yield Question(_codes(group), (self._source_id,), group.needs, f"{group.name}_codes")
                yield Question(summing.there(scan.name), asked, group.needs)
                yield Question(_chosen(group), asked[:3] + asked[4:], group.needs)

    def still(self, found: Sequence[Sequence[Sequence[Any]]]) -> set[str]:
        """Return the ids of those that are broken as they were, by the same currencies."""
        rest = iter(found)
        codes: dict[int, set[str]] = {}
        for scan in self._scans:
            next(rest)
            for group in scan.groups:
                _, known, chosen = islice(rest, _OF_GROUP)
                made: dict[int, set[str]] = {int(row[0]): set() for row in known}
                for number, code in chosen:
                    made[int(number)].add(code)
                codes |= {side: made[choice] for side, choice in group.sides.items() if choice in made}
        lost = lost_of(self._sides, list(rest))
        numbers, still = iter(range(len(self._sides))), set[str]()
        for metric in self._mixed:
            mine = list(islice(numbers, len(sides_of(metric.definition))))
            # Of what is not there any more, another look says so.
            there = all(number in codes and not lost[number] for number in mine)
            if there and _reason(metric, [codes[number] for number in mine]) == metric.reason:
                still.add(metric.id)
        return still


def _reason(metric: Metric, sides: Sequence[set[str]]) -> str:
    several = next((one for one in sides if len(one) > 1), None)
    if several is not None:
        return not_added(several)
    wanted = metric.definition.currency
    every = set[str]().union(*sides)
    return not_converted(every | ({wanted} if wanted else set())) if every else ""


def _codes(group: Group) -> str:
    """Return the SELECT of the currencies of each item, and of whatever narrows a choice."""
    kept = ", ".join(["item", "currency", *_narrowed(group)])
    records = f"WITH RECURSIVE {group.table.members}, records AS ({group.records})"
    return f"{records} SELECT DISTINCT {kept} FROM records WHERE currency IS NOT NULL"


def _chosen(group: Group) -> str:
    """Return the SELECT of the currencies of each choice: number and code."""
    item = "ltrim(m.item, '-')" if group.table.both else "m.item"
    narrowed = "".join(f" AND (w.{name} = '' OR w.{name} = r.{name})" for name in _narrowed(group))
    return f"""WITH wanted AS (
    SELECT unnest($1::INTEGER[]) AS n, unnest($2::VARCHAR[]) AS kind, unnest($3::VARCHAR[]) AS key,
        unnest($4::VARCHAR[]) AS class_id, unnest($5::VARCHAR[]) AS department_id, unnest($6::VARCHAR[]) AS customer_id
)
SELECT DISTINCT w.n, r.currency FROM wanted w
JOIN made_{group.scan.name}_members m ON m.kind = w.kind AND m.key = w.key
JOIN made_{group.name}_codes r ON r.item = {item}{narrowed} ORDER BY ALL"""


def _narrowed(group: Group) -> list[str]:
    return [name for name in FILTERS if any(getattr(choice, name) for choice in group.choices)]
