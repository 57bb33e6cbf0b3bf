"""Which transactions made a closed period's value another: those whose records changed between two snapshots.

The lake's feed of a table names rows that came and rows that went: what came as often as it went is as it was. Of
reports QuickBooks does not say which transactions are in a line: there all
documents of the time that changed are named, and that this is so.
"""

# ruff: noqa: S608 - the names are ours, the values bound

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jobs.metrics import summing
from jobs.metrics.compiling import Side, choice_of, needs_of, sides_of
from jobs.metrics.periods import before, fiscal_year, year_before
from jobs.metrics.summing import FILTERS
from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Kept, Metric, Period
from storage.facts.restated import MOST_DOCUMENTS, Document, document_json

if TYPE_CHECKING:
    from storage.warehouse.apart import Changed, Question

#: metrics that are looked at after one run; documents of one table that are compared
MOST_METRICS, _MOST_ROWS = 40, 500
_LEDGER = frozenset({Dataset.ACCOUNTS, Dataset.CATEGORIES, Dataset.REVENUE, Dataset.EXPENSES})
_SIGNS = {"invoice": "", "sales_receipt": "", "credit_memo": "-", "refund_receipt": "-"}
_CLOSED = "SELECT max(book_close_date) AS day FROM ready_quickbooks_preferences WHERE _source = $1"


@dataclass(frozen=True, slots=True)
class _Table:
    """A ready table, and how its rows are read as parts of documents."""

    name: str
    kind: str
    number: str
    id: str
    day: str
    amount: str
    item: str = "NULL"
    #: whether each row counts once more with the other sign, as an item of its own: see `datasets`
    both: bool = False


_POSTED = _Table(
    "ledger_lines", "transaction_type", "transaction_number", "transaction_id", "posting_date", "amount", "account_id"
)
_EARNED_OF = replace(_POSTED, both=True)


def _sold(*, lines: bool) -> tuple[_Table, ...]:
    return tuple(
        _Table(
            f"{one}_lines" if lines else f"{one}s",
            f"'{one}'",
            f"{one}_number",
            f"{one}_id",
            f"{one}_date",
            f"{sign}{'home_amount' if lines else 'home_total_amount'}",
            "item_id" if lines else "customer_id",
        )
        for one, sign in _SIGNS.items()
    )


def _plain(one: str, *, number: str = "", day: str = "", amount: str = "home_total_amount", many: str = "") -> _Table:
    numbered = number or f"{one}_number"
    return _Table(many or f"{one}s", f"'{one}'", numbered, f"{one}_id", day or f"{one}_date", amount)


#: what can be in a profit and loss
_EARNED = (
    *(_plain(one) for one in (*_SIGNS, "bill", "vendor_credit", "purchase", "deposit")),
    _plain("journal_entry", number="journal_number", day="journal_date", amount="debit_amount", many="journal_entries"),
)
#: what moves money between accounts beside it
_PAID = (
    _plain("payment", number="payment_reference"),
    _plain("bill_payment", day="payment_date"),
    _plain("transfer", number="NULL", amount="home_amount"),
)


def _tables(side: Side) -> tuple[_Table, ...]:
    dataset = side.selection.dataset
    if dataset in _LEDGER:
        return (_POSTED,)
    if dataset is Dataset.PROFIT_AND_LOSS and side.narrowed:
        return (_EARNED_OF,)
    if dataset in {Dataset.ITEMS, Dataset.CUSTOMERS}:
        return _sold(lines=dataset is Dataset.ITEMS)
    earned = dataset is Dataset.PROFIT_AND_LOSS and side.definition.basis is Basis.ACCRUAL
    return _EARNED if earned else (*_EARNED, *_PAID)


def _around(side: Side) -> bool:
    return side.selection.dataset in {Dataset.PROFIT_AND_LOSS, Dataset.BALANCE_SHEET} and not side.narrowed


@dataclass
class Moved:
    """A metric, and its values that were whole and are others now."""

    metric: Metric
    values: list[Kept] = field(default_factory=list)


