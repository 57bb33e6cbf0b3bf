"""What several currencies broke is broken until they are one: a small question says the same as a look at everything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from bot.cli.samples import facts as samples
from jobs.metrics.compiling import Compiled, sides_of
from jobs.metrics.currencies import is_mixed
from jobs.metrics.mixing import Mixing
from jobs.metrics.outcomes import outcome_of
from storage.facts.metrics import Calculation, Dataset, Definition, ItemKind, Metric, MetricState, Selection
from tests.jobs.metrics.test_bad_input import Ledger, _plain

DAY = datetime(2026, 1, 31, 12, tzinfo=UTC)


def account(one: str) -> Selection:
    return Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, one)


#: Account 1 lies in two currencies, 2 in dollars, 3 in euros.
DEFINITIONS = {
    "sum": Definition(account("1")),
    "stands": Definition(account("1"), Calculation.END_BALANCE),
    "ratio": Definition(account("2"), Calculation.RATIO, account("3")),
    "wanted": Definition(account("2"), currency="EUR"),
}
#: What happens then, and which of them are as they were.
CHANGES = {
    "nothing": ("SELECT 1", {"sum", "stands", "ratio", "wanted"}),
    "more of the same": ("INSERT INTO {lines} SELECT * FROM {lines}", {"sum", "stands", "ratio", "wanted"}),
    "the euros go": ("DELETE FROM {lines} WHERE currency = 'EUR'", {"wanted"}),
    "a third": ("UPDATE {lines} SET currency = 'CHF' WHERE currency = 'EUR'", {"wanted"}),
    # The balance that it began with stays in dollars.
    "one for all": ("UPDATE {lines} SET currency = 'EUR'", {"stands"}),
    "it vanishes": ("DELETE FROM ready_quickbooks_accounts WHERE account_id = '1'", {"ratio", "wanted"}),
}


class Believing(Mixing):
    """Twin: what is broken stays so, whatever the lake says."""

    def still(self, _found: Sequence[Sequence[Sequence[Any]]]) -> set[str]:
        return {one.id for one in self._mixed}


@dataclass(frozen=True)
class Played:
    """A change of the lake, and what it is asked and answers then."""

    broken: Sequence[Metric]
    answers: Sequence[Any]
    #: which of them a look at everything finds as they were
    same: set[str]


@pytest.fixture(scope="module")
def played() -> dict[str, Played]:
    with duckdb.connect() as lake:
        books, made = filled(lake), {}
        broken = [replace(metric(name), state=MetricState.BROKEN, reason=one) for name, one in whole(books).items()]
        assert all(map(is_mixed, broken))
        asked = Mixing("src_1", broken).questions()
        assert not any("date_trunc" in one.sql for one in asked)
        for change, (sql, _) in CHANGES.items():
            lake.execute("BEGIN")
            lake.execute(sql.format(lines="ready_quickbooks_ledger_lines"))
            answers = [list(map(_row, books._asked(one))) for one in asked]
            after = whole(books)
            made[change] = Played(broken, answers, {one.id for one in broken if after[one.id] == one.reason})
            lake.execute("ROLLBACK")
    return made


@pytest.mark.parametrize("loses", [False, True])
def test_the_small_question_says_what_a_look_at_everything_says(played: dict[str, Played], *, loses: bool) -> None:
    assert {change: one.same for change, one in played.items()} == {
        change: same for change, (_, same) in CHANGES.items()
    }
    kind = Believing if loses else Mixing
    found = {change: kind("src_1", one.broken).still(one.answers) for change, one in played.items()}
    assert (found == {change: one.same for change, one in played.items()}) is not loses


def test_what_something_else_broke_is_not_mixed() -> None:
    for reason in ("Cash is not in QuickBooks any more", "its amounts are in EUR"):
        assert not is_mixed(replace(metric("sum"), state=MetricState.BROKEN, reason=reason))


def filled(lake: duckdb.DuckDBPyConnection) -> Ledger:
    books = Ledger(lake)
    for one, codes in {"1": ("USD", "EUR"), "2": ("USD",), "3": ("EUR",)}.items():
        books.account(one)
        for code in codes:
            books.post(one, "5.00", currency=code)
    return books


def metric(name: str) -> Metric:
    return Metric(name, "org_1", "src_1", "1", name, DEFINITIONS[name], 1, "", "", DAY, MetricState.CURRENT, "", DAY, "",
                  None, 1)  # fmt: skip


def whole(books: Ledger) -> dict[str, str]:
    """Calculate all of them as if nothing was known, and return what broke each."""
    sides = {name: sides_of(one) for name, one in DEFINITIONS.items()}
    compiled = Compiled("src_1", [side for some in sides.values() for side in some])
    rows = [list(map(_row, books._asked(one))) for one in compiled.questions()]
    answers = iter(compiled.answers(rows))
    run = samples.run(as_of=5)
    return {name: outcome_of(metric(name), [(side, next(answers)) for side in some], run, {}).broken
            for name, some in sides.items()}  # fmt: skip


def _row(cells: Sequence[Any]) -> list[Any]:
    return [_plain(cell) for cell in cells]
