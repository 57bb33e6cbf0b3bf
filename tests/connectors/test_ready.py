"""Every ready table builds in the real warehouse from what the stand-ins sell, and its sums are the provider's."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.quickbooks.tables import READY
from connectors.registry import connector_for
from jobs.refresh.processing import unfit_words
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.quickbooks.rates import quote, several_currencies
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from storage.facts.ready import ReadyTable
from storage.facts.sources import Provider
from storage.records.outcomes import notes_from
from storage.warehouse import StorageFailed
from tests.connectors.lakes import Ask, load
from tests.connectors.worlds import REALM, SHOP, quickbooks_world, shopify_world

#: documents with an open amount
OPEN = ("Invoice", "CreditMemo", "Bill", "VendorCredit")


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


async def test_quickbooks_ready_tables_add_up(tmp_path: Path, clock: OffsetClock, ask: Ask) -> None:
    app = QuickBooks.generated(seed=3, invoices=60, documents=2, clock=clock)
    several_currencies(app.books[REALM])
    quote(app.books[REALM], {"EUR": "1.0875"}, clock.now().date(), clock.now())
    async with quickbooks_world(app, clock) as world:
        first, then = await world.collect(), await world.collect()
        done = replace(then, cursors=world.kept.cursors, full=tuple({*first.full, *then.full}))
        warehouse = await asyncio.to_thread(load, world, tmp_path, done)
    books = app.books[REALM]
    counts = {
        table.name: ask(warehouse, f"SELECT count(*) AS n FROM ready_{table.name}")[0]["n"]
        for table in world.connector.ready
    }
    assert all(counts.values()), counts
    for ready, entity in (
        ("accounts", "Account"),
        ("customers", "Customer"),
        ("vendors", "Vendor"),
        ("items", "Item"),
        ("bills", "Bill"),
        ("bill_payments", "BillPayment"),
        ("transfers", "Transfer"),
        ("deposits", "Deposit"),
    ):
        assert counts[f"quickbooks_{ready}"] == len(books.ids(entity))
    truth = sum((record["TotalAmt"] for record in books.truth("Invoice")), Decimal(0))
    sums = ask(
        warehouse, "SELECT sum(total_amount) AS total, sum(amount_before_tax) AS net FROM ready_quickbooks_invoices"
    )[0]
    assert sums["total"] == truth
    lines = ask(warehouse, "SELECT sum(amount) AS net FROM ready_quickbooks_invoice_lines")[0]
    assert lines["net"] == sums["net"]
    for sale in ("sales_receipt", "refund_receipt", "credit_memo", "estimate"):
        of_lines = f"SELECT sum(amount) FROM ready_quickbooks_{sale}_lines"
        off = f"SELECT sum(amount_before_tax) - ({of_lines}) AS off FROM ready_quickbooks_{sale}s"
        assert ask(warehouse, off) == [{"off": 0}]
    for spent in ("purchase", "vendor_credit", "purchase_order", "deposit"):
        of_lines = f"SELECT sum(amount) FROM ready_quickbooks_{spent}_lines"
        off = f"SELECT sum(total_amount) - ({of_lines}) AS off FROM ready_quickbooks_{spent}s"
        assert ask(warehouse, off) == [{"off": 0}]
    sides = ask(
        warehouse, "SELECT sum(debit_amount) AS d, sum(credit_amount) AS c FROM ready_quickbooks_journal_entries"
    )[0]
    assert sides["d"] == sides["c"] > 0
    assert ask(warehouse, "SELECT sum(signed_amount) AS n FROM ready_quickbooks_journal_lines")[0]["n"] == 0
    for basis in ("", "_cash"):
        sides = ask(
            warehouse,
            "SELECT sum(signed_amount) FILTER (NOT is_total) AS off, sum(amount) FILTER (is_total AND side = 'debit') AS said,"
            " sum(amount) FILTER (NOT is_total AND side = 'debit') AS added"
            f" FROM ready_quickbooks_trial_balance{basis}",
        )[0]
        assert sides["off"] == 0 < sides["said"] == sides["added"]
    open_ = {entity: sum((record["Balance"] for record in books.truth(entity)), Decimal(0)) for entity in OPEN}
    for report, owed in (
        ("aged_receivables", open_["Invoice"] - open_["CreditMemo"]),
        ("aged_payables", open_["Bill"] - open_["VendorCredit"]),
    ):
        said = ask(warehouse, f"SELECT is_total, sum(amount) AS n FROM ready_quickbooks_{report} GROUP BY 1 ORDER BY 1")
        assert [row["n"] for row in said] == [owed, owed]
    moved = ask(
        warehouse,
        "SELECT sum(amount) AS n FROM ready_quickbooks_cash_flow WHERE section = 'CashIncrease'",
    )[0]["n"]
    bank = ask(
        warehouse,
        "SELECT max_by(amount, balance_date) - min_by(amount, balance_date) AS n FROM ready_quickbooks_balance_sheet"
        " WHERE section = 'BankAccounts' AND row_kind = 'summary'",
    )[0]["n"]
    first_month = ask(
        warehouse,
        "SELECT min_by(amount, period_start) AS n FROM ready_quickbooks_cash_flow WHERE section = 'CashIncrease'",
    )[0]["n"]
    assert moved - first_month == bank
    standing = ask(
        warehouse,
        "SELECT a.account_id, a.current_balance, max_by(b.closing_balance, b.period_start) AS closing"
        " FROM ready_quickbooks_accounts a JOIN ready_quickbooks_account_balances b USING (account_id)"
        " WHERE a.classification IN ('Asset', 'Liability', 'Equity') GROUP BY ALL",
    )
    assert standing
    assert [row["current_balance"] for row in standing] == [row["closing"] for row in standing]
    printed = ask(
        warehouse,
        "SELECT sum(amount) FILTER (WHERE adds_up) AS added, sum(amount) FILTER (WHERE row_kind = 'summary' AND level = 0) AS said"
        " FROM ready_quickbooks_profit_and_loss WHERE section = 'Income'",
    )[0]
    assert printed["added"] == printed["said"] > 0


async def test_a_product_that_fits_no_column_is_left_empty_and_stops_no_table(
    tmp_path: Path, clock: OffsetClock, ask: Ask
) -> None:
    """Each number fits by itself, and the amount in the home currency does not: nobody loses the other rows for it.

    The second one's has more digits than any number of the database: its product alone would end the build.
    """
    app = QuickBooks.generated(seed=3, invoices=2, clock=clock)
    old = dict.fromkeys(("CreateTime", "LastUpdatedTime"), "2026-01-01T00:00:00+00:00")
    money = {"Id": "7001", "Amount": 9 * 10**14, "ExchangeRate": 25_000, "TxnDate": "2026-01-01"}
    more = money | {"Id": "7002", "ExchangeRate": 9 * 10**14}
    app.books[REALM].fill("Transfer", [{"SyncToken": "0", "MetaData": old, **one} for one in (money, more)])
    async with quickbooks_world(app, clock) as world:
        done = await world.collect()
        warehouse = await asyncio.to_thread(load, world, tmp_path, done)
    # It is told, once it is written as well as when the run is looked up again.
    built = warehouse.process("run_1", "src_1", READY)
    assert built.unfit == {"quickbooks_transfers": {"home_amount": 2}}
    words = unfit_words(built.unfit, Provider.QUICKBOOKS)
    assert notes_from({"plan": {"notes": ["before"]}, "unfit": words}) == ("before", *words)
    assert words == [
        "transfers: home_amount is empty in 2 rows, because the amount has more digits than fit. Sums over it lack them."
    ]
    one = "SELECT amount, home_amount FROM ready_quickbooks_transfers WHERE transfer_id = '7001'"
    assert ask(warehouse, one) == [{"amount": Decimal(9 * 10**14), "home_amount": None}]
    assert ask(warehouse, "SELECT count(*) AS n FROM ready_quickbooks_invoices")[0]["n"] == 2
    # Twins: a product that nothing catches ends the build, and a table that declares nothing says nothing.
    bare = (
        "SELECT id AS transfer_id, amount, TRY_CAST(amount * exchange_rate AS DECIMAL(18, 2)) AS home_amount"
        " FROM raw_quickbooks_transfers"
    )
    with pytest.raises(StorageFailed, match="Overflow"):
        warehouse.process("run_2", "src_1", _transfers(sql=bare))
    silent = _transfers(fits={}, sql="-- again\n" + next(one.sql for one in READY if one.name == _TRANSFERS))
    assert warehouse.process("run_3", "src_1", silent).unfit == {}


_TRANSFERS = "quickbooks_transfers"


def _transfers(**changed: Any) -> tuple[ReadyTable, ...]:
    return tuple(replace(table, **changed) if table.name == _TRANSFERS else table for table in READY)


async def test_shopify_ready_tables_add_up(tmp_path: Path, clock: OffsetClock, ask: Ask) -> None:
    app = Shopify.generated(seed=3, orders=60, clock=clock)
    async with shopify_world(app, clock) as world:
        done = await world.collect()
        warehouse = await asyncio.to_thread(load, world, tmp_path, done)
    store = app.shops[SHOP]
    orders = ask(warehouse, "SELECT count(*) AS n, sum(total) AS total FROM ready_shopify_orders")[0]
    truth = sum((Decimal(order["totalPriceSet"]["shopMoney"]["amount"]) for order in store.truth("Order")), Decimal(0))
    assert orders == {"n": len(store.ids("Order")), "total": truth}
    assert ask(warehouse, "SELECT count(*) AS n FROM ready_shopify_variants")[0]["n"] == len(
        store.ids("ProductVariant")
    )
    assert ask(warehouse, "SELECT count(*) AS n FROM ready_shopify_products")[0]["n"] == len(store.ids("Product"))
    assert ask(warehouse, "SELECT count(*) AS n FROM ready_shopify_customers")[0]["n"] == len(store.ids("Customer"))
    lines = ask(
        warehouse, "SELECT sum(gross_amount - discount_amount - net_amount) AS off FROM ready_shopify_order_lines"
    )[0]
    assert lines["off"] == 0


def test_every_ready_table_reads_what_its_connector_writes() -> None:
    for provider in Provider:
        connector = connector_for(provider)
        raw = {f"raw_{provider}_{stream.name}" for stream in connector.streams}
        raw |= {f"raw_{provider}_{child.name}" for stream in connector.streams for child in stream.children}
        for table in connector.ready:
            assert {table.parent, *table.lines, *table.lookups} <= raw
    names = {table.name for table in connector_for(Provider.QUICKBOOKS).ready}
    assert {"quickbooks_profit_and_loss", "quickbooks_balance_sheet", "quickbooks_journal_lines"} <= names
