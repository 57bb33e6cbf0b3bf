"""Metrics that follow what changed are what a calculation of everything makes them, whatever happened to the books."""

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.quickbooks.tables import READY
from connectors.registry import connector_for
from jobs.metrics.compiling import Compiled, sides_of
from jobs.metrics.currencies import not_converted
from jobs.metrics.following import Base, Following, read_seen, seen_text
from jobs.metrics.mixing import Mixing
from jobs.metrics.outcomes import Outcome, outcome_of
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Frequency,
    ItemKind,
    Metric,
    MetricState,
    Period,
    Selection,
    Value,
)
from storage.facts.runs import Clocks, Run, RunState, Trigger
from storage.facts.sources import Provider
from storage.warehouse import LoadRun, Warehouse
from storage.warehouse.apart import Caps
from storage.warehouse.child import begun
from storage.warehouse.location import locate
from storage.warehouse.reader import Reader
from storage.warehouse.session import Limits, opened

SOURCE, ORGANIZATION = "src_1", "org_1"
AT = datetime(2026, 6, 20, 9, tzinfo=UTC)
ACCOUNT, BELOW = (lambda one: Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, one)), "1"
SOLD = Selection(Dataset.CUSTOMERS)
DEFINITIONS = {
    "sum": Definition(ACCOUNT("2"), frequency=Frequency.WEEKLY),
    "below": Definition(ACCOUNT(BELOW)),
    "alone": Definition(replace(ACCOUNT(BELOW), below=False), frequency=Frequency.DAILY),
    "stands": Definition(ACCOUNT("3"), Calculation.END_BALANCE),
    "type": Definition(Selection(Dataset.CATEGORIES, ItemKind.CATEGORY, "Bank"), Calculation.CUMULATIVE),
    "revenue": Definition(Selection(Dataset.REVENUE), Calculation.ROLLING),
    "ratio": Definition(Selection(Dataset.REVENUE), Calculation.RATIO, Selection(Dataset.EXPENSES)),
    "growth": Definition(Selection(Dataset.EXPENSES), Calculation.GROWTH),
    "year": Definition(ACCOUNT("4"), Calculation.GROWTH_YEAR, frequency=Frequency.QUARTERLY, fiscal_month=2),
    "count": Definition(SOLD, Calculation.COUNT),
    "average": Definition(replace(SOLD, class_id="7"), Calculation.AVERAGE, frequency=Frequency.ANNUAL),
    "report": Definition(Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "Income"), Calculation.CUMULATIVE),
    "class": Definition(
        Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "NetIncome", class_id="8"),
        Calculation.RATIO,
        Selection(Dataset.PROFIT_AND_LOSS, ItemKind.ACCOUNT, "4", class_id="7"),
    ),
}
if os.environ.get("SOAK"):
    DEFINITIONS |= {
        "result": Definition(Selection(Dataset.REVENUE, class_id="7", department_id="1"), frequency=Frequency.DAILY),
        "department": Definition(
            Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "GrossProfit", department_id="1"), Calculation.GROWTH
        ),
    }
LINES = "lake.main.ready_quickbooks_ledger_lines"
#: the accounts' numbers, types, classes and which one each lies below
TREE = {"1": ("Bank", "Asset", ""), "2": ("Bank", "Asset", "1"), "3": ("Income", "Revenue", ""),
        "4": ("Expense", "Expense", ""), "5": ("Expense", "Expense", "4")}  # fmt: skip


class Forgets(Reader):
    """A twin that knows of the rows that came and forgets those that went: the old day of a moved record."""

    def changed(self, table: str, source_id: str, since: int) -> int | None:
        known = super().changed(table, source_id, since)
        came = f"ducklake_table_insertions('lake', 'main', '{table}', {since + 1}, {self._session.snapshot()})"
        if known is not None:
            self._session.run(f"CREATE OR REPLACE TEMP TABLE changed_{table} AS FROM {came}")
        return known


