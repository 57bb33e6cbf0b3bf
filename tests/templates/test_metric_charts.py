"""The chart of a metric says the same numbers as the card that it stands on, however large they are."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Shown,
    Value,
)
from templates.notices.metric_words import value_words
from templates.notices.metrics import metric_shown
from templates.notices.trends import metric_chart

AT = datetime(2026, 11, 22, tzinfo=UTC)
LARGE = "9" * 36 + ".99"


def shown(definition: Definition, *values: str) -> Shown:
    """A metric with those values, the latest first."""
    metric = Metric("met_1", "org_1", "src_1", "1", "Sold", definition, 1, "mem_1", "", AT, MetricState.CURRENT, "",
                    AT, "run_1", AT, 1)  # fmt: skip
    kept = tuple(
        Kept(Value(Period(date(2026, month, 1), date(2026, month, 28)), Decimal(value)), 1, "USD", AT, "run_1", 1, 1)
        for month, value in zip(range(10, 0, -1), values, strict=False)
    )
    return Shown(metric, MetricState.CURRENT, "Temerity Goods", values=kept)


@pytest.mark.parametrize(
    "calculation, decimals, values, loses",
    [
        (Calculation.SUM, 2, ("0.125", "2.5", "0.135"), False),
        (Calculation.SUM, 0, ("2.5", "0.5", "-1.5"), False),
        (Calculation.GROWTH, 1, ("0.0005", "0.0015", "-0.0025"), False),
        (Calculation.COUNT, 2, ("3", "4", "5"), False),
        (Calculation.SUM, 2, (LARGE, "1", "-" + LARGE), False),
        (Calculation.GROWTH, 2, ("9" * 26 + ".111111111111", "2.5", "-1"), False),
        (Calculation.SUM, 2, ("-0.001", "2.5", "-0.004"), False),
        # The twin rounds half to even.
        (Calculation.SUM, 2, ("0.125", "2.5", "0.135"), True),
    ],
)
def test_a_chart_says_what_the_card_says(
    calculation: Calculation, decimals: int, values: tuple[str, ...], *, loses: bool
) -> None:
    definition = Definition(Selection(Dataset.REVENUE), calculation, decimals=decimals)
    told = shown(definition, *values)
    chart = metric_chart(told)
    assert chart is not None
    digits = 0 if calculation is Calculation.COUNT else decimals
    drawn = [f"{value:,.{digits}f}" for value in reversed(chart.series[0].values) if value is not None]
    if loses:
        drawn = [f"{round(kept.value.value or 0, digits):,.{digits}f}" for kept in told.values]
    said = [value_words(definition, kept).removesuffix(" USD").removesuffix(" %") for kept in told.values]
    assert (drawn == said) is not loses
    assert loses or said[0] in chart.alt
    assert "-0.00" not in said
    assert metric_shown(told, AT).parts