class Tracing:
    """The questions about what changed behind restated values since a snapshot, and what their answers mean."""

    def __init__(self, source_id: str, moved: Sequence[Moved], since: int) -> None:
        self._source_id = source_id
        self._since = since
        self._moved = list(moved)[:MOST_METRICS]
        #: what is asked -> of which table, what it needs, its place among the answers; equal questions are asked once
        self._asked: dict[tuple[str, tuple[Any, ...]], tuple[str, tuple[str, ...], int]] = {}
        read = {f"ready_quickbooks_{table.name}": table for side in self._sides() for table in _tables(side)}
        self._names = sorted(read)
        #: what finds the items of a choice -> the name under which it is kept
        self._members: dict[str, str] = {}
        for side in self._sides():
            for table in _tables(side):
                needs = needs_of(side.table.members) if side.table else ()
                asked = f"changed_ready_quickbooks_{table.name}", needs, len(self._asked)
                self._asked.setdefault(self._question(table, side), asked)

    def _sides(self) -> Iterator[Side]:
        for one in self._moved:
            yield from sides_of(one.metric.definition)

    def questions(self) -> "list[Question | Changed]":
        """Return all questions: which tables are there, what changed of them, the books' closing date, documents."""
        from storage.warehouse.apart import Changed, Question

        changed = tuple(f"changed_{name}" for name in self._names)
        asked = [
            Question(sql, parameters, (of, *needs), rows_in=(of,))
            for (sql, parameters), (of, needs, _) in self._asked.items()
        ]
        kept = [
            Question(step.sql, (self._source_id,), needs_of(step.sql), step.name, rows_in=changed)
            for with_members, name in self._members.items()
            for step in [summing.members(name, with_members)]
        ]
        return [
            *(Question("SELECT 1 AS one", (), (name,)) for name in self._names),
            *(Changed(name, self._source_id, self._since) for name in self._names),
            # Once for each table, however many metrics ask for it.
            *(
                Question(_parts(name), (), (of,), f"parts_{name}", rows_in=(of,))
                for name, of in zip(self._names, changed, strict=True)
            ),
            *kept,
            Question(_CLOSED, (self._source_id,), ("ready_quickbooks_preferences",)),
            *asked,
        ]

    def found(self, answers: Sequence[Sequence[Sequence[Any]]]) -> Iterator[tuple[Metric, Kept, dict[str, Any]]]:
        """Yield for each restated value what is noted with it; `through` is None where nobody can know."""
        count = len(self._names)
        place = 3 * count + len(self._members)
        there, known, (closed, *asked) = answers[:count], answers[count : 2 * count], answers[place:]
        unknown = {name for name, is_there, is_known in zip(self._names, there, known, strict=True)
                   if is_there and not is_known}  # fmt: skip
        day = closed[0][0] if closed else None
        for one in self._moved:
            sides = sides_of(one.metric.definition)
            tables = {f"ready_quickbooks_{table.name}" for side in sides for table in _tables(side)}
            documents = [] if tables & unknown else list(self._documents(sides, asked))
            for kept in one.values:
                noted: dict[str, Any] = {"books_closed": day, "around": any(map(_around, sides)), "through": None}
                if not tables & unknown:
                    noted |= _largest([doc for doc in documents if _counts(doc, one.metric.definition, kept)])
                yield one.metric, kept, noted

    def _question(self, table: _Table, side: Side) -> tuple[str, tuple[Any, ...]]:
        """Return the SELECT of the documents of a table that are others than before, the largest changes first."""
        assert side.table is not None
        one, mine, narrowed = choice_of(side), "true", list[str]()
        parameters: list[str] = []
        if not _around(side):
            members = self._members.setdefault(side.table.members, f"traced{len(self._members)}")
            narrowed = [field for field in FILTERS if getattr(one, field)]
            mine = f"item IN (SELECT item FROM made_{members}_members WHERE kind = $1 AND key = $2)"
            parameters = [one.kind, one.key, *(getattr(one, field) for field in narrowed)]
        where = " AND ".join([mine, *(f"{field} = ${place}" for place, field in enumerate(narrowed, 3))])
        return _documents(table, where, narrowed), tuple(parameters)

    def _documents(self, sides: Sequence[Side], asked: Sequence[Sequence[Sequence[Any]]]) -> Iterator[Document]:
        keys = dict.fromkeys(self._question(table, side) for side in sides for table in _tables(side))
        for key in keys:
            for kind, number, name, was, amount, day, now in asked[self._asked[key][-1]]:
                yield Document(
                    str(kind), str(number or ""), str(name), _day(was), _amount(amount), _day(day), _amount(now)
                )