class Books:
    """A small company's lake, to which things happen, and its metrics as they were calculated last."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self.dice = random.Random(seed)
        self.last = seed * 1000
        self.now = AT
        self.base = Base()
        self.kept: dict[str, dict[Period, Value]] = {}
        self.metrics = {
            name: Metric(name, ORGANIZATION, SOURCE, "1", name, one, 1, "", "", AT, MetricState.CALCULATING, "", None, "", None, 0)
            for name, one in DEFINITIONS.items()
        }  # fmt: skip
        self.currencies: dict[str, str] = {}

    def fill(self) -> None:
        warehouse = Warehouse(self._url, ORGANIZATION, threads=1)
        run = LoadRun("run_0", SOURCE, "quickbooks", AT)
        with warehouse.begin(run, connector_for(Provider.QUICKBOOKS).streams) as loader:
            loader.commit({})
        warehouse.process("run_0", SOURCE, READY)
        rows = ", ".join(
            f"('{SOURCE}', '{key}', '{key}', '{kind}', '{name}', nullif('{above}', ''))"
            for key, (kind, name, above) in TREE.items()
        )
        into = "INSERT INTO lake.main.ready_quickbooks_"
        self.do(
            f"{into}accounts (_source, _key, account_id, account_type, classification, parent_account_id) VALUES {rows}",
            f"{into}account_balances (_source, account_id, period_start, opening_balance, currency) VALUES"
            f" ('{SOURCE}', '3', DATE '2025-01-01', 50, 'USD')",
            f"{into}preferences (_source, _key, home_currency) VALUES ('{SOURCE}', '1', 'USD')",
            f"{into}customers (_source, _key, customer_id) VALUES ('{SOURCE}', '1', '1')",
            f"{into}classes (_source, _key, class_id) VALUES ('{SOURCE}', '7', '7'), ('{SOURCE}', '8', '8')",
            f"{into}departments (_source, _key, department_id) VALUES ('{SOURCE}', '1', '1')",
        )
        self.do(
            *(self.line() for _ in range(20)), *(self.sold() for _ in range(5)), *(self.printed() for _ in range(5))
        )

    def do(self, *statements: str) -> None:
        with opened(locate(self._url, ORGANIZATION), Limits("256MB", 1), write=True) as session, session.transaction():
            for sql in statements:
                session.run(sql)
            session.commit()

    def day(self) -> str:
        return f"DATE '2025-01-01' + {self.dice.randrange(530)}"

    def line(self, day: str = "") -> str:
        self.last += 1
        return (f"INSERT INTO {LINES} (_source, _key, account_id, posting_date, amount, currency, class_id, department_id,"
                f" class_known, department_known, customer_known) VALUES ('{SOURCE}', '{self.last}',"
                f" '{self.dice.choice(list(TREE))}', {day or self.day()}, {self.dice.randrange(-500, 900)}, 'USD',"
                f" nullif('{self.dice.choice('789')}', '9'), '{self.dice.choice('12')}', true, true, true)")  # fmt: skip

    def sold(self) -> str:
        self.last += 1
        return ("INSERT INTO lake.main.ready_quickbooks_invoices (_source, _key, customer_id, invoice_date, class_id,"
                f" home_total_amount) VALUES ('{SOURCE}', '{self.last}', '1', greatest({self.day()}, DATE '2025-01-02'),"
                f" '{self.dice.choice('78')}', {self.dice.randrange(900)})")  # fmt: skip

    def printed(self) -> str:
        self.last += 1
        return ("INSERT INTO lake.main.ready_quickbooks_profit_and_loss (_source, _key, section, row_kind, level, period_start,"
                f" amount, currency) VALUES ('{SOURCE}', '{self.last}', 'Income', 'summary', 0,"
                f" date_trunc('month', {self.day()}), {self.dice.randrange(900)}, 'USD')")  # fmt: skip

    def one(self) -> str:
        """Return which line something happens to."""
        return f"_key = (SELECT _key FROM {LINES} ORDER BY hash(_key || '{self.dice.random()}') LIMIT 1)"

    def ask(self, questions: Any, reading: Callable[..., Reader] = Reader) -> Any:
        order = {"url": self._url, "organization": ORGANIZATION, "snapshot": self.snapshot(), "caps": asdict(Caps()),
                 "questions": [asdict(one) for one in questions]}  # fmt: skip
        return [[[str(cell) if hasattr(cell, "isoformat") else cell for cell in row] for row in rows]
                for rows in self._answered(order, reading)]  # fmt: skip

    def _answered(self, order: Mapping[str, Any], reading: Callable[..., Reader]) -> Any:
        with begun(order, reading) as answering:
            return list(answering.rows(order["questions"]))

    def snapshot(self) -> int:
        return Warehouse(self._url, ORGANIZATION, threads=1).snapshot()

    def run(self) -> Run:
        return Run("run_1", ORGANIZATION, SOURCE, Trigger.SCHEDULE, RunState.READY, None, 1, 1, Clocks(self.now, self.now),
                   None, None, 0, None, None, None, None)  # fmt: skip

    def cursors(self) -> Mapping[str, str]:
        return {"general_ledger": self.now.date().isoformat()}

    def whole(self) -> tuple[dict[str, Outcome], Base]:
        """Calculate everything."""
        sides = [side for one in self.metrics.values() for side in sides_of(one.definition)]
        compiled = Compiled(SOURCE, sides)
        found = self.ask(compiled.questions())
        each = iter(zip(sides, compiled.answers(found), strict=True))
        made = {name: outcome_of(one, [next(each) for _ in sides_of(one.definition)], self.run(), self.cursors())
                for name, one in self.metrics.items()}  # fmt: skip
        return made, Base(self.snapshot(), compiled.marks(found))

    def followed(self, reading: Callable[..., Reader] = Reader) -> dict[str, Outcome]:
        following = Following(SOURCE, list(self.metrics.values()), self.base, self.run())
        return following.outcomes(self.ask(following.questions(), reading), self.currencies, self.cursors())

    def right(self, reading: Callable[..., Reader] = Reader) -> tuple[list[str], int]:
        """Return which that follow, put over what was kept, are not what all comes to; and how many followed.

        All are kept as they are then.
        """
        some = self.followed(reading)
        every, base = self.whole()
        wrong = []
        for name, outcome in every.items():
            new = {one.period: one for one in outcome.values}
            if name in some:
                put = self.kept[name] | {one.period: one for one in some[name].values}
                if (put, some[name].currency, some[name].as_of) != (new, outcome.currency, outcome.as_of):
                    wrong.append(name)
            self.kept[name] = new
            self.currencies[name] = outcome.currency
            state = MetricState.BROKEN if outcome.broken else MetricState.CURRENT
            self.metrics[name] = replace(self.metrics[name], state=state, as_of=outcome.as_of, calculated_version=1)
        # What is remembered survives being written down.
        assert read_seen(seen_text("same", base)) == ("same", base)
        self.base = base
        return wrong, len(some)


def happenings(books: Books) -> Mapping[str, Callable[[], None]]:
    """Return what may happen between two runs."""
    one = books.one
    accounts = "UPDATE lake.main.ready_quickbooks_accounts SET"

    def tomorrow() -> None:
        books.now += timedelta(days=books.dice.choice([1, 12, 40]))

    return {
        "nothing": lambda: None,
        "come": lambda: books.do(books.line(), books.sold(), books.printed()),
        "moves": lambda: books.do(f"UPDATE {LINES} SET posting_date = {books.day()} WHERE {one()}"),
        "amount": lambda: books.do(f"UPDATE {LINES} SET amount = amount + 7 WHERE {one()}"),
        "account": lambda: books.do(f"UPDATE {LINES} SET account_id = '5' WHERE {one()}"),
        "class": lambda: books.do(f"UPDATE {LINES} SET class_id = '{books.dice.choice('78')}' WHERE {one()}"),
        "unknown": lambda: books.do(f"UPDATE {LINES} SET class_known = NULL WHERE {one()}"),
        "known": lambda: books.do(f"UPDATE {LINES} SET class_known = true"),
        "goes": lambda: books.do(f"DELETE FROM {LINES} WHERE {one()}"),
        "undated": lambda: books.do(f"UPDATE {LINES} SET posting_date = NULL WHERE {one()}"),
        "tomorrow": tomorrow,
        "older": lambda: books.do(books.line("DATE '2025-01-01'")),
        "parent": lambda: books.do(
            f"{accounts} parent_account_id = '{books.dice.choice('45')}' WHERE account_id = '2'"
        ),
        "type": lambda: books.do(f"{accounts} account_type = 'Bank', classification = 'Asset' WHERE account_id = '3'"),
        "column": lambda: books.do(f"ALTER TABLE {LINES} ADD COLUMN extra_{books.dice.randrange(10**9)} VARCHAR"),
        "opens": lambda: books.do("UPDATE lake.main.ready_quickbooks_account_balances SET opening_balance = 51"),
        "euro": lambda: books.do(books.line().replace("USD", "EUR")),
    }


#: What leaves all records standing on what they stood on: these must be followed, or nothing is saved.
FOLLOWED = ("nothing", "come", "moves", "amount", "account", "class", "goes", "tomorrow", "older")


@pytest.fixture
def filled(tmp_path: Path) -> Books:
    """A lake whose metrics were calculated."""
    books = Books(str(tmp_path / "lakes"), 2)
    books.fill()
    books.right()
    return books


#: those of parts of the ledger
NARROWED = {"class", "result", "department"} & set(DEFINITIONS)


def of_a_lake_from_before_nothing_is_known(filled: Books) -> None:
    """It was made ready before there were such columns: who is narrowed by them waits, and no other metric with it."""
    filled.metrics = {name: one for name, one in filled.metrics.items() if name in {*NARROWED, "revenue"}}
    filled.do(*(f"ALTER TABLE {LINES} DROP COLUMN {one}_{what}" for one in ("class", "department", "customer")
                for what in ("id", "name", "known")))  # fmt: skip
    every, _ = filled.whole()
    assert {name for name, one in every.items() if one.waits} == NARROWED
    assert all("each posting is of is not known yet" in every[name].note for name in NARROWED)
    assert every["revenue"].values


def test_following_is_what_everything_comes_to(filled: Books) -> None:
    steps = happenings(filled)
    for names in (("come", "moves", "amount", "tomorrow"), ("account", "class", "goes", "older")):
        for name in names:
            steps[name]()
        wrong, count = filled.right()
        assert not wrong
        # Of what lost all of its newer records nobody knows the currency without a look at the older ones.
        assert count >= len(DEFINITIONS) - 2
    # A line moves from one month to another: the twin leaves it in both.
    came = filled.line("DATE '2026-02-03'")
    last = f"_key = '{filled.last}'"
    filled.do(came, f"UPDATE {LINES} SET account_id = '2' WHERE {last}")
    filled.right()
    filled.do(f"UPDATE {LINES} SET posting_date = DATE '2026-04-07' WHERE {last}")
    assert "type" in filled.right(Forgets)[0]
    # Not only its rows are others now: who follows them alone is wrong, and does not.
    steps["parent"]()
    wrong, count = filled.right()
    assert not wrong
    assert count < len(DEFINITIONS)
    # Every sale goes, and may come back changed: values from before must not count as the ground of what comes then.
    filled.do("DELETE FROM lake.main.ready_quickbooks_invoices")
    following = Following(SOURCE, list(filled.metrics.values()), filled.base, filled.run())
    some = following.outcomes(filled.ask(following.questions()), filled.currencies, filled.cursors())
    every, base = filled.whole()
    assert every["count"].waits
    assert "count" not in some
    assert following.marks().items() <= base.marks.items()
    # What is broken by several currencies is asked for in small, and reads no more than the others may.
    metric = filled.metrics["sum"]
    wanted = replace(metric.definition, currency="EUR")
    broken = replace(metric, definition=wanted, state=MetricState.BROKEN, reason=not_converted({"EUR", "USD"}))
    mixing = Mixing(SOURCE, [broken])
    assert mixing.still(filled.ask(mixing.questions())) == {"sum"}
    # A twin remembers what all of them stood on.
    assert not filled.base.marks.items() <= base.marks.items()
    of_a_lake_from_before_nothing_is_known(filled)


# Forty seconds of work in the long run; a machine that is busy takes many times as long.
@pytest.mark.timeout(1800)
def test_following_in_any_order(filled: Books) -> None:
    steps = happenings(filled)
    for name in [*steps, *filled.dice.choices(list(steps), k=20)]:
        steps[name]()
        wrong, count = filled.right()
        assert not wrong, (name, wrong)
        assert count < len(DEFINITIONS) or name in FOLLOWED, name
