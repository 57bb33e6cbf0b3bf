"""A metric is narrowed to a class, department or customer where the data say which one an amount is of; else refused."""

import os
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.samples import facts as samples
from bot.cli.samples.metric_why import evidence
from jobs.explain.chain import explain_metric
from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.compiling import Answered, Compiled, Side, lost_of, sides_of, there
from jobs.metrics.fitting import fits, fitted
from jobs.metrics.inputs import streams_of, worst_input
from jobs.metrics.losing import is_lost, lost_fields, returns, still_lost, without_lost
from jobs.metrics.mixing import Mixing
from jobs.metrics.outcomes import outcome_of
from jobs.metrics.summing import FILTERS
from jobs.metrics.values import Input
from jobs.metrics.wishes import read_wish
from storage.facts.metric_drafts import Desk, Draft, Filling
from storage.facts.metric_why import LinkKind, Turn
from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Frequency,
    ItemKind,
    Metric,
    MetricState,
    Selection,
    Shown,
)
from templates.forms.metrics import field_of, metric_form, preview_form
from templates.notices.metric_changing import metric_preview
from templates.notices.metric_why import metric_why
from templates.notices.metric_words import definition_words
from tests.jobs.metrics.test_compiling import asked


def test_names_keep_their_letters_and_the_last_options_are_options() -> None:
    wish = read_wish("Sold = items: Tote, large, Class  Straße & Co, location Oakland studio, customer Ann, weekly")
    assert wish.items == ((Dataset.ITEMS, "Tote, large"),)
    assert wish.narrowed == (("class_id", "Straße & Co"), ("department_id", "Oakland studio"), ("customer_id", "Ann"))
    assert wish.rest.frequency is Frequency.WEEKLY
    assert read_wish("Sold = items").narrowed == ()
    with pytest.raises(MetricRefusedError, match="not several of them"):
        read_wish("Sold = items, class Retail, class Wholesale")


ACCOUNT, SECTION = ItemKind.ACCOUNT, ItemKind.SECTION
EVERYWHERE = "Account types, Accounts, Expenses, Products and services, Profit and loss, Revenue"


@pytest.mark.parametrize(
    "definition, said",
    [
        (Definition(Selection(Dataset.CUSTOMERS, class_id="7")), f"a class can be chosen for: {EVERYWHERE}"),
        (Definition(Selection(Dataset.BALANCE_SHEET, ACCOUNT, "1", department_id="7"), Calculation.END_BALANCE),
         f"a department can be chosen for: Account types, Accounts, Customers,{EVERYWHERE[24:]}"),
        (Definition(Selection(Dataset.PROFIT_AND_LOSS, ACCOUNT, "1", class_id="7"), basis=Basis.CASH),
         "what class an amount is of on the accrual basis only: choose that basis"),
        (Definition(Selection(Dataset.ACCOUNTS, ACCOUNT, "1", customer_id="7"), Calculation.END_BALANCE),
         "not known by customer; choose the sum of the period, or the sum since the fiscal year began"),
        (Definition(Selection(Dataset.PROFIT_AND_LOSS, SECTION, "Sonstiges", class_id="7")),
         "with a class, choose an account, or a line such as Income"),
    ],
)  # fmt: skip
def test_what_is_known_as_a_whole_alone_says_where_it_can_be_chosen(definition: Definition, said: str) -> None:
    with pytest.raises(MetricRefusedError, match=said):
        check(definition)
    # Without it there is nothing amiss.
    check(replace(definition, selection=replace(definition.selection, class_id="", department_id="", customer_id="")))


@pytest.mark.parametrize("dataset", [Dataset.ACCOUNTS, Dataset.REVENUE, Dataset.PROFIT_AND_LOSS, Dataset.CATEGORIES])
def test_the_ledger_and_the_profit_and_loss_can_be_narrowed(dataset: Dataset) -> None:
    kind = {Dataset.REVENUE: ItemKind.ALL, Dataset.CATEGORIES: ItemKind.CATEGORY}.get(dataset, ACCOUNT)
    narrow = Definition(Selection(dataset, kind, "1", class_id="7", department_id="8", customer_id="9"))
    check(narrow)
    assert fits(narrow).first.filters == ("class_id", "department_id", "customer_id")
    assert fitted(narrow) == narrow
    assert (worst_input(narrow), streams_of(narrow)) == ("general ledger, read once a day", ["general_ledger"])
    desk = Desk({"src_1": "Temerity"}, {"mem_1": "Maya"}, {}, "UTC")
    form = metric_form(Filling(Draft("card_1", "src_1", narrow, "Sold"), desk, fits(narrow), more=True), "")
    assert set(FILTERS) <= {field_of(one.name).partition(".")[0] for one in form.inputs}
    # What does not go together with it is not offered, and taken out.
    if dataset is Dataset.ACCOUNTS:
        left = fitted(replace(narrow, calculation=Calculation.END_BALANCE))
        assert (left.selection.class_id, fits(left).first.filters) == ("", ())
    if dataset is Dataset.PROFIT_AND_LOSS:
        assert fitted(replace(narrow, basis=Basis.CASH)).selection.class_id == ""


