"""Through which transactions a closed period's value moved: exactly those, with what they came to before and after."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jobs.metrics.tracing import Moved, Tracing
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Value,
)
from storage.facts.restated import Restated, restated_of
from storage.warehouse.reader import Reader
from tests.jobs.metrics.test_following import AT, LINES, SOURCE, Books

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
ACCOUNT = Definition(Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1"))
SOLD = Definition(replace(Selection(Dataset.CUSTOMERS)))
PROFIT = Definition(Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "Income"))
INVOICES = "lake.main.ready_quickbooks_invoices"


def line(key: str, number: str, account: str, day: str, amount: int) -> str:
    return (f"INSERT INTO {LINES} (_source, _key, transaction_type, transaction_number, transaction_id, account_id, posting_date,"
            f" amount, currency) VALUES ('{SOURCE}', '{key}', 'Journal Entry', '{number}', 't{number}', '{account}',"
            f" DATE '{day}', {amount}, 'USD')")  # fmt: skip


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A lake with a few lines and invoices, and books that are closed until the middle of March."""
    found = Books(str(tmp_path / "lakes"), 3)
    found.fill()
    found.do(
        *(line(f"k{n}", str(n), "2", f"2026-03-0{n}", 100 * n) for n in range(1, 8)),
        line("k8", "8", "5", "2026-03-08", 800),
        f"INSERT INTO {INVOICES} (_source, _key, invoice_id, invoice_number, customer_id, invoice_date, home_total_amount)"
        f" VALUES ('{SOURCE}', 'i1', 'i1', '1042', '1', DATE '2026-03-05', 250)",
        "UPDATE lake.main.ready_quickbooks_preferences SET book_close_date = DATE '2026-03-15'",
    )
    return found


def traced(
    books: Books,
    since: int,
    *definitions: Definition,
    reading: Callable[..., Reader] = Reader,
    period: Period = MARCH,
) -> list[Restated]:
    """Return what is noted with a value of each of these metrics, all of a period that moved since a snapshot."""
    metrics = [replace(books.metrics["sum"], id=str(place), definition=one) for place, one in enumerate(definitions)]
    changed: dict[str, Any] = {"why": "data", "before": "1", "complete_before": True, "at": AT.isoformat()}
    kept = Kept(Value(period, Decimal(2)), 2, "USD", AT, "run_1", 7, 1, changed)
    tracing = Tracing(SOURCE, [Moved(metric, [kept]) for metric in metrics], since)
    told = list(tracing.found(books.ask(tracing.questions(), reading)))
    assert [(of, value) for of, value, _ in told] == [(metric, kept) for metric in metrics]
    found = [restated_of(replace(kept, changed={**changed, **noted})) for _, _, noted in told]
    return [one for one in found if one is not None]


def moves(found: Restated) -> Mapping[str, tuple[str, str]]:
    assert found.documents is not None
    return {f"{one.kind} {one.number}": (str(one.before), str(one.after)) for one in found.documents}


class Naming(Reader):
    """The bug: rows that were changed and changed back count, as if what went were not looked at."""

    def changed(self, table: str, source_id: str, since: int) -> int | None:
        known = super().changed(table, source_id, since)
        if known:
            self._session.run(f"DELETE FROM temp.changed_{table} WHERE NOT _came")
        return known


def test_exactly_the_transactions_that_changed_are_named(books: Books) -> None:
    since = books.snapshot()
    books.do(
        f"UPDATE {LINES} SET amount = 150 WHERE _key = 'k1'",
        f"UPDATE {LINES} SET posting_date = DATE '2026-05-02' WHERE _key = 'k2'",
        f"DELETE FROM {LINES} WHERE _key = 'k3'",
        line("k9", "9", "1", "2026-03-20", 42),
        # Another account's, another month's, and what nobody adds up.
        f"UPDATE {LINES} SET amount = 1 WHERE _key = 'k8'",
        line("k10", "10", "1", "2026-04-20", 7),
        f"UPDATE {LINES} SET memo = 'seen' WHERE _key = 'k7'",
    )
    books.do(f"UPDATE {LINES} SET amount = 5 WHERE _key = 'k6'")
    books.do(f"UPDATE {LINES} SET amount = 600 WHERE _key = 'k6'")
    (found,) = traced(books, since, ACCOUNT)
    expected = {"1": ("100.00", "150.00"), "2": ("200.00", "200.00"), "3": ("300.00", "None"), "9": ("None", "42.00")}
    assert moves(found) == {f"Journal Entry {number}": amounts for number, amounts in expected.items()}
    moved = next(one for one in found.documents or () if one.number == "2")
    assert (moved.day_before, moved.day) == (date(2026, 3, 2), date(2026, 5, 2))
    assert (found.in_closed_books, found.around, found.more) == (True, False, 0)
    (twin,) = traced(books, since, ACCOUNT, reading=Naming)
    assert set(moves(twin)) != set(moves(found))
    # A balance is of everything before; later changes are not in it.
    standing = replace(ACCOUNT, calculation=Calculation.END_BALANCE)
    april = Period(date(2026, 4, 1), date(2026, 4, 30))
    (later,) = traced(books, since, standing, period=april)
    assert set(moves(later)) == {f"Journal Entry {number}" for number in ("1", "2", "3", "9", "10")}
    assert not later.in_closed_books


