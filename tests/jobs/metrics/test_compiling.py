"""What people choose or type never becomes SQL, and what cannot be calculated is refused in words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.compiling import Compiled, sides_of
from jobs.metrics.datasets import tables
from jobs.metrics.values import MOST_PERIODS, values
from jobs.metrics.wishes import read_wish
from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Kept,
    Period,
    Selection,
    Target,
    Value,
)
from templates.notices.metrics import value_words

KINDS = {dataset: min(table.kinds) for (dataset, _), table in tables().items()}
nasty = st.text(max_size=40) | st.sampled_from(["'", "x'); DROP TABLE metrics; --", "$1", '"', "\\", "%s", "{one}"])


def sql_of(definition: Definition, source: str = "src_1") -> list[str]:
    return [question.sql for question in Compiled(source, sides_of(definition)).questions()]


def pasted(definition: Definition, source: str = "src_1") -> list[str]:
    """A twin that writes the item into the statement."""
    return [sql.replace("$4", f"['{definition.selection.item}']") for sql in sql_of(definition, source)]


def depends(make: Callable[..., list[str]], dataset: Dataset, words: list[str]) -> bool:
    plain = Definition(Selection(dataset, KINDS[dataset], "1"))
    item, name, class_id, department, customer, source = words
    chosen = replace(plain.selection, item=item, item_name=name, class_id=class_id, department_id=department,
                     customer_id=customer)  # fmt: skip
    return make(replace(plain, selection=chosen, currency=name, noun=name, zone=name), source) != make(plain)


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
        Definition(Selection(Dataset.REVENUE, class_id="7")),
        Definition(Selection(Dataset.PROFIT_AND_LOSS)),
        Definition(Selection(Dataset.REVENUE), zone="Mars/Olympus"),
        Definition(Selection(Dataset.REVENUE), fiscal_month=13),
    ],
    ids=lambda one: f"{one.selection.dataset}-{one.calculation}-{one.frequency}-{one.zone}-{one.fiscal_month}",
)
def test_what_cannot_be_calculated_is_refused(definition: Definition) -> None:
    with pytest.raises(MetricRefusedError):
        check(definition)


def test_a_document_of_another_century_ends_no_calculation() -> None:
    sides = sides_of(Definition(Selection(Dataset.CUSTOMERS), Calculation.SUM, frequency=Frequency.WEEKLY))
    compiled = Compiled("src_1", sides)
    with duckdb.connect() as lake:
        lake.execute("CREATE TABLE ready_quickbooks_customers AS SELECT 'src_1' AS _source, 'c' AS customer_id,"
                     " NULL::VARCHAR AS parent_customer_id")  # fmt: skip
        lake.execute("CREATE TABLE ready_quickbooks_preferences AS SELECT 'src_1' AS _source, 'USD' AS home_currency")
        lake.execute("CREATE TABLE ready_quickbooks_profit_and_loss AS SELECT 'src_1' AS _source, 'USD' AS currency")
        for name in ("invoice", "sales_receipt", "credit_memo", "refund_receipt"):
            days = "DATE '0001-01-01', DATE '9999-12-31', DATE '2026-01-05'" if name == "invoice" else ""
            lake.execute(f"CREATE TABLE ready_quickbooks_{name}s AS SELECT 'src_1' AS _source, 'c' AS customer_id,"
                         f" unnest([{days}]::DATE[]) AS {name}_date, 7.00::DECIMAL(18, 2) AS home_total_amount,"
                         " NULL::VARCHAR AS class_id, NULL::VARCHAR AS department_id")  # fmt: skip
        found = [lake.execute(one.sql, list(one.parameters)).fetchall() for one in compiled.questions()]
    told = [[[str(cell) if isinstance(cell, date) else cell for cell in row] for row in rows] for rows in found]
    (answered,) = compiled.answers(told)
    assert answered.input is not None
    made = values(sides[0].definition, answered.input, None, date(2026, 1, 12))
    assert [one.value for one in made[-2:]] == [7, 0]
    assert len(made) == MOST_PERIODS


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
