"""The tables that people import have the columns that are promised, whoever fills them, and keep their signs."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.cli.pages import IMPORTS
from connectors import finance, pages
from connectors.finance import finance_tables
from connectors.registry import connector_for
from storage.facts.imports import ImportTable
from storage.facts.sources import Provider
from storage.warehouse.declared import declared_columns
from storage.warehouse.imports import reads, view

ROOT = Path(__file__).parents[2]
TABLES = finance_tables()
#: a ready table and one row of it
Made = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every ready table of every provider, without rows."""
    connection = duckdb.connect(":memory:")
    for provider in Provider:
        connector = connector_for(provider)
        for name, columns in declared_columns(provider, connector.streams, connector.ready).items():
            if name.startswith("ready_"):
                told = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
                connection.execute(f"CREATE TABLE {name} (_source VARCHAR, _key VARCHAR, {told})")
    yield connection
    connection.close()


def columns(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {sql}").fetchall()]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns_are_those_that_are_promised_whoever_fills_the_table(
    table: ImportTable, empty: duckdb.DuckDBPyConnection
) -> None:
    promised = [(one.name, one.type) for one in table.columns]
    everything = {row[0] for row in empty.execute("SHOW TABLES").fetchall()}
    assert table.parts
    assert all(reads(sql) <= everything for sql in table.parts.values())
    for there in (everything, frozenset(), *(reads(sql) for sql in table.parts.values())):
        assert columns(empty, view(table, there)) == promised
    # The twin: a part that lacks a column is no part.
    with pytest.raises(duckdb.Error):
        columns(empty, view(ImportTable("x", "", table.columns, {"shopify": "SELECT 1 AS source"}), everything))


def rows(name: str, *made: Made) -> list[dict[str, Any]]:
    """Return what a table makes of some rows of ready tables; what is not said is empty."""
    connection = duckdb.connect(":memory:")
    (table,) = (one for one in TABLES if one.name == name)
    ready: dict[str, list[dict[str, Any]]] = {}
    for into, row in made:
        ready.setdefault(f"ready_{into}", []).append(row)
    for provider in map(Provider, table.parts):
        connector = connector_for(provider)
        for called, kinds in declared_columns(provider, connector.streams, connector.ready).items():
            if called in ready:
                told = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
                connection.execute(f"CREATE TABLE {called} (_source VARCHAR, {told})")
    for into, lines in ready.items():
        for line in lines:
            names, places = ", ".join(("_source", *line)), ", ".join("?" * (len(line) + 1))
            connection.execute(f"INSERT INTO {into} ({names}) VALUES ({places})", ["src_1", *line.values()])
    result = connection.execute(f"SELECT * FROM ({view(table, ready)}) ORDER BY ALL")
    found = [dict(zip([one[0] for one in result.description], row, strict=True)) for row in result.fetchall()]
    connection.close()
    return found


def test_debits_are_positive_whatever_side_an_account_grows_on() -> None:
    accounts = [("1", "Asset"), ("4", "Revenue"), ("9", None)]
    made: list[Made] = [("quickbooks_accounts", {"account_id": key, "classification": kind}) for key, kind in accounts]
    lines = [("1", 100), ("4", 100), ("9", 5)]
    made += [("quickbooks_ledger_lines", {"ledger_line_id": key, "account_id": key, "amount": n}) for key, n in lines]
    sides: list[dict[str, Any]] = [
        {"debit_amount": 7, "credit_amount": None},
        {"debit_amount": None, "credit_amount": 7},
        {"amount": 7},
    ]
    made += [
        ("netsuite_transaction_lines", {"line_key": f"n{number}", "signed_amount": worth, **side})
        for number, (side, worth) in enumerate(zip(sides, (7, -7, 7), strict=True))
    ]
    found = {
        row["line_id"]: (row["provider"], row["amount"], row["amount_as_given"]) for row in rows("ledger_lines", *made)
    }
    assert found == {
        "1": ("quickbooks", 100, 100), "4": ("quickbooks", -100, 100), "9": ("quickbooks", None, 5),
        "n0": ("netsuite", 7, 7), "n1": ("netsuite", -7, -7), "n2": ("netsuite", None, 7),
    }  # fmt: skip


def test_an_order_has_a_total_where_it_can_be_told() -> None:
    amazon = {"item_price": 20, "item_tax": 2, "item_discount": 5, "shipping_price": 3, "gift_wrap_price": 1}
    made: list[Made] = [
        ("amazon_orders", {"order_id": channel, "sales_channel": channel, **amazon})
        for channel in ("Amazon.com", "Amazon.de")
    ]
    shop = {"subtotal": 15, "shipping": 3, "tax": 2, "total": 21, "taxes_included": False}
    made.append(("shopify_orders", {"order_id": "x", **shop}))
    found = {row["order_id"]: row for row in rows("orders", *made)}
    assert {key: row["total_amount"] for key, row in found.items()} == {"Amazon.com": 21, "Amazon.de": None, "x": 21}
    for row in found.values():
        told = (row["items_amount"], row["shipping_amount"], row["other_amount"], row["tax_amount"])
        assert told == (15, 3, 1, 2)
    assert found["Amazon.com"]["discount_amount"] == 5


def test_what_goes_back_to_buyers_is_positive_and_fees_are_not_in_it() -> None:
    settled = [("ItemPrice", "Principal", -20), ("ItemPrice", "Tax", -2), ("ItemFees", "Commission", 3)]
    made = [
        ("amazon_settlement_lines", {"settlement_line_id": what, "order_id": "1", "transaction_type": "Refund",
                                     "amount_type": kind, "amount_description": what, "amount": worth})
        for kind, what, worth in settled
    ]  # fmt: skip
    made.append(("amazon_settlement_lines", {"transaction_type": "Order", "amount_type": "ItemPrice", "amount": 9}))
    found = rows("refunds", *made)
    assert [(row["amount_before_tax"], row["tax_amount"], row["total_amount"]) for row in found] == [
        (20, 0, 20), (0, 2, 2),
    ]  # fmt: skip


def test_the_page_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / IMPORTS).read_text(encoding="utf-8")
    assert page == pages.with_tables(page, finance.page(TABLES)), "run: python -m bot.cli.pages"


def test_the_largest_amount_of_one_source_keeps_nobody_from_the_others_rows() -> None:
    """One more digit before the point, and the whole table could not be read any more."""
    most = Decimal("9999999999999999.99")
    mine = {"line_key": "1", "amount": most, "debit_amount": most, "signed_amount": most}
    (line,) = rows("ledger_lines", ("netsuite_transaction_lines", mine))
    assert (line["amount"], line["amount_as_given"]) == (most, most)
    with pytest.raises(duckdb.ConversionException):
        duckdb.execute("SELECT CAST(? AS DECIMAL(18,3))", [most])
