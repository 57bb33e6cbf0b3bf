"""The version of a configuration: another one for every change that decides what a run reads or makes, else the same."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs.refresh.configuration import version_of
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.facts.streams import Column, Stream

SOURCE = Source(
    id="src_1", organization_id="org_1", provider=Provider.SHOPIFY, account="temeritygoods", label="Temerity",
    company="Temerity Goods", mode=CollectMode.ON_DEMAND, schedule_minutes=60, schedule_version=1,
    connection=ConnectionState.CONNECTED, connection_reason=None, connection_since=datetime(2026, 11, 1, tzinfo=UTC),
)  # fmt: skip
ORDERS = Stream("orders", "Orders", (Column("id"), Column("name")))
TABLES = (ReadyTable("orders", "SELECT id FROM raw_shopify_orders", "raw_shopify_orders"),
          ReadyTable("refunds", "SELECT id FROM raw_shopify_refunds", "raw_shopify_refunds"))  # fmt: skip
VERSION = version_of(SOURCE, (ORDERS,), TABLES)

CHANGED = {
    "another account": version_of(replace(SOURCE, account="other"), (ORDERS,), TABLES),
    "another schedule": version_of(replace(SOURCE, schedule_minutes=30), (ORDERS,), TABLES),
    "one column more": version_of(SOURCE, (replace(ORDERS, columns=(*ORDERS.columns, Column("email"))),), TABLES),
    "other SQL": version_of(SOURCE, (ORDERS,), (replace(TABLES[0], sql="SELECT 1 AS id"), TABLES[1])),
    "a table less": version_of(SOURCE, (ORDERS,), TABLES[:1]),
}
SAME = {
    "tables in another order": version_of(SOURCE, (ORDERS,), TABLES[::-1]),
    "stretched for a while": version_of(replace(SOURCE, schedule_minutes=240, planned_minutes=60), (ORDERS,), TABLES),
    "reconnected": version_of(
        replace(SOURCE, connection=ConnectionState.ATTENTION, connection_reason="ends soon"), (ORDERS,), TABLES
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_whatever_decides_a_run_gives_another_version(change):
    assert CHANGED[change] != VERSION
    assert len({VERSION, *CHANGED.values()}) == len(CHANGED) + 1


@pytest.mark.parametrize("change", SAME)
def test_what_decides_nothing_leaves_the_version(change):
    assert SAME[change] == VERSION