def _largest(found: Sequence[Document]) -> Mapping[str, Any]:
    ordered = sorted(found, key=lambda one: (-abs(one.moved), one.kind, one.id))
    kept = [document_json(one) for one in ordered[:MOST_DOCUMENTS]]
    return {"through": kept, "more": max(0, len(ordered) - MOST_DOCUMENTS)}


def _parts(name: str) -> str:
    """Return the SELECT of a table's rows that came (`now`) and went, each as often as it did more than the other."""
    return f"""WITH named AS (
    SELECT * EXCLUDE (_came), sum(CASE WHEN _came THEN 1 ELSE -1 END) AS net FROM changed_{name}
    GROUP BY ALL HAVING net <> 0
)
SELECT n.* EXCLUDE (net), n.net > 0 AS now FROM named n, unnest(range(CAST(abs(n.net) AS BIGINT))) one"""


def _documents(table: _Table, where: str, narrowed: Sequence[str]) -> str:
    fixed = [
        f"{table.kind} AS kind",
        f"{table.number} AS number",
        f"{table.id} AS id",
        f"{table.day} AS day",
        *narrowed,
    ]
    counted = [(table.item, table.amount), *([(f"'-' || {table.item}", f"-{table.amount}")] if table.both else [])]
    parts = " UNION ALL ".join(
        f"SELECT {', '.join(fixed)}, {item} AS item, {amount} AS amount, now"
        f" FROM made_parts_ready_quickbooks_{table.name}"
        for item, amount in counted
    )
    return f"""WITH parts AS (
    {parts}
), documents AS (
    SELECT kind, max(number) AS number, id, min(day) FILTER (NOT now) AS day_before,
        CAST(sum(amount) FILTER (NOT now) AS VARCHAR) AS before, min(day) FILTER (now) AS day,
        CAST(sum(amount) FILTER (now) AS VARCHAR) AS after,
        abs(coalesce(sum(amount) FILTER (now), 0) - coalesce(sum(amount) FILTER (NOT now), 0)) AS moved
    FROM parts WHERE {where} GROUP BY kind, id
)
SELECT kind, number, id, day_before, before, day, after FROM documents
WHERE before IS DISTINCT FROM after OR day_before IS DISTINCT FROM day ORDER BY moved DESC, id LIMIT {_MOST_ROWS}"""


def _counts(one: Document, definition: Definition, kept: Kept) -> bool:
    """Whether one of the document's days counts in the value's period."""
    days = [day for day in (one.day_before, one.day) if day is not None]
    return any(first <= day <= last for first, last in _reach(definition, kept.value.period) for day in days)


def _reach(definition: Definition, period: Period) -> Iterator[tuple[date, date]]:
    """Yield from which day to which day records count in a period."""
    frequency, fiscal, first = definition.frequency, definition.fiscal_month, period.start
    if definition.selection.dataset is Dataset.BALANCE_SHEET or definition.calculation is Calculation.END_BALANCE:
        first = date.min
    elif definition.calculation is Calculation.GROWTH:
        first = before(period, frequency, fiscal).start
    elif definition.calculation is Calculation.CUMULATIVE:
        first = fiscal_year(period.start, fiscal).start
    elif definition.calculation is Calculation.ROLLING:
        one = period
        for _ in range(definition.window - 1):
            one = before(one, frequency, fiscal)
        first = one.start
    elif definition.calculation is Calculation.GROWTH_YEAR:
        base = year_before(period, frequency, fiscal)
        yield base.start, base.end
    yield first, period.end


def _day(said: Any) -> date | None:
    return None if said is None else date.fromisoformat(str(said))


def _amount(said: Any) -> Decimal | None:
    return None if said is None else Decimal(str(said))
