"""What people choose or type never becomes SQL, and what cannot be calculated is refused in words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.compiling import Compiled, sides_of
from jobs.metrics.datasets import tables
from jobs.metrics.fitting import fitted
from jobs.metrics.values import MOST_PERIODS, values
from jobs.metrics.wishes import read_wish
from storage.facts.home import Board
from storage.facts.messages import Facts
from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Shown,
    Target,
    Value,
)
from storage.warehouse.apart import Question
from templates.notices.board import board_parts
from templates.notices.metric_words import changed_words, target_words, value_words
from templates.notices.metrics import metric_shown

KINDS = {dataset: min(table.kinds) for (dataset, _), table in tables().items()}
nasty = st.text(max_size=40) | st.sampled_from(["'", "x'); DROP TABLE metrics; --", "$1", '"', "\\", "%s", "{one}"])


def sql_of(definition: Definition, source: str = "src_1") -> list[str]:
    return [question.sql for question in Compiled(source, sides_of(definition)).questions()]


def pasted(definition: Definition, source: str = "src_1") -> list[str]:
    """A twin that writes the item into the statement."""
    return [sql.replace("$3", f"['{definition.selection.item}']") for sql in sql_of(definition, source)]


def depends(make: Callable[..., list[str]], dataset: Dataset, words: list[str]) -> bool:
    plain = Definition(Selection(dataset, KINDS[dataset], "1"))
    item, name, class_id, department, customer, source = words
    chosen = replace(plain.selection, item=item, item_name=name, class_id=class_id, department_id=department,
                     customer_id=customer)  # fmt: skip
    # Which filters there are decides the text; what they are does not.
    filters = [one and "9" for one in (class_id, department, customer)]
    narrowed = replace(plain.selection, class_id=filters[0], department_id=filters[1], customer_id=filters[2])
    other = replace(plain, selection=narrowed)
    return make(replace(plain, selection=chosen, currency=name, noun=name, zone=name), source) != make(other)


@settings(max_examples=40)
@given(dataset=st.sampled_from(Dataset), words=st.lists(nasty, min_size=6, max_size=6))
def test_the_text_of_a_question_is_ours_alone(dataset: Dataset, words: list[str]) -> None:
    assert not depends(sql_of, dataset, words)


def test_a_twin_that_pastes_is_caught() -> None:
    assert depends(pasted, Dataset.ACCOUNTS, ["x'); DROP TABLE metrics; --"] * 6)


@pytest.mark.parametrize(
    "definition",
    [
        Definition(Selection(Dataset.ACCOUNTS, ItemKind.ACCOUNT, "1"), basis=Basis.CASH),
        Definition(Selection(Dataset.PROFIT_AND_LOSS, ItemKind.ACCOUNT, "1"), frequency=Frequency.WEEKLY),
        Definition(Selection(Dataset.PROFIT_AND_LOSS, ItemKind.ACCOUNT, "1"), Calculation.COUNT),
        Definition(Selection(Dataset.REVENUE), Calculation.END_BALANCE),
        Definition(Selection(Dataset.REVENUE), Calculation.RATIO),
        Definition(Selection(Dataset.REVENUE), divisor=Selection(Dataset.REVENUE)),
        Definition(Selection(Dataset.REVENUE), Calculation.CUMULATIVE, frequency=Frequency.WEEKLY),
        Definition(Selection(Dataset.CUSTOMERS, class_id="7")),
        Definition(Selection(Dataset.PROFIT_AND_LOSS)),
        Definition(Selection(Dataset.REVENUE), zone="Mars/Olympus"),
        Definition(Selection(Dataset.REVENUE), fiscal_month=13),
    ],
    ids=lambda one: f"{one.selection.dataset}-{one.calculation}-{one.frequency}-{one.zone}-{one.fiscal_month}",
)
def test_what_cannot_be_calculated_is_refused(definition: Definition) -> None:
    with pytest.raises(MetricRefusedError):
        check(definition)


def asked(lake: duckdb.DuckDBPyConnection, question: Question) -> list[Any]:
    kept = f"CREATE TABLE made_{question.keep} AS " if question.keep else ""
    rows = lake.execute(kept + question.sql, list(question.parameters)).fetchall()
    return [] if kept else rows


def test_a_document_of_another_century_ends_no_calculation_and_one_without_a_day_is_told() -> None:
    sides = sides_of(Definition(Selection(Dataset.CUSTOMERS), Calculation.SUM, frequency=Frequency.WEEKLY))
    compiled = Compiled("src_1", sides)
    with duckdb.connect() as lake:
        lake.execute("CREATE TABLE ready_quickbooks_customers AS SELECT 'src_1' AS _source, 'c' AS customer_id,"
                     " NULL::VARCHAR AS parent_customer_id")  # fmt: skip
        lake.execute("CREATE TABLE ready_quickbooks_preferences AS SELECT 'src_1' AS _source, 'USD' AS home_currency")
        lake.execute("CREATE TABLE ready_quickbooks_profit_and_loss AS SELECT 'src_1' AS _source, 'USD' AS currency")
        for name in ("invoice", "sales_receipt", "credit_memo", "refund_receipt"):
            days = "DATE '0001-01-01', DATE '9999-12-31', DATE '2026-01-05', NULL" if name == "invoice" else ""
            lake.execute(f"CREATE TABLE ready_quickbooks_{name}s AS SELECT 'src_1' AS _source, 'c' AS customer_id,"
                         f" unnest([{days}]::DATE[]) AS {name}_date, 7.00::DECIMAL(18, 2) AS home_total_amount,"
                         " NULL::VARCHAR AS class_id, NULL::VARCHAR AS department_id")  # fmt: skip
        found = [asked(lake, one) for one in compiled.questions()]
    told = [[[str(cell) if isinstance(cell, date) else cell for cell in row] for row in rows] for rows in found]
    (answered,) = compiled.answers(told)
    assert answered.input is not None
    made = values(sides[0].definition, answered.input, None, date(2026, 1, 12))
    assert [one.value for one in made[-2:]] == [7, 0]
    assert (answered.input.undated, answered.input.currency) == (1, "USD")
    assert len(made) == MOST_PERIODS


def test_a_value_that_lacks_records_says_so_and_is_not_judged() -> None:
    now = datetime(2026, 1, 12, tzinfo=UTC)
    metric = Metric("met_1", "org_1", "src_1", "1", "Sold", Definition(Selection(Dataset.CUSTOMERS), target=Target(Decimal(5))),
                    1, "mem_1", "", now, MetricState.CURRENT, "", now, "run_1", now, 1)  # fmt: skip
    kept = Kept(Value(Period(date(2026, 1, 1), date(2026, 1, 31)), Decimal(7)), 1, "USD", now, "run_1", 1, 1)

    def said(reason: str) -> dict[str, str]:
        message = metric_shown(Shown(metric, MetricState.CURRENT, "Temerity Goods", reason, values=(kept,)), now)
        (facts,) = [part for part in message.parts if isinstance(part, Facts)]
        return {name: str(words[0]) for name, words in facts.rows}

    assert said("left out: sales (2)")["State"] == "current: left out: sales (2)"
    assert said("left out: sales (2)")["Target"] == "at least 5.00 USD; not judged, because something is left out"
    assert said("")["Target"] == "at least 5.00 USD; met so far"


@pytest.mark.parametrize(
    "target, side, band, value, over, said",
    [
        ("100", Direction.AT_LEAST, "0", "100", True, "met"),
        ("100", Direction.AT_LEAST, "0", "99.99", True, "missed"),
        ("100", Direction.AT_LEAST, "5", "95", True, "missed, but within the band"),
        ("100", Direction.AT_LEAST, "5", "94.99", True, "missed"),
        ("100", Direction.AT_MOST, "5", "105", True, "missed, but within the band"),
        ("100", Direction.AT_MOST, "5", "105.01", True, "missed"),
        ("100", Direction.AT_MOST, "5", "100", False, "met so far"),
        ("100", Direction.AT_LEAST, "5", "96", False, "within the band so far"),
        ("100", Direction.AT_LEAST, "5", "1", False, "not met so far; the period is not over"),
        ("-100", Direction.AT_LEAST, "10", "-90", True, "met"),
        ("-100", Direction.AT_LEAST, "10", "-110", True, "missed, but within the band"),
        ("-100", Direction.AT_LEAST, "10", "-110.01", True, "missed"),
        ("-100", Direction.AT_MOST, "10", "-90", True, "missed, but within the band"),
        ("0", Direction.AT_LEAST, "0", "0", True, "met"),
        ("0", Direction.AT_MOST, "0", "0.01", True, "missed"),
    ],
)
def test_how_a_value_stands_to_its_target(
    target: str, side: Direction, band: str, value: str, *, over: bool, said: str
) -> None:
    at = datetime(2026, 2, 1 if over else 2, tzinfo=UTC) - timedelta(days=0 if over else 10)
    asked = Definition(Selection(Dataset.REVENUE), target=Target(Decimal(target), side, Decimal(band)))
    metric = Metric("met_1", "org_1", "src_1", "1", "Sold", asked, 1, "mem_1", "", at, MetricState.CURRENT, "", at,
                    "run_1", at, 1)  # fmt: skip
    kept = Kept(Value(Period(date(2026, 1, 1), date(2026, 1, 31)), Decimal(value)), 1, "USD", at, "run_1", 1, 1)
    words = target_words(Shown(metric, MetricState.CURRENT, "Temerity Goods", values=(kept,)), kept)
    assert words.partition("; ")[2] == said
    assert ("band of" in words) == (band != "0")
    for state in set(MetricState) - {MetricState.CURRENT}:
        assert "not judged" in target_words(Shown(metric, state, "Temerity Goods", values=(kept,)), kept)


@pytest.mark.parametrize(
    "zone, day, hour, said",
    [
        # Seven in the evening of the 31st in New York is the 1st in London, and an hour before midnight the 1st in Sydney.
        ("America/New_York", 1, 0, "not met so far; the period is not over"),
        ("America/New_York", 1, 5, "missed"),
        ("UTC", 1, 0, "missed"),
        ("Australia/Sydney", 31, 13, "missed"),
        ("Australia/Sydney", 31, 12, "not met so far; the period is not over"),
    ],
)
def test_whether_a_period_is_over_is_asked_where_its_days_are(zone: str, day: int, hour: int, said: str) -> None:
    at = datetime(2026, 2 if day == 1 else 1, day, hour, 30, tzinfo=UTC)
    asked = Definition(Selection(Dataset.REVENUE), zone=zone, target=Target(Decimal(100)))
    metric = Metric("met_1", "org_1", "src_1", "1", "Sold", asked, 1, "mem_1", "", at, MetricState.CURRENT, "", at,
                    "run_1", at, 1)  # fmt: skip
    value = Value(Period(date(2026, 1, 1), date(2026, 1, 31)), Decimal(1), complete=said == "missed")
    kept = Kept(value, 1, "USD", at, "run_1", 1, 1)
    shown = Shown(metric, MetricState.CURRENT, "Temerity Goods", values=(kept,))
    assert target_words(shown, kept).partition("; ")[2] == said
    board = repr(board_parts(Board((shown,), 1), "Metric", frozenset(), at))
    so_far = said != "missed"
    assert (changed_words(kept, asked) == "so far", ", so far" in board) == (so_far, so_far)


def test_a_number_of_records_has_no_sign() -> None:
    counting = Definition(Selection(Dataset.REVENUE), Calculation.COUNT, reversed=True)
    with pytest.raises(MetricRefusedError, match="no sign to turn around"):
        check(counting)
    # A form takes it out, where what is counted was a sum before.
    assert fitted(counting) == replace(counting, reversed=False)
    assert fitted(replace(counting, calculation=Calculation.SUM)).reversed


def test_a_band_of_zero_is_refused_and_a_target_may_be_in_percent() -> None:
    with pytest.raises(MetricRefusedError, match="of zero there is none"):
        check(read_wish("N = revenue, target at least 0 band 5").rest)
    assert read_wish("N = revenue, growth, target at least 7.5 % band 2.5 %").rest.target == Target(
        Decimal("0.075"), Direction.AT_LEAST, Decimal("2.5")
    )


def test_an_absurd_amount_hides_no_other_metric() -> None:
    value = Value(Period(date(2026, 1, 1), date(2026, 1, 31)), Decimal(10) ** 40)
    kept = Kept(value, 1, "USD", datetime(2026, 2, 1, tzinfo=UTC), "run_1", 1, 1)
    assert value_words(Definition(Selection(Dataset.REVENUE)), kept).endswith("000.00 USD")


def test_an_item_may_have_commas_and_a_misspelt_option_is_named() -> None:
    wish = read_wish("Sold = customers: Cooper, Ann / customers: Fish, Bob & Co, quarterly, decimals 1")
    assert [item for _, item in wish.items] == ["Cooper, Ann", "Fish, Bob & Co"]
    assert (wish.rest.frequency, wish.rest.decimals) == (Frequency.QUARTERLY, 1)
    with pytest.raises(MetricRefusedError, match="2 to 60 periods"):
        check(read_wish("N = revenue, rolling 99").rest)
    with pytest.raises(MetricRefusedError, match="montly"):
        read_wish("N = revenue, montly, decimals 1")


def test_words_become_a_definition() -> None:
    wish = read_wish(" Gross  margin = profit and loss: GrossProfit / Profit and Loss: Income , quarterly, cash,"
                     " fiscal year from april, target at most 0.35, decimals 4, reversed")  # fmt: skip
    assert wish.name == "Gross margin"
    assert wish.items == ((Dataset.PROFIT_AND_LOSS, "GrossProfit"), (Dataset.PROFIT_AND_LOSS, "Income"))
    found = wish.rest
    assert (found.calculation, found.frequency, found.basis) == (Calculation.RATIO, Frequency.QUARTERLY, Basis.CASH)
    assert (found.fiscal_month, found.decimals, found.reversed) == (4, 4, True)
    assert found.target == Target(Decimal("0.35"), Direction.AT_MOST)
    rolling = read_wish("R = revenue, rolling 6, weekly").rest
    assert (rolling.calculation, rolling.window, rolling.frequency) == (Calculation.ROLLING, 6, Frequency.WEEKLY)


@pytest.mark.parametrize(
    "words",
    ["", "Net income", "= revenue", "N = sales", "N = revenue, ratio", "N = revenue, value 7", "N = revenue / expenses / items",
     "N = revenue, fiscal year from brumaire", "N = revenue, target at least ٣", "N\x00 = revenue", f"{'N' * 90} = revenue",
     "N = revenue" + ", monthly" * 60],
    ids=range(12),
)  # fmt: skip
def test_words_that_are_none_are_refused_and_no_value_is_typed_in(words: str) -> None:
    with pytest.raises(MetricRefusedError):
        read_wish(words)