TYPES = {"Income": "Revenue", "Other Income": "Revenue", "Cost of Goods Sold": "Expense", "Expense": "Expense",
         "Other Expense": "Expense", "Bank": "Asset"}  # fmt: skip
#: account -> its type, and the one that it lies below
ACCOUNTS = {str(number): (kind, "1" if number == 7 else None) for number, kind in enumerate((*TYPES, "Income"), 1)}
#: account, month, cents, class, department, customer
POSTED = st.tuples(st.sampled_from(list(ACCOUNTS)), st.integers(1, 3), st.integers(-99_999, 99_999),
                   *(st.sampled_from([None, "1", "2", "3"]) for _ in range(3)))  # fmt: skip


def lake_of(lines: list[tuple[Any, ...]], *, known: bool = True) -> duckdb.DuckDBPyConnection:
    lake = duckdb.connect()
    lake.execute(f"CREATE TABLE ready_quickbooks_ledger_lines (_source VARCHAR, account_id VARCHAR, posting_date DATE,"
                 f" amount DECIMAL(18, 2), currency VARCHAR, {', '.join(f'{one} VARCHAR' for one in FILTERS)},"
                 f" {', '.join(f'{one[:-3]}_known BOOLEAN' for one in FILTERS)})")  # fmt: skip
    rows = [("src_1", account, date(2026, month, 9), Decimal(cents) / 100, "USD", *of, *[known] * 3)
            for account, month, cents, *of in lines]  # fmt: skip
    lake.executemany(f"INSERT INTO ready_quickbooks_ledger_lines VALUES ({', '.join('?' * 11)})", rows)
    lake.execute("CREATE TABLE ready_quickbooks_accounts (_source VARCHAR, account_id VARCHAR, account_type VARCHAR,"
                 " classification VARCHAR, parent_account_id VARCHAR)")  # fmt: skip
    every = [("src_1", key, kind, TYPES[kind], above) for key, (kind, above) in ACCOUNTS.items()]
    lake.executemany("INSERT INTO ready_quickbooks_accounts VALUES (?, ?, ?, ?, ?)", every)
    lake.execute("CREATE TABLE ready_quickbooks_account_balances AS"
                 " SELECT 'src_1' AS _source, DATE '2026-01-01' AS period_start")  # fmt: skip
    lake.execute("CREATE TABLE raw_quickbooks_general_ledger AS SELECT 'src_1' AS _source, now() AS _extracted_at")
    return lake


def sums_of(lake: duckdb.DuckDBPyConnection, chosen: list[Selection]) -> list[dict[int, Decimal] | str]:
    """Return what each comes to by month, or why that is not known; the lists of classes were never read."""
    sides = [side for one in chosen for side in sides_of(Definition(one))]
    compiled = Compiled("src_1", sides)
    found = [[] if set(one.needs) & NEVER_READ else asked(lake, one) for one in compiled.questions()]
    told = [[[str(cell) if isinstance(cell, date) else cell for cell in row] for row in rows] for rows in found]
    return [{day.month: one.total for day, one in answered.input.sums.items()} if answered.input else answered.unknown
            for answered in compiled.answers(told)]  # fmt: skip


NEVER_READ = {"ready_quickbooks_classes", "ready_quickbooks_departments", "ready_quickbooks_customers"}
#: what a line of the report is: types of accounts with their signs, written down once more
REPORT = {"Income": {"Income": 1}, "GrossProfit": {"Income": 1, "Cost of Goods Sold": -1},
          "NetOtherIncome": {"Other Income": 1, "Other Expense": -1},
          "NetIncome": {"Income": 1, "Cost of Goods Sold": -1, "Expense": -1, "Other Income": 1, "Other Expense": -1}}  # fmt: skip


