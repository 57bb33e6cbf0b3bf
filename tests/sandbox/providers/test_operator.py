"""The operator's routes, the journal, and stand-ins in a process of their own."""

import asyncio
import json
import sys
from pathlib import Path

import httpx
import pytest

from sandbox.journal import Journal
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve_in_thread
from storage.facts.clock import SystemClock
from tests.sandbox.providers.conftest import REALM, SHOP, QuickBooksBench, ShopifyBench

ROOT = Path(__file__).parents[3]


async def test_a_script_over_http(quickbooks: QuickBooksBench) -> None:
    client = quickbooks.client
    assert (await client.post("/_sandbox/script", json=[{"kind": "server_error", "times": None}])).status_code == 200
    assert (await quickbooks.query("select count(*) from Invoice")).status_code == 503
    assert (await client.request("DELETE", "/_sandbox/script")).status_code == 200
    assert (await quickbooks.query("select count(*) from Invoice")).status_code == 200
    wrong = await client.post("/_sandbox/script", json={"kind": "explode"})
    assert wrong.status_code == 400
    assert "explode" in wrong.text


async def test_mutating_granting_and_revoking_over_http(quickbooks: QuickBooksBench, shopify: ShopifyBench) -> None:
    for bench, account, kind in ((quickbooks, REALM, "Invoice"), (shopify, SHOP, "Order")):
        wishes = {"account": account, "seed": 3, "new": 4, "changed": 2, "deleted": 1}
        change = (await bench.client.post("/_sandbox/mutate", json=wishes)).json()
        # What follows from it for the shop's balance counts, too.
        new = [entity for entity, _ in change["new"] if not entity.startswith("ShopifyPayments")]
        assert (len(new), len(change["deleted"])) == (4, 1)
        truth = (await bench.client.get("/_sandbox/truth", params={"account": account, "entity": kind})).json()
        live = {record.get("Id") or record["id"] for record in truth}
        assert change["deleted"][0][1] not in live
        assert {id_ for entity, id_ in change["new"] if entity == kind} <= live
        tokens = (await bench.client.post("/_sandbox/grant", json={"account": account})).json()
        assert tokens["access_token"] != bench.access
        assert (await bench.client.post("/_sandbox/revoke", json={"account": account})).status_code == 200
        assert (await bench.renew(bench.refresh)).status_code == 400
        assert (await bench.client.post("/_sandbox/mutate", json={"account": account, "explode": 1})).status_code == 400
        assert (await bench.client.post("/_sandbox/grant", json={"account": "nobody"})).status_code == 400


async def test_the_journal_tells_who_asked_what_and_no_secret(quickbooks: QuickBooksBench) -> None:
    await quickbooks.query("select * from Vendor")
    await quickbooks.renew(quickbooks.refresh)
    entries = (await quickbooks.client.get("/_sandbox/journal")).json()
    assert [(entry["operation"], entry["entity"], entry["account"], entry["status"]) for entry in entries] == [
        ("query", "Vendor", REALM, 200), ("token", "refresh_token", REALM, 200),
    ]  # fmt: skip
    assert entries[0]["detail"] == "select * from Vendor"
    assert entries[0]["token"] != entries[1]["token"]
    text = json.dumps(entries)
    assert quickbooks.refresh not in text
    assert quickbooks.access not in text
    assert (await quickbooks.client.get("/_sandbox/journal", params={"after": 1})).json()[0]["operation"] == "token"


async def test_overlapping_reads_of_one_account_are_found(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.script.add(Rule(Kind.LATENCY, seconds=0.1, times=None))
    await quickbooks.query("select count(*) from Invoice")
    await quickbooks.query("select count(*) from Invoice")
    assert list(quickbooks.app.journal.overlapping(REALM)) == []
    await asyncio.gather(*(quickbooks.query("select count(*) from Bill") for _ in range(2)))
    pairs = list(quickbooks.app.journal.overlapping(REALM))
    assert [(first.entity, second.entity) for first, second in pairs] == [("Bill", "Bill")]
    assert list(quickbooks.app.journal.overlapping("another")) == []


def test_the_journal_is_written_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    app = QuickBooks.generated(invoices=10, journal=Journal(SystemClock(), path))
    access = app.oauth.grant(REALM).access_token
    headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
    with serve_in_thread(app.app) as served, httpx.Client(base_url=served.url, headers=headers) as client:
        for _ in range(3):
            client.get(
                f"/v3/company/{REALM}/query", params={"query": "select count(*) from Invoice"}
            ).raise_for_status()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert lines[0]["began"] <= lines[0]["ended"]


def test_a_taken_port_is_an_error_and_not_a_hang() -> None:
    app = QuickBooks.generated(invoices=10)
    with (
        serve_in_thread(app.app) as served,
        pytest.raises(OSError, match="address already in use"),
        serve_in_thread(app.app, port=served.port),
    ):
        pytest.fail("two servers on one port")


@pytest.mark.parametrize("provider,account", [("quickbooks", REALM), ("shopify", SHOP), ("amazon", "A2TEMERITYUS01")])
async def test_a_process_of_its_own(provider: str, account: str, tmp_path: Path) -> None:
    arguments = (
        "-W",
        "error",
        "-m",
        "sandbox.providers",
        provider,
        "--size",
        "20",
        "--journal",
        str(tmp_path / "j.jsonl"),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    async with httpx.AsyncClient(base_url=told["url"]) as client:
        tokens = (await client.post("/_sandbox/grant", json={"account": account})).json()
        token_url = told["environment"][next(name for name in told["environment"] if "_TOKEN_URL" in name)].replace(
            "{shop}", SHOP
        )
        keys = [told["environment"][f"{provider.upper()}_CLIENT_{part}"] for part in ("ID", "SECRET")]
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        form |= {"client_id": keys[0], "client_secret": keys[1]}
        assert (await client.post(token_url, data=form)).status_code == 200
    process.terminate()
    _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    assert (tmp_path / "j.jsonl").read_text().count("\n") == 1