def of_a_class_exactly_its_transactions_are_named_also_of_a_report(books: Books) -> None:
    """What is taken off in a line of the report is taken off there, too."""
    books.do(f"UPDATE {LINES} SET class_id = '7' WHERE _key IN ('k1', 'k8')")
    since = books.snapshot()
    books.do(
        f"UPDATE {LINES} SET amount = amount + 11 WHERE _key IN ('k1', 'k2', 'k8')",
        line("k9", "9", "3", "2026-03-20", 42),
        f"UPDATE {LINES} SET class_id = '7' WHERE _key IN ('k3', 'k9')",
    )
    profit = Selection(Dataset.PROFIT_AND_LOSS, ItemKind.SECTION, "NetIncome", class_id="7")
    found = traced(
        books, since, replace(ACCOUNT, selection=replace(ACCOUNT.selection, class_id="7")), Definition(profit)
    )
    assert [one.around for one in found] == [False, False]
    assert [moves(one) for one in found] == [
        {"Journal Entry 1": ("110.00", "121.00"), "Journal Entry 3": ("None", "330.00")},
        {"Journal Entry 8": ("-880.00", "-891.00"), "Journal Entry 9": ("None", "42.00")},
    ]


def test_documents_reports_and_what_is_not_known_any_more(books: Books) -> None:
    since = books.snapshot()
    books.do(
        f"UPDATE {INVOICES} SET home_total_amount = 275 WHERE _key = 'i1'",
        f"UPDATE {LINES} SET amount = amount + 10 * _key[2:]::INTEGER WHERE _key[1] = 'k'",
    )
    elsewhere = Definition(Selection(Dataset.CUSTOMERS, ItemKind.CUSTOMER, "2"))
    every = traced(books, since, SOLD, PROFIT, elsewhere, ACCOUNT)
    one: dict[str, Any] = {"invoice 1042": ("250.00", "275.00")}
    assert [moves(found) for found in every[:-1]] == [one, one, {}]
    assert [found.around for found in every] == [False, True, False, False]
    if os.environ.get("SOAK"):
        # A balance stands on payments and transfers as well; of lines of products none changed.
        balance = Definition(Selection(Dataset.BALANCE_SHEET, ItemKind.ACCOUNT, "1"))
        more = traced(books, since, balance, Definition(Selection(Dataset.ITEMS)))
        assert [moves(found) for found in more] == [one, {}]
    of_a_class_exactly_its_transactions_are_named_also_of_a_report(books)
    # The largest changes are named, of the others it is said how many they are.
    assert ([doc.number for doc in every[-1].documents or ()], every[-1].more) == (["7", "6", "5", "4", "3"], 2)
    # Rows that were written in another way are named by nobody: that is said, and not that there were none.
    books.do(f"ALTER TABLE {LINES} ADD COLUMN another VARCHAR")
    assert [found.documents for found in traced(books, since, ACCOUNT)] == [None]


def test_each_value_is_one_that_was_whole_and_is_another() -> None:
    value = Kept(
        Value(MARCH, Decimal(2)), 2, "USD", AT, "run_1", 7, 1, {"why": "data", "before": "1", "complete_before": True}
    )
    assert restated_of(value) is not None
    for other in ({"why": "definition"}, {"before": "2.00"}, {"complete_before": False}):
        assert restated_of(replace(value, changed={**value.changed, **other})) is None
    metric = Metric("m", "o", SOURCE, "1", "m", ACCOUNT, 1, "", "", AT, MetricState.CURRENT, "", None, "", None, 0)
    assert len(Tracing(SOURCE, [Moved(metric, [value])] * 100, 1).questions()) == 6
