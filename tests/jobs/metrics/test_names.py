"""What is called alike in QuickBooks stays two: names that differ in case or spaces, and the same name below another."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from jobs.metrics.calling import chosen_of, narrowing_to
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.choosing import Names, items_of
from jobs.metrics.datasets import names_of, narrowing_names
from storage.facts.metrics import Dataset, ItemKind, Selection

ACCOUNTS = {"1": "Sales", "2": "sales", "3": "SALES", "4": "Fees ", "5": " fees", "6": "Rent  and   more", "7": "Tips"}
CLASSES = {"1": "Retail", "2": "Wholesale:Retail", "3": "Wholesale", "4": "Web", "5": "web", "6": "Shops:East",
           "7": "Trade:East"}  # fmt: skip


def asked(sql: str, name: str) -> list[Any]:
    lake = duckdb.connect()
    lake.execute(
        "CREATE TABLE ready_quickbooks_accounts (_source VARCHAR, account_id VARCHAR, account_full_name VARCHAR)"
    )
    lake.execute("CREATE TABLE ready_quickbooks_classes (_source VARCHAR, class_id VARCHAR, class_full_name VARCHAR,"
                 " class_name VARCHAR)")  # fmt: skip
    for source in ("src_1", "src_2"):
        lake.executemany("INSERT INTO ready_quickbooks_accounts VALUES (?, ?, ?)",
                         [(source, key, called) for key, called in ACCOUNTS.items()])  # fmt: skip
        lake.executemany("INSERT INTO ready_quickbooks_classes VALUES (?, ?, ?, ?)",
                         [(source, key, called, called.split(":")[-1]) for key, called in CLASSES.items()])  # fmt: skip
    return lake.execute(sql, ["src_1", name]).fetchall()


def account(name: str) -> Selection:
    rows = asked(names_of(Dataset.ACCOUNTS, ItemKind.ACCOUNT), name)
    return chosen_of(Dataset.ACCOUNTS, name, [(ItemKind.ACCOUNT, key, called) for key, called in rows])


def narrowed(name: str) -> str:
    rows: Sequence[Sequence[str]] = asked(narrowing_names("class_id"), name)
    return narrowing_to(("class_id", name), rows)(Selection(Dataset.REVENUE)).class_id


@pytest.mark.parametrize(
    "name, key", [("Sales", "1"), ("sales", "2"), ("SALES", "3"), ("Rent and more", "6"), ("TIPS", "7")]
)
def test_of_accounts_that_differ_in_case_the_one_that_is_written_so_is_meant(name: str, key: str) -> None:
    assert account(name).item == key


@pytest.mark.parametrize("name, said", [("sAles", "several things"), ("Fees", "several things"), ("Cash", "nothing")])
def test_where_it_is_not_certain_which_is_meant_nothing_is_chosen(name: str, said: str) -> None:
    with pytest.raises(MetricRefusedError, match=said):
        account(name)


@pytest.mark.parametrize("name, key", [("Retail", "1"), ("Wholesale:Retail", "2"), ("RETAIL", "1"), ("web", "5")])
def test_a_whole_name_is_before_the_end_of_another(name: str, key: str) -> None:
    assert narrowed(name) == key


@pytest.mark.parametrize("name", ["East", "WEB"])
def test_of_two_classes_that_are_called_so_none_is_chosen(name: str) -> None:
    with pytest.raises(MetricRefusedError, match="several of the class names"):
        narrowed(name)


def test_of_a_name_of_ten_thousand_letters_no_more_is_kept_than_a_form_can_carry() -> None:
    chosen = chosen_of(Dataset.ACCOUNTS, "x" * 10_000, [(ItemKind.ACCOUNT, "1", "x" * 10_000)])
    narrow = narrowing_to(("class_id", "y" * 10_000), [("7", "y" * 10_000)])(chosen)
    assert (narrow.item, narrow.class_id, len(narrow.item_name), len(narrow.class_name)) == ("1", "7", 200, 200)


def test_a_menu_offers_each_of_them() -> None:
    names = Names({"account": [(key, called, "Income", "Revenue") for key, called in ACCOUNTS.items()]})
    assert {one.key for one in names.search(items_of(Dataset.ACCOUNTS), "sales")} == {"1", "2", "3"}
    assert {one.key for one in names.search(items_of(Dataset.ACCOUNTS), "fees")} == {"4", "5"}
