"""How a metric is calculated is told whole: what is compared with what, over how many periods, from which month on."""

import pytest

from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Frequency, Selection
from templates.notices.metric_words import definition_words

REVENUE = Selection(Dataset.REVENUE)


@pytest.mark.parametrize(
    "definition, words",
    [
        (Definition(REVENUE), "sum of all (revenue), each month, accrual basis"),
        (
            Definition(REVENUE, Calculation.ROLLING, window=6),
            "average of all (revenue), over the last 6 periods, each month, accrual basis",
        ),
        (
            Definition(REVENUE, Calculation.GROWTH_YEAR, frequency=Frequency.WEEKLY),
            "growth of all (revenue), against the year before, each week, accrual basis",
        ),
        (
            Definition(REVENUE, Calculation.CUMULATIVE, basis=Basis.CASH, fiscal_month=7, reversed=True),
            "sum of all (revenue), since the fiscal year began, each month, fiscal year from July, cash basis, sign turned",
        ),
    ],
)
def test_how_it_is_calculated_is_told_whole(definition: Definition, words: str) -> None:
    assert definition_words(definition) == words


@pytest.mark.parametrize("calculation", list(Calculation))
def test_every_calculation_has_words_of_its_own(calculation: Calculation) -> None:
    others = {definition_words(Definition(REVENUE, one)) for one in Calculation if one is not calculation}
    assert definition_words(Definition(REVENUE, calculation)) not in others
