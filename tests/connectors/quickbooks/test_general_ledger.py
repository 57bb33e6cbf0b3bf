"""The general ledger is read in parts, line by line, and adds up to what QuickBooks prints."""

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Broken
from connectors.quickbooks.general_ledger import batch, quarters
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from tests.connectors.worlds import QUIET, REALM, quickbooks_world


def added(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """What the lines of each account add up to."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["row_kind"] == "data":
            found[row["path"]] += row["amount"] or Decimal(0)
    return found


@pytest.mark.contracts
def test_lines_add_up_to_the_printed_totals(contracts: Path) -> None:
    rows = batch((contracts / "qbo/synthetic/reports/general_ledger.json").read_bytes(), {}).rows.to_pylist()
    totals = {row["path"]: row["amount"] for row in rows if row["row_kind"] == "summary"}
    sums = added(rows)
    assert totals["Checking"] == sums["Checking"] == Decimal("1000.00")
    within = sum((worth for path, worth in sums.items() if path.startswith("Landscaping")), Decimal(0))
    assert totals["Landscaping"] == within == Decimal("81.00")
    assert totals["Petty Cash"] is None
    expense = next(row for row in rows if row["txn_type"] == "Expense")
    assert (expense["txn_date"], expense["memo"], expense["amount"]) == (
        date(2026, 11, 9), "Nov rent", Decimal("-500.00"),
    )  # fmt: skip
    assert [row["balance"] for row in rows if row["row_kind"] == "beginning"] == [Decimal("11040.55")]
    assert len({row["id"] for row in rows}) == len(rows)


def test_quarters_reach_from_last_january_to_today() -> None:
    found = quarters(date(2026, 11, 22))
    assert (found[0][0], found[-1]) == (date(2025, 1, 1), (date(2026, 10, 1), date(2026, 12, 31)))
    assert all(later[0] - earlier[1] == timedelta(days=1) for earlier, later in pairwise(found))
    assert len(quarters(date(2026, 1, 1))) == 5


async def test_a_quarter_that_is_too_long_is_asked_for_in_halves_and_nothing_is_lost() -> None:
    clock = OffsetClock()
    app = QuickBooks.generated(seed=5, invoices=12, documents=1, clock=clock)
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        await world.collect()
        app.script.add(Rule(Kind.SERVER_ERROR, operation="report", entity="GeneralLedger", status=504, times=3))
        done = await world.collect()
    assert "general_ledger" in done.full
    asked = [entry for entry in app.journal.entries if entry.entity == "GeneralLedger"]
    assert len(asked) == len(quarters(clock.now().date())) + 2 * 3
    since = f"{clock.now().year - 1}-01-01"
    posted = [entry for entry in app.books[REALM].entries() if entry.date >= since]
    kept = [row for row in world.kept.rows["general_ledger"].values() if row["row_kind"] == "data"]
    assert len(kept) == len(posted) > 20
    assert {(row["txn_type"], row["txn_id"], row["account_id"]) for row in kept} == {
        (entry.kind, entry.id, entry.account) for entry in posted
    }


@pytest.mark.parametrize("name, columns", [("ProfitAndLoss", ["tx_date", "subt_nat_amount"]), ("GeneralLedger", ["x"])])
def test_what_is_no_ledger_is_refused(name: str, columns: list[str]) -> None:
    headings = [{"ColType": "x", "MetaData": [{"Name": "ColKey", "Value": key}]} for key in columns]
    body = {"Header": {"ReportName": name}, "Columns": {"Column": headings}, "Rows": {}}
    with pytest.raises(Broken):
        batch(json.dumps(body).encode(), {})
