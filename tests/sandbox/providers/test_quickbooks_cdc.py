"""Changes since an instant: of several entities, with deletions, in the published shape."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.providers.conftest import REALM, QuickBooksBench

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or Path(__file__).parents[4] / "shared" / "contracts")


async def asked(bench: Any, entities: str, since: str) -> Any:
    return await bench.client.get(f"/v3/company/{REALM}/cdc", params={"entities": entities, "changedSince": since})


async def test_changes_and_deletions_come_per_entity(quickbooks: QuickBooksBench) -> None:
    books = quickbooks.books
    now = books.clock.now()
    change = books.mutate(3, new=3, deleted=2, at=now)
    since = (now - timedelta(seconds=1)).isoformat()
    body = (await asked(quickbooks, "Invoice,Transfer,Customer", since)).json()
    invoices, transfers, customers = body["CDCResponse"][0]["QueryResponse"]
    assert transfers == {}
    assert {record["Id"] for record in customers["Customer"]} <= books.ids("Customer")
    gone = {("Invoice", record["Id"]) for record in invoices["Invoice"] if record.get("status") == "Deleted"}
    assert gone == set(change.deleted)
    assert {record["Id"] for record in invoices["Invoice"]} >= {
        id_ for entity, id_ in change.new if entity == "Invoice"
    }


@pytest.mark.contracts
async def test_the_shape_is_the_published_one(quickbooks: QuickBooksBench) -> None:
    sample = CONTRACTS / "qbo/synthetic/responses/cdc.json"
    if not sample.is_file():
        pytest.skip("the collected provider contracts are absent: set CONTRACTS_DIR to their folder")
    published = json.loads(sample.read_text())
    quickbooks.books.mutate(3, deleted=1)
    since = (quickbooks.books.clock.now() - timedelta(minutes=1)).isoformat()
    ours = (await asked(quickbooks, "Invoice,Transfer", since)).json()
    assert set(ours) == set(published)
    theirs = published["CDCResponse"][0]["QueryResponse"]
    mine = ours["CDCResponse"][0]["QueryResponse"]
    assert set(mine[0]) == set(theirs[1])
    assert set(mine[0]["Invoice"][-1]) == set(theirs[1]["Invoice"][-1])
    assert mine[1] == theirs[2] == {}


@pytest.mark.parametrize("entities", ["SalesOrder", "TaxCode", "Invoice,TimeActivity", ""])
async def test_what_is_not_followed_is_refused(quickbooks: QuickBooksBench, entities: str) -> None:
    since = (quickbooks.books.clock.now() - timedelta(days=1)).isoformat()
    answer = await asked(quickbooks, entities, since)
    assert answer.status_code == 400
    assert "Fault" in answer.json()


@pytest.mark.parametrize("days, status", [(29, 200), (31, 400)])
async def test_it_looks_back_thirty_days(quickbooks: QuickBooksBench, days: int, status: int) -> None:
    since = (quickbooks.books.clock.now() - timedelta(days=days)).isoformat()
    assert (await asked(quickbooks, "Transfer", since)).status_code == status
