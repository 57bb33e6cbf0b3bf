"""What the lake must hold, said in plain dictionaries; and random runs to hold it against."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from storage.facts.streams import Batch, StreamCounts
from storage.warehouse import Warehouse
from tests.storage.warehouse.company import CUSTOMERS, INVOICES, REPORT, SOURCE, Invoice, invoices, simple

Live = dict[str, Any]


@dataclass
class Planned:
    """One run, as batches and as what they mean: stream -> key -> its last record, None when it is deleted."""

    batches: list[Batch] = field(default_factory=list)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)

    def add(self, batch: Batch, records: Iterable[tuple[str, Any]]) -> None:
        self.batches.append(batch)
        found = self.last.setdefault(batch.stream.name, {})
        found.update(records)
        found.update(dict.fromkeys(batch.deleted))


@dataclass
class Model:
    """Live and deleted records by stream, and the cursors."""

    records: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"customers": {}, "invoices": {}, "balances": {}}
    )
    deleted: dict[str, set[str]] = field(
        default_factory=lambda: {"customers": set(), "invoices": set(), "balances": set()}
    )

    def live(self, stream: str) -> Live:
        return {key: value for key, value in self.records[stream].items() if key not in self.deleted[stream]}

    def load(self, planned: Planned) -> dict[str, StreamCounts]:
        return {stream: self._load(stream, planned) for stream in self.records}

    def _load(self, stream: str, planned: Planned) -> StreamCounts:
        records, deleted = self.records[stream], self.deleted[stream]
        last = dict(planned.last.get(stream, {}))
        if stream in planned.full or (stream == REPORT.name and stream in planned.last):
            last = {**dict.fromkeys(self.live(stream)), **last}
        new = changed = gone = same = 0
        for key, record in last.items():
            if record is None:
                if key in records and key not in deleted:
                    deleted.add(key)
                    gone += 1
            elif key not in records:
                records[key] = record
                new += 1
            elif key in deleted or records[key] != record:
                deleted.discard(key)
                records[key] = record
                changed += 1
            else:
                same += 1
        return StreamCounts(new, changed, gone, same, len(self.live(stream)))


def plan(dice: random.Random, keys: int = 14) -> Planned:
    """A random run: creations, changes, repeats, deletions, duplicates over and within batches, full reads."""
    planned = Planned()
    for _ in range(dice.randrange(0, 4)):
        rows = [_invoice(dice, keys) for _ in range(dice.randrange(0, 5))]
        if rows and dice.random() < 0.4:
            rows.append(_invoice(dice, keys, rows[0].id))
        deleted = [str(dice.randrange(keys)) for _ in range(dice.choice((0, 0, 1, 3)))]
        planned.add(invoices(rows, deleted), ((row.id, row) for row in rows))
    if dice.random() < 0.2:
        planned.add(invoices([]), ())
        planned.full.add(INVOICES.name)
    if dice.random() < 0.5:
        names = {
            f"c{dice.randrange(4)}": dice.choice(("Ann", "Bo", "Łukasz", "O'Brien; DROP TABLE x --")) for _ in range(2)
        }
        planned.add(simple(CUSTOMERS, names, [f"c{dice.randrange(4)}"] if dice.random() < 0.3 else []), [])
        planned.last[CUSTOMERS.name].update(
            {key: value for key, value in names.items() if key not in planned.batches[-1].deleted}
        )
    if dice.random() < 0.6:
        report = {f"a{n}": Decimal(dice.randrange(3)) for n in range(6) if dice.random() < 0.7}
        planned.add(simple(REPORT, report), report.items())
    return planned


def _invoice(dice: random.Random, keys: int, key: str | None = None) -> Invoice:
    lines = tuple(
        (f"c{dice.randrange(4)}", Decimal(dice.randrange(300)).scaleb(-2)) for _ in range(dice.randrange(1, 4))
    )
    total = dice.choice((Decimal("1234567890123456.78"), Decimal("-0.01"), Decimal(dice.randrange(10**6)).scaleb(-2)))
    found = Invoice(key or str(dice.randrange(keys)), f"c{dice.randrange(4)}", total, lines)
    # Some records come again and again as they were.
    return found if dice.random() < 0.7 else Invoice(found.id, "c1", Decimal(5), (("c2", Decimal("0.01")),))


def raw_state(warehouse: Warehouse, source: str = SOURCE) -> dict[str, Any]:
    """Everything in the raw tables, deleted rows included, as plain values."""
    with warehouse.reader() as reader:
        if not reader.tables():
            return {}

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return sorted(tuple(row.values()) for row in reader.query(sql, (source,)))

        return {
            "customers": rows("SELECT id, name, _deleted FROM raw_books_customers WHERE _source = ?"),
            "invoices": rows(
                "SELECT id, customer_id, total, _hash, _deleted FROM raw_books_invoices WHERE _source = ?"
            ),
            "lines": rows("SELECT parent_id, position, item, amount FROM raw_books_invoice_lines WHERE _source = ?"),
            "balances": rows("SELECT id, balance, _deleted FROM raw_books_balances WHERE _source = ?"),
        }


def model_state(model: Model) -> dict[str, Any]:
    """The same, as the model has it."""

    def rows(stream: str, *values: Any) -> list[tuple[Any, ...]]:
        records, deleted = model.records[stream], model.deleted[stream]
        return sorted((key, *(value(record) for value in values), key in deleted) for key, record in records.items())

    found = model.records["invoices"].values()
    return {
        "customers": rows("customers", lambda name: name),
        "invoices": rows("invoices", lambda row: row.customer_id, lambda row: row.total, lambda row: row.digest),
        "lines": sorted((row.id, place, *line) for row in found for place, line in enumerate(row.lines)),
        "balances": rows("balances", lambda balance: balance),
    }


def ready_state(warehouse: Warehouse, source: str = SOURCE) -> dict[str, Any]:
    """Everything in the ready tables of a source."""
    with warehouse.reader() as reader:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            return sorted((tuple(row.values()) for row in reader.query(sql, (source,))), key=repr)

        return {
            "invoices": rows("SELECT id, total, customer FROM ready_books_invoices WHERE _source = ?"),
            "lines": rows("SELECT invoice_id, position, amount, item FROM ready_books_lines WHERE _source = ?"),
            "sales": rows("SELECT customer_id, total, invoices FROM ready_books_sales WHERE _source = ?"),
            "balances": rows("SELECT id, balance FROM ready_books_balances WHERE _source = ?"),
        }


def model_ready(model: Model) -> dict[str, Any]:
    """The same, computed from the model."""
    names, found = model.live("customers"), model.live("invoices").values()
    sales: dict[str, tuple[Decimal, int]] = {}
    for row in found:
        total, count = sales.get(row.customer_id, (Decimal(0), 0))
        sales[row.customer_id] = (total + row.total, count + 1)
    lines = [
        (row.id, place, amount, names.get(item)) for row in found for place, (item, amount) in enumerate(row.lines)
    ]
    return {
        "invoices": sorted(((row.id, row.total, names.get(row.customer_id)) for row in found), key=repr),
        "lines": sorted(lines, key=repr),
        "sales": sorted(((customer, *total) for customer, total in sales.items()), key=repr),
        "balances": sorted(model.live("balances").items(), key=repr),
    }


def expected_changes(before: Live, after: Live) -> list[tuple[str, str]]:
    """Kind and key of everything that differs, in the order of the keys."""
    kinds = []
    for key in sorted({*before, *after}):
        if key not in before:
            kinds.append(("new", key))
        elif key not in after:
            kinds.append(("deleted", key))
        elif before[key] != after[key]:
            kinds.append(("changed", key))
    return kinds


def load(warehouse: Warehouse, name: str, planned: Planned, cursors: Mapping[str, str], streams: Sequence[Any]) -> Any:
    """Load a planned run."""
    from tests.storage.warehouse.company import run

    with warehouse.begin(run(name), streams) as loader:
        for batch in planned.batches:
            loader.write(batch)
        return loader.commit(cursors, planned.full)
