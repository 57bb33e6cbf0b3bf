"""What queries cost, what the bucket allows, and which shops answer at all."""

from typing import Any

import httpx
import pytest

from sandbox.misbehave import Kind, Rule
from sandbox.providers.shopify.bucket import Bucket
from tests.sandbox.providers.conftest import SHOP, ShopifyBench, hours


def cost(body: Any) -> Any:
    return body["extensions"]["cost"]


@pytest.mark.parametrize(
    "query,points",
    [
        ("{ shop { id name } }", 1),
        ("{ orders(first: 20) { nodes { id totalPriceSet { shopMoney { amount } } } pageInfo { hasNextPage } } }", 22),
        ("{ orders(first: 20) { edges { cursor node { id } } } }", 22),
        ("{ orders(first: 50) { nodes { id lineItems(first: 12) { nodes { id } } } } }", 752),
        (
            "{ orders(first: 10) { nodes { id customer { id } lineItems(first: 5) { nodes { variant { id } } } } } }",
            142,
        ),
        ("{ orders(first: 10) { nodes { refunds(first: 3) { id } } } }", 42),
    ],
)
async def test_a_query_is_priced_before_it_runs(shopify: ShopifyBench, query: str, points: int) -> None:
    found = cost(await shopify.ask(query))
    assert found["requestedQueryCost"] == points
    assert found["actualQueryCost"] <= points


async def test_the_real_cost_counts_what_came(shopify: ShopifyBench) -> None:
    found = cost(await shopify.ask("{ orders(first: 200) { nodes { id } } }"))
    assert (found["requestedQueryCost"], found["actualQueryCost"]) == (202, 82)


async def test_a_query_over_a_thousand_points_is_refused_before_it_runs(shopify: ShopifyBench) -> None:
    body = await shopify.ask("{ orders(first: 100) { nodes { id lineItems(first: 18) { nodes { id } } } } }")
    error = body["errors"][0]
    assert error["message"] == "Query cost is 2102, which exceeds the single query max cost limit (1000)."
    assert error["extensions"] == {
        "code": "MAX_COST_EXCEEDED", "cost": 2102, "maxCost": 1000,
        "documentation": "https://shopify.dev/api/usage/rate-limits",
    }  # fmt: skip
    assert "data" not in body


async def test_an_empty_bucket_throttles_and_fills_again(shopify: ShopifyBench) -> None:
    shopify.app.buckets[SHOP] = Bucket(1000.0, 100.0)
    dear = "{ orders(first: 200) { nodes { id lineItems(first: 1) { nodes { id } } } } }"
    spent = cost(await shopify.ask(dear))
    assert spent["requestedQueryCost"] == 802
    left = spent["throttleStatus"]["currentlyAvailable"]
    assert left < 1000 - spent["actualQueryCost"] + 20
    while left >= 802:
        left = cost(await shopify.ask(dear))["throttleStatus"]["currentlyAvailable"]
    answer = await shopify.post(dear)
    body = answer.json()
    assert answer.status_code == 200
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert cost(body)["actualQueryCost"] is None
    wait = (cost(body)["requestedQueryCost"] - cost(body)["throttleStatus"]["currentlyAvailable"]) / 100
    shopify.clock.advance(hours((wait + 0.1) / 3600))
    assert "errors" not in await shopify.ask(dear)


def test_a_bucket_gives_back_what_was_not_used() -> None:
    from datetime import UTC, datetime, timedelta

    bucket, now = Bucket(1000.0, 100.0), datetime(2026, 11, 20, tzinfo=UTC)
    assert bucket.take(900, now)
    assert not bucket.take(200, now)
    bucket.give_back(850)
    assert bucket.status(now)["currentlyAvailable"] == 950.0
    assert bucket.status(now + timedelta(seconds=10))["currentlyAvailable"] == 1000.0


async def test_scripted_throttling_looks_like_the_real_one(shopify: ShopifyBench) -> None:
    shopify.app.script.add(Rule(Kind.FAULT, code="THROTTLED"), Rule(Kind.FAULT, code="ACCESS_DENIED"))
    body = await shopify.ask("{ shop { id } }")
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert cost(body)["throttleStatus"]["currentlyAvailable"] == 0.0
    assert (await shopify.ask("{ shop { id } }"))["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


@pytest.mark.parametrize("state,status", [("frozen", 402), ("forbidden", 403), ("locked", 423)])
async def test_shops_that_are_not_open(shopify: ShopifyBench, state: str, status: int) -> None:
    shopify.store.state = state
    answer = await shopify.post("{ shop { id } }")
    assert answer.status_code == status
    assert isinstance(answer.json()["errors"], str)


async def test_an_inactive_shop_says_so_under_status_200(shopify: ShopifyBench) -> None:
    shopify.store.state = "inactive"
    assert (await shopify.ask("{ shop { id } }"))["errors"][0]["extensions"]["code"] == "SHOP_INACTIVE"


async def test_versions_and_headers(shopify: ShopifyBench) -> None:
    async def asked(version: str, shop: str = SHOP) -> httpx.Response:
        return await shopify.client.post(f"/{shop}/admin/api/{version}/graphql.json", json={"query": "{ shop { id } }"})

    now = await asked("2026-10")
    assert now.headers["x-shopify-api-version"] == "2026-10"
    assert now.headers["x-request-id"]
    assert (await asked("2024-01")).headers["x-shopify-api-version"] == "2026-01"
    assert (await asked("2027-01")).status_code == 404
    assert (await asked("2026-10", "other.myshopify.com")).status_code == 404


async def test_a_shop_is_also_known_by_its_host_name(shopify: ShopifyBench) -> None:
    headers = {"Host": SHOP}
    answer = await shopify.client.post(
        "/admin/api/2026-10/graphql.json", json={"query": "{ shop { name } }"}, headers=headers
    )
    assert answer.json()["data"] == {"shop": {"name": "Temerity Goods"}}
    assert shopify.app.journal.entries[-1].account == SHOP