@settings(max_examples=300 if os.environ.get("SOAK") else 8, deadline=None)
@given(
    lines=st.lists(POSTED, min_size=1, max_size=25),
    by=st.tuples(*(st.sampled_from(["", "1", "2"]) for _ in range(3))).filter(any),
)
def test_a_part_is_what_its_lines_add_up_to_and_no_line_is_in_two_classes(
    lines: list[tuple[Any, ...]], by: tuple[str, str, str]
) -> None:
    """Exactly: of the ledger, of lines of the report, of an account with those below it, and of none where it has none."""
    of: dict[str, Any] = dict(zip(FILTERS, by, strict=True))
    profit = Dataset.PROFIT_AND_LOSS
    signs = [{key: REPORT[line].get(kind, 0) for key, (kind, _) in ACCOUNTS.items()} for line in REPORT]
    chosen = [Selection(profit, SECTION, line, **of) for line in REPORT]
    for dataset, kind, item, below, counts in (
        (profit, ACCOUNT, "1", True, "17"), (profit, ACCOUNT, "1", False, "1"), (profit, ACCOUNT, "6", True, ""),
        (Dataset.ACCOUNTS, ACCOUNT, "6", True, "6"), (Dataset.REVENUE, ItemKind.ALL, "", True, "127"),
    ):  # fmt: skip
        chosen.append(Selection(dataset, kind, item, below=below, **of))
        signs.append({key: int(key in counts) for key in ACCOUNTS})
    with lake_of(lines) as lake:
        found = sums_of(lake, chosen)
    for one, sign, told in zip(chosen, signs, found, strict=True):
        wanted: dict[int, Fraction] = defaultdict(Fraction)
        for account, month, cents, *said in lines:
            if all(not asked_for or asked_for == is_ for asked_for, is_ in zip(by, said, strict=True)):
                wanted[month] += sign[account] * Fraction(cents, 100)
        assert not isinstance(told, str)
        assert {month: Fraction(total) for month, total in told.items() if total} == {
            month: total for month, total in wanted.items() if total
        }, one


WAYS: tuple[dict[str, Any], ...] = (
    {"class_id": "1"},
    {"department_id": "2"},
    {"class_id": "2", "customer_id": "1"},
    {"customer_id": "3"},
    {},
)


@settings(max_examples=200 if os.environ.get("SOAK") else 2, deadline=None)
@given(lines=st.lists(POSTED, min_size=1, max_size=25))
def test_each_way_of_narrowing_is_by_itself_though_all_are_read_at_once(lines: list[tuple[Any, ...]]) -> None:
    chosen = [Selection(Dataset.REVENUE, **way) for way in WAYS]
    with lake_of(lines) as lake:
        found = sums_of(lake, chosen)
    for way, told in zip(WAYS, found, strict=True):
        wanted: dict[int, Fraction] = defaultdict(Fraction)
        for account, month, cents, *said in lines:
            if account in "127" and all(said[FILTERS.index(name)] == key for name, key in way.items()):
                wanted[month] += Fraction(cents, 100)
        assert not isinstance(told, str)
        assert {month: Fraction(total) for month, total in told.items() if total} == {
            month: total for month, total in wanted.items() if total
        }, way


def test_no_more_is_kept_of_customers_than_of_those_that_were_chosen() -> None:
    """What is kept for a class and a customer was as many rows as the ledger has: too many to be added up in time."""
    lines = [("1", 1 + number % 3, 100, str(number % 7), str(number % 5), str(number)) for number in range(80)]
    sides = [side for way in WAYS[:4] for side in sides_of(Definition(Selection(Dataset.REVENUE, **way)))]
    with lake_of(lines) as lake:
        for one in Compiled("src_1", sides).questions()[:2]:
            asked(lake, one)
        ((kept,),) = lake.execute("SELECT count(*) FROM made_s0_days").fetchall()
    # Of each month two classes, a department and two customers, each with all others as one: by themselves, and a pair.
    classes, departments, customers = 3, 2, 3
    assert kept <= 3 * (classes + departments + customers + classes * customers)


