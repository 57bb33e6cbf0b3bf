"""A metric is narrowed to a class, department or customer where the data say which one an amount is of; else refused."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from bot.cli.samples import facts as samples
from bot.cli.samples.metric_why import evidence
from jobs.explain.chain import explain_metric
from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.compiling import Answered, Side, lost_of, sides_of, there
from jobs.metrics.fitting import fits, fitted
from jobs.metrics.inputs import streams_of, worst_input
from jobs.metrics.losing import is_lost, lost_fields, returns, still_lost, without_lost
from jobs.metrics.outcomes import outcome_of
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
from templates.forms.metrics import metric_form, preview_form
from templates.notices.metric_why import metric_why
from templates.notices.metrics import definition_words, metric_preview


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
    # What does not go together with it is not offered, and taken out.
    if dataset is Dataset.ACCOUNTS:
        left = fitted(replace(narrow, calculation=Calculation.END_BALANCE))
        assert (left.selection.class_id, fits(left).first.filters) == ("", ())
    if dataset is Dataset.PROFIT_AND_LOSS:
        assert fitted(replace(narrow, basis=Basis.CASH)).selection.class_id == ""


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
