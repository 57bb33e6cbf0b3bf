"""A metric is narrowed to a class, department or customer where the data say which one an amount is of; else refused."""

import pytest

from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.wishes import read_wish
from storage.facts.metrics import Basis, Dataset, Definition, Frequency, ItemKind, Selection
from templates.notices.metrics import definition_words


def test_names_keep_their_letters_and_the_last_options_are_options() -> None:
    wish = read_wish("Sold = items: Tote, large, Class  Straße & Co, location Oakland studio, customer Ann, weekly")
    assert wish.items == ((Dataset.ITEMS, "Tote, large"),)
    assert wish.narrowed == (("class_id", "Straße & Co"), ("department_id", "Oakland studio"), ("customer_id", "Ann"))
    assert wish.rest.frequency is Frequency.WEEKLY
    assert read_wish("Sold = items").narrowed == ()
    with pytest.raises(MetricRefusedError, match="not several of them"):
        read_wish("Sold = items, class Retail, class Wholesale")


@pytest.mark.parametrize("dataset", [Dataset.ACCOUNTS, Dataset.REVENUE, Dataset.PROFIT_AND_LOSS, Dataset.CATEGORIES])
@pytest.mark.parametrize(
    "field, there",
    [
        ("class_id", "Products and services"),
        ("department_id", "Customers, Products and services"),
        ("customer_id", "Products and services"),
    ],
)
def test_the_ledger_and_the_reports_say_where_it_can_be_chosen(dataset: Dataset, field: str, there: str) -> None:
    kind = {Dataset.REVENUE: ItemKind.ALL, Dataset.CATEGORIES: ItemKind.CATEGORY}.get(dataset, ItemKind.ACCOUNT)
    chosen = {"class_id": Selection(dataset, kind, "1", class_id="7"),
              "department_id": Selection(dataset, kind, "1", department_id="7"),
              "customer_id": Selection(dataset, kind, "1", customer_id="7")}[field]  # fmt: skip
    word = field.removesuffix("_id")
    with pytest.raises(MetricRefusedError, match=f"what {word} an amount is of; a {word} can be chosen for: {there}$"):
        check(Definition(chosen))
    check(Definition(Selection(dataset, kind, "1"), basis=Basis.ACCRUAL))


def test_what_it_is_narrowed_to_can_be_read() -> None:
    chosen = Selection(Dataset.ITEMS, class_id="7", class_name="Retail", customer_id="3")
    assert definition_words(Definition(chosen)).startswith("sum of all (items), class Retail, customer 3, each month")