@pytest.mark.parametrize("both", [True, False], ids=["both signs", "twin: the plain sign alone"])
def test_what_is_taken_off_is_in_several_currencies_too(*, both: bool) -> None:
    """Of a result that is made of expenses alone, the small question finds the currencies that everything has."""
    lines = [("4", 1, 100, "1", None, None), ("4", 2, 100, "1", None, None), ("1", 2, 100, "2", None, None)]
    result = Definition(Selection(Dataset.PROFIT_AND_LOSS, SECTION, "NetIncome", class_id="1"))
    (side,) = sides_of(result)
    with lake_of(lines) as lake:
        lake.execute("UPDATE ready_quickbooks_ledger_lines SET currency = 'EUR' WHERE posting_date < DATE '2026-02-01'")
        compiled = Compiled("src_1", [side])
        (whole,) = compiled.answers([asked(lake, one) for one in compiled.questions()[:-1]] + [[]])
        assert whole.input is not None
        assert "(EUR, USD)" in whole.input.refused
        mixing = Mixing("src_1", [replace(metric(result), state=MetricState.BROKEN, reason=whole.input.refused)])
        questions = mixing.questions()[:-1]
        if not both:
            questions = [replace(one, sql=one.sql.replace("ltrim(m.item, '-')", "m.item")) for one in questions]
        lake.execute("DROP TABLE made_s0_members")
        found = [asked(lake, one) for one in questions]
    assert bool(mixing.still([*found, []])) is both


@pytest.mark.parametrize("believing", [False, True])
def test_where_nothing_was_said_nothing_comes_out(*, believing: bool) -> None:
    """The twin believes that a line of which no class was said has none: it says zero, and a hundred may be right."""
    lines = [("1", 1, 100, None, None, None), ("1", 2, 100, "1", None, None)]
    by_class, whole = Selection(Dataset.REVENUE, class_id="1"), Selection(Dataset.REVENUE)
    with lake_of(lines, known=believing) as lake:
        said, told = sums_of(lake, [by_class, whole])
    assert told == {1: Decimal(1), 2: Decimal(1)}
    if believing:
        assert said == {2: Decimal(1)}
    else:
        assert isinstance(said, str)
        assert "what class each posting is of is not known yet" in said


def test_while_it_is_not_known_each_place_says_so() -> None:
    """A preview does not say that nothing is imported, and the chain names what is missing."""
    narrow = Definition(Selection(Dataset.REVENUE, class_id="7"))
    (side,) = sides_of(narrow)
    assert side.table is not None
    why, at = side.table.unknown, datetime(2026, 11, 22, 12, tzinfo=UTC)
    waits = outcome_of(metric(narrow), [(side, Answered(None, empty=True, unknown=why))], samples.run(as_of=5), {})
    assert (waits.waits, waits.note) == (True, why)
    shown = Shown(replace(metric(narrow), as_of=None), MetricState.CALCULATING, "Temerity", waits.note)
    form = preview_form(shown, Draft("card_1", "src_1", narrow, "Sold"), "", at)
    for told in (str(form), str(metric_preview(shown, at, "v"))):
        assert "each posting is of is not known yet" in told
        assert "Nothing of it is imported" not in told
    known = replace(shown.metric, state=MetricState.CALCULATING, reason=why)
    found = explain_metric(evidence(replace(shown, metric=known), turn=Turn(None, 0)))
    assert found.cause is not None
    assert (found.cause.kind, found.cause.said) == (LinkKind.TABLE, why)
    assert "what class each posting is of is not known yet" in str(metric_why(found, zone="UTC"))


def test_what_it_is_narrowed_to_can_be_read() -> None:
    chosen = Selection(Dataset.ITEMS, class_id="7", class_name="Retail", customer_id="3")
    assert definition_words(Definition(chosen)).startswith("sum of all (items), class Retail, customer 3, each month")
    # One without those below it reads so on the card that is confirmed.
    account = Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1", "Cash", below=False)
    assert definition_words(Definition(account)).startswith("sum of Cash without those below it (accounts), each")
    assert "without" not in definition_words(Definition(replace(account, below=True)))


DAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
BY_CLASS = Selection(Dataset.ITEMS, class_id="7", class_name="Retail", customer_id="3", customer_name="Ann")


def metric(definition: Definition, reason: str = "") -> Metric:
    state = MetricState.BROKEN if reason else MetricState.CURRENT
    return Metric("met_1", "org_1", "src_1", "acc", "Sold", definition, 1, "mem_1", "", DAY, state, reason, DAY, "run_1",
                  DAY, 1)  # fmt: skip


