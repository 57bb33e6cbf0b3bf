"""Definitions become questions over the lake: our SQL, their ids as parameters, all metrics of a dataset in one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jobs.metrics.datasets import Table, known_day, records_of, tables
from jobs.metrics.periods import grain
from jobs.metrics.values import Input, Sums
from storage.facts.metrics import Calculation, Dataset, Definition, ItemKind, Selection

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

_READ = re.compile(r"\bready_[a-z0-9_]+\b")
_LEDGER = frozenset({Dataset.ACCOUNTS, Dataset.CATEGORIES})

_WANTED = """wanted AS (
    SELECT unnest($2::INTEGER[]) AS n, unnest($3::VARCHAR[]) AS kind, unnest($4::VARCHAR[]) AS key,
        unnest($5::VARCHAR[]) AS grain, unnest($6::VARCHAR[]) AS class_id, unnest($7::VARCHAR[]) AS department_id,
        unnest($8::VARCHAR[]) AS customer_id
), chosen AS MATERIALIZED (
    SELECT DISTINCT w.*, m.item FROM wanted w JOIN members m ON m.kind = w.kind AND m.key = w.key
)"""
#: The rows without a day say how many items each choice stands for.
_SUMS = f"""SELECT n, NULL AS start, NULL AS total, count(*) AS rows, 0 AS missing, NULL AS first_currency,
    NULL AS last_currency
FROM chosen GROUP BY 1
UNION ALL SELECT c.n, CAST(date_trunc(c.grain, {known_day("r.day")}) AS DATE) AS start, sum(r.amount) AS total,
    CAST(sum(r.counted) AS BIGINT) AS rows, count(*) FILTER (WHERE r.amount IS NULL) AS missing,
    min(r.currency) AS first_currency, max(r.currency) AS last_currency
FROM chosen c JOIN records r ON r.item = c.item
WHERE (c.class_id = '' OR r.class_id = c.class_id) AND (c.department_id = '' OR r.department_id = c.department_id)
    AND (c.customer_id = '' OR r.customer_id = c.customer_id)
GROUP BY 1, 2"""  # noqa: S608 - text of ours


@dataclass(frozen=True, slots=True)
class Side:
    """One selection of one definition: the first, or what a ratio is divided by."""

    definition: Definition
    selection: Selection

    @property
    def table(self) -> Table | None:
        """What it is calculated from; None for a combination that there is not."""
        return tables().get((self.selection.dataset, self.definition.basis))

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
        self._groups: dict[tuple[str, str], tuple[Table, list[int]]] = {}
        for number, side in enumerate(self._sides):
            table = side.table
            if table is None:
                raise ValueError(f"not calculated: {side.selection.dataset} on the {side.definition.basis} basis")
            key = (table.members, records_of(table, standing=side.standing))
            self._groups.setdefault(key, (table, []))[1].append(number)

    def questions(self) -> "list[Question]":
        """Return three questions for each group: its days, its members with their sums, and when it was read."""
        return [question for (_, records), (table, numbers) in self._groups.items()
                for question in self._of_group(table, records, numbers)]  # fmt: skip

    def answers(self, found: Sequence[Sequence[Sequence[Any]]]) -> list[Answered]:
        """Return what each side came to, in their order."""
        answered: dict[int, Answered] = {}
        for at, (table, numbers) in enumerate(self._groups.values()):
            span, sums, read = found[3 * at : 3 * at + 3]
            since, until = span[0] if span else (None, None)
            there: set[int] = set()
            rows: dict[int, list[Sequence[Any]]] = {}
            for row in sums:
                if row[1] is None:
                    there.add(int(row[0]))
                else:
                    rows.setdefault(int(row[0]), []).append(row)
            at_ = _instant(read[0][0]) if read else None
            for number in numbers:
                if since is None:
                    answered[number] = Answered(None, at_, empty=True)
                elif number not in there:
                    answered[number] = Answered(None, at_)
                else:
                    input_ = _input(
                        table, date.fromisoformat(str(since)), date.fromisoformat(str(until)), rows.get(number, [])
                    )
                    answered[number] = Answered(input_, at_)
        return [answered[number] for number in range(len(self._sides))]

    def _of_group(self, table: Table, records: str, numbers: Sequence[int]) -> "Iterator[Question]":
        from storage.warehouse.apart import Question

        source = (self._source_id,)
        yield Question(table.since, source, needs_of(table.since))
        # Names and text of ours alone: what people chose is in the parameters.
        sums = f"WITH RECURSIVE {table.members}, {_WANTED}, records AS ({records}) {_SUMS}"
        yield Question(sums, self._parameters(numbers), needs_of(sums))
        if not table.daily:
            yield Question("SELECT NULL WHERE FALSE")
            return
        # Rows that are the same again keep the instant at which they came.
        raw = f"raw_quickbooks_{table.daily}"
        at = f"SELECT max(epoch_us(_extracted_at)) FROM {raw} WHERE _source = $1"  # noqa: S608 - names of ours
        yield Question(at, source, (raw,))

    def _parameters(self, numbers: Sequence[int]) -> tuple[Any, ...]:
        chosen = [self._sides[number] for number in numbers]
        return (
            self._source_id,
            list(numbers),
            [_kind(one.selection) for one in chosen],
            [one.selection.item for one in chosen],
            [grain(one.definition.frequency) for one in chosen],
            [one.selection.class_id for one in chosen],
            [one.selection.department_id for one in chosen],
            [one.selection.customer_id for one in chosen],
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
        several = ", ".join(sorted(currencies))
        return Input({}, since, refused=f"its records are in several currencies ({several}), which are not added up")
    sums = {
        date.fromisoformat(start): Sums(Decimal(total or 0), int(count or 0), int(missing))
        for _, start, total, count, missing, *_ in rows
    }
    last = until.replace(day=1) if table.monthly else None
    return Input(sums, since, whole=table.whole, currency=next(iter(currencies), ""), until=last)


def _instant(microseconds: Any) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(int(microseconds) / 1_000_000, UTC)
