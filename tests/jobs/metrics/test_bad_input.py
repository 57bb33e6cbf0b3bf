"""Books that are odd or hostile end no calculation: what can be told is exact, what cannot is said in words."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from jobs.metrics.compiling import Answered, Compiled, sides_of
from jobs.metrics.values import values
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, ItemKind, Selection
from storage.warehouse.apart import Question

DAY = date(2026, 1, 5)
#: what would be markup, a mention, a path or the end of a statement somewhere
NAMES = (
    "*bold* <!channel> &amp;",
    "x'); DROP TABLE ready_quickbooks_accounts; --",
    "$1",
    "a:b\\c",
    "''",
    '"',
    "%s{one}",
)


class Ledger:
    """A lake of accounts and postings; an amount may have all digits that a table holds."""

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake
        lake.execute("CREATE TABLE ready_quickbooks_accounts (_source VARCHAR, account_id VARCHAR, account_type VARCHAR,"
                     " classification VARCHAR, parent_account_id VARCHAR, current_balance DECIMAL(18, 2), currency VARCHAR)")  # fmt: skip
        lake.execute("CREATE TABLE ready_quickbooks_ledger_lines (_source VARCHAR, account_id VARCHAR, posting_date DATE,"
                     " amount DECIMAL(18, 2), currency VARCHAR)")  # fmt: skip
        lake.execute("CREATE TABLE ready_quickbooks_account_balances AS SELECT 'src_1' AS _source, '0' AS account_id,"
                     " DATE '2026-01-01' AS period_start, 0.00::DECIMAL(18, 2) AS opening_balance, 'USD' AS currency")  # fmt: skip

    def account(self, id_: str, parent: str | None = None) -> None:
        self._lake.execute("INSERT INTO ready_quickbooks_accounts VALUES ('src_1', $1, 'Bank', 'Asset', $2, 0, 'USD')",
                           [id_, parent])  # fmt: skip

    def post(self, account: str, amount: str, *, times: int = 1, currency: str = "USD") -> None:
        self._lake.execute("INSERT INTO ready_quickbooks_ledger_lines SELECT 'src_1', $1, $2, $3, $4 FROM range($5)",
                           [account, DAY, Decimal(amount), currency, times])  # fmt: skip

    def ask(self, definition: Definition) -> Answered:
        compiled = Compiled("src_1", sides_of(definition))
        found = [self._asked(one) for one in compiled.questions()]
        return compiled.answers([[[_plain(cell) for cell in row] for row in rows] for rows in found])[0]

    def _asked(self, question: Question) -> Sequence[Sequence[Any]]:
        if question.needs and not set(question.needs) <= {
            row[0] for row in self._lake.execute("SHOW TABLES").fetchall()
        }:
            return []
        kept = f"CREATE OR REPLACE TABLE made_{question.keep} AS " if question.keep else ""
        rows = self._lake.execute(kept + question.sql, list(question.parameters)).fetchall()
        return [] if kept else rows

    def january(self, item: str, calculation: Calculation = Calculation.SUM, *, below: bool = True) -> Decimal | None:
        asked = Definition(Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, item, below=below), calculation)
        answered = self.ask(asked)
        assert answered.input is not None, item
        return values(asked, answered.input, None, date(2026, 1, 31))[-1].value


def _plain(cell: Any) -> Any:
    return str(cell) if isinstance(cell, date | Decimal) else cell


@pytest.fixture
def ledger() -> Any:
    with duckdb.connect() as lake:
        yield Ledger(lake)


def test_the_largest_amounts_lose_no_cent(ledger: Ledger) -> None:
    ledger.account("1")
    ledger.post("1", "9999999999999999.99", times=5000)
    ledger.post("1", "0.01")
    wanted = 5000 * Decimal("9999999999999999.99") + Decimal("0.01")
    assert ledger.january("1") == wanted
    assert ledger.january("1", Calculation.END_BALANCE) == wanted
    assert Decimal(float(wanted)) != wanted, "a twin that counts in floats would be caught"


def test_accounts_that_are_below_one_another_are_counted_once_and_end(ledger: Ledger) -> None:
    for id_, parent in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "d"), ("e", "gone")):
        ledger.account(id_, parent)
        ledger.post(id_, "1.00")
    assert [ledger.january(id_) for id_ in "abcde"] == [3, 3, 3, 1, 1]
    assert ledger.january("a", below=False) == 1


def test_a_chart_of_ten_thousand_accounts_is_added_up(ledger: Ledger) -> None:
    ledger.account("0")
    ledger._lake.execute("INSERT INTO ready_quickbooks_accounts SELECT 'src_1', CAST(i AS VARCHAR), 'Bank', 'Asset',"
                         " CAST(i // 10 AS VARCHAR), 0, 'USD' FROM range(1, 10001) r(i)")  # fmt: skip
    ledger._lake.execute("INSERT INTO ready_quickbooks_ledger_lines SELECT 'src_1', CAST(i AS VARCHAR), DATE '2026-01-05',"
                         " 0.01, 'USD' FROM range(0, 10001) r(i)")  # fmt: skip
    assert ledger.january("0") == Decimal("100.01")
    assert ledger.january("7") == Decimal("11.11")


def test_amounts_of_several_currencies_are_not_added_up(ledger: Ledger) -> None:
    ledger.account("1")
    ledger.post("1", "1.00")
    ledger.post("1", "1.00", currency="EUR")
    ledger.account("2")
    ledger.post("2", "1.00", currency="EUR")
    answered = ledger.ask(Definition(Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1")))
    assert answered.input is not None
    assert answered.input.refused == "its records are in several currencies (EUR, USD), which are not added up"
    assert answered.input.sums == {}
    assert ledger.january("2") == 1


def test_an_item_of_any_name_is_found_by_its_id_and_one_that_is_gone_is_told(ledger: Ledger) -> None:
    for number, name in enumerate(NAMES):
        ledger.account(name)
        ledger.post(name, f"{number}.50")
    assert [ledger.january(name) for name in NAMES] == [Decimal(f"{n}.50") for n in range(len(NAMES))]
    gone = Definition(Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "' OR 1=1 --"), frequency=Frequency.DAILY)
    assert ledger.ask(gone).input is None


def test_an_account_in_which_nothing_was_posted_is_zero_and_has_no_average(ledger: Ledger) -> None:
    ledger.account("1")
    assert ledger.january("1") == 0
    assert ledger.january("1", Calculation.COUNT) == 0
    assert ledger.january("1", Calculation.AVERAGE) is None