def lost_in(classes: list[str] | None, sides: list[Side]) -> list[str]:
    """Return what is lost when these classes are there; None: their list was never read."""
    with duckdb.connect() as lake:
        tables = {
            "ready_quickbooks_customers": ("customer_id", ["3"]),
            "ready_quickbooks_classes": ("class_id", classes),
        }
        for table, (key, rows) in tables.items():
            if rows is not None:
                lake.execute(f"CREATE TABLE {table} (_source VARCHAR, {key} VARCHAR)")
                lake.execute(f"INSERT INTO {table} SELECT 'src_1', unnest($1::VARCHAR[])", [rows])
        found: list[list[Any]] = []
        for one in there("src_1", sides):
            missing = classes is None and "ready_quickbooks_classes" in one.needs
            found.append([] if missing else lake.execute(one.sql, list(one.parameters)).fetchall())
    return lost_of(sides, found)


@pytest.mark.parametrize("loses", [False, True])
def test_a_class_that_vanished_breaks_what_is_narrowed_to_it(*, loses: bool) -> None:
    """Its sum would be zero from then on, and look like a number: that is what the twin believes."""
    definition = Definition(Selection(Dataset.ITEMS), Calculation.RATIO, BY_CLASS)
    sides = sides_of(definition)
    assert lost_in(["7", "8"], sides) == ["", ""]
    assert lost_in(None, sides) == ["", ""], "of a list that was never read nothing is known"
    lost = ["", ""] if loses else lost_in([], sides)
    answered = [(side, Answered(Input({}, DAY.date()), lost=one)) for side, one in zip(sides, lost, strict=True)]
    found = outcome_of(metric(definition), answered, samples.run(as_of=5), {})
    assert (found.broken == "class Retail is not in QuickBooks any more") is not loses


@pytest.mark.parametrize(
    "reason, lost, label",
    [
        ("class Retail is not in QuickBooks any more", ("by_class_id",), "Only the class"),
        ("Tote is not in QuickBooks any more", ("item",), "Product or service"),
    ],
)
def test_of_a_ratio_only_what_vanished_of_one_side_is_asked_for(reason: str, lost: tuple[str, ...], label: str) -> None:
    first = Selection(Dataset.ITEMS, ItemKind.ITEM, "5", "Tote")
    broken = metric(Definition(first, Calculation.RATIO, BY_CLASS), reason)
    assert lost_fields(broken) == lost
    left = without_lost(broken)
    assert left.divisor is not None
    assert (left.selection.item == "5", left.divisor.class_id == "7") == (lost != ("item",), lost == ("item",))
    assert left.divisor.customer_id == "3", "what is still there stays"
    desk = Desk({"src_1": "Temerity"}, {"mem_1": "Maya"}, {}, "UTC")
    filling = Filling(Draft("card_1", "src_1", left, "Sold", "met_1"), desk, fits(left), gone=reason, lost=lost)
    (asked,) = metric_form(filling, "").inputs
    assert (asked.label, asked.name.partition(":")[2].partition(".")[0]) == (label, lost[0])
    # Of one that is broken for another reason, and of one that is not, nothing is lost.
    for other in (replace(broken, reason="its amounts are in EUR, USD"), replace(broken, state=MetricState.CURRENT)):
        assert (lost_fields(other), without_lost(other)) == ((), broken.definition)


def test_whether_what_vanished_is_there_again_is_a_small_question() -> None:
    """Of a broken metric no records are read before its item and its class are there."""
    definition = Definition(Selection(Dataset.CUSTOMERS, ItemKind.CUSTOMER, "3", "Ann"))
    broken = metric(definition, "Ann is not in QuickBooks any more")
    assert is_lost(broken)
    assert not is_lost(replace(broken, reason="its amounts are in EUR, USD, and nothing is converted"))
    asked = returns("src_1", [broken])
    assert not any("invoice" in table for one in asked for table in one.needs)
    found = {}
    for customers in ([], ["3"]):
        with duckdb.connect() as lake:
            lake.execute("CREATE TABLE ready_quickbooks_preferences (_source VARCHAR, home_currency VARCHAR)")
            lake.execute("CREATE TABLE ready_quickbooks_profit_and_loss (_source VARCHAR, currency VARCHAR)")
            made = (
                "SELECT 'src_1' AS _source, unnest($1::VARCHAR[]) AS customer_id, NULL::VARCHAR AS parent_customer_id"
            )
            lake.execute(f"CREATE TABLE ready_quickbooks_customers AS {made}", [customers])
            answers = [lake.execute(one.sql, list(one.parameters)).fetchall() for one in asked]
        found[len(customers)] = still_lost([broken], answers)
    assert found == {0: {"met_1"}, 1: set()}
