"""Orders, products and customers over GraphQL: paging, searching, and the errors that come under status 200."""

from datetime import timedelta
from typing import Any

import pytest
from graphql import execute_sync, parse

from sandbox.providers.shopify.make import net
from sandbox.providers.shopify.oauth import SCOPES
from sandbox.providers.shopify.resolve import resolvers
from tests.sandbox.providers.conftest import SHOP, ShopifyBench, hours

MONEY = "fragment M on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
ORDERS = (
    """
query Orders($n: Int!, $after: String, $q: String, $reverse: Boolean = false, $lines: Boolean = true) {
  orders(first: $n, after: $after, query: $q, sortKey: UPDATED_AT, reverse: $reverse) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes {
      __typename id name updatedAt createdAt test total: totalPriceSet { ...M } customer { id displayName }
      refunds { id totalRefundedSet { ...M } refundLineItems(first: 5) { nodes { quantity lineItem { id } } } }
      lineItems(first: 3) @include(if: $lines) {
        pageInfo { hasNextPage endCursor }
        edges { cursor node { id sku quantity variant { id product { title } } taxLines(first: 1) { rate title } } }
      }
    }
  }
}
"""
    + MONEY
)


async def pages(shopify: Any, size: int, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        body = await shopify.ask(ORDERS, n=size, after=after, **variables)
        assert "errors" not in body, body
        page = body["data"]["orders"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def test_pages_join_to_the_truth_in_order(shopify: ShopifyBench) -> None:
    found = await pages(shopify, 7)
    times = [order["updatedAt"] for order in found]
    assert {order["id"] for order in found} == shopify.store.ids("Order")
    assert len(found) == 80
    assert times == sorted(times)


async def test_reading_backwards(shopify: ShopifyBench) -> None:
    forwards, backwards = await pages(shopify, 9), await pages(shopify, 9, reverse=True)
    assert [order["id"] for order in backwards] == [order["id"] for order in forwards][::-1]


async def test_our_own_execution_gives_what_graphql_core_gives(shopify: ShopifyBench) -> None:
    """The same query on the same data, by graphql-core's executor and over HTTP by ours."""
    executor = shopify.app._executor
    readers = resolvers(shopify.store, shopify.app.oauth.grant(SHOP))

    def read(source: Any, info: Any, **arguments: Any) -> Any:
        reader = readers.get((info.parent_type.name, info.field_name))
        return reader(source, arguments) if reader else source.get(info.field_name)

    for query, variables in (
        (ORDERS, {"n": 20}),
        (ORDERS, {"n": 5, "lines": False, "reverse": True, "q": "test:false"}),
        (
            "{ shop { __typename id plan { displayName } } a: orders(first: 1) { nodes { id } } b: ordersCount { count } }",
            {},
        ),
        (
            "{ products(first: 5, sortKey: TITLE) { nodes { id title variants(first: 10) { nodes { id sku price } } } } }",
            {},
        ),
        (
            "{ customers(first: 9) { nodes { id ...C ...C email } } } fragment C on Customer { tags lastOrder { id } }",
            {},
        ),
        (
            "{ productVariants(first: 40) { nodes { ... on Node { id } ... on ProductVariant { product { id } } } } }",
            {},
        ),
    ):
        reference = execute_sync(
            executor.schema, parse(query), {}, variable_values=variables, field_resolver=read,
            type_resolver=lambda value, _info, _type: value["__typename"],
        )  # fmt: skip
        assert reference.errors is None, reference.errors
        assert (await shopify.ask(query, **variables))["data"] == reference.data


async def test_amounts_are_text_and_whole_orders_add_up(shopify: ShopifyBench) -> None:
    from decimal import Decimal

    def worth(bag: dict[str, Any]) -> Decimal:
        assert isinstance(bag["shopMoney"]["amount"], str)
        return Decimal(bag["shopMoney"]["amount"])

    shopify.store.mutate(3, new=20, changed=20, voided=2)
    orders = shopify.store.truth("Order")
    for order in orders:
        lines = Decimal(sum(net(line) for line in order["lineItems"])) / 100
        taxes = sum(worth(tax["priceSet"]) for line in order["lineItems"] for tax in line["taxLines"])
        shipping = worth(order["totalShippingPriceSet"])
        assert worth(order["totalPriceSet"]) == lines + taxes + shipping
        assert worth(order["totalTaxSet"]) == taxes
        assert worth(order["subtotalPriceSet"]) == lines
        if not order["cancelledAt"]:
            assert worth(order["currentTotalPriceSet"]) == worth(order["totalPriceSet"]) - worth(
                order["totalRefundedSet"]
            )
    assert any(order["refunds"] for order in orders)
    assert any(order["cancelledAt"] for order in orders)
    assert any(order["presentmentCurrencyCode"] == "EUR" for order in orders)


async def test_changes_since_an_instant(shopify: ShopifyBench) -> None:
    before = shopify.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    shopify.clock.advance(hours(0.5))
    change = shopify.store.mutate(2, new=3, changed=3)
    touched = {gid for kind, gid in (*change.new, *change.changed) if kind == "Order"}
    assert {order["id"] for order in await pages(shopify, 5, q=f"updated_at:>='{before}'")} == touched
    until = f"updated_at:>='{before}' updated_at:<'{before}'"
    assert await pages(shopify, 5, q=until) == []


async def test_deleted_orders_vanish(shopify: ShopifyBench) -> None:
    change = shopify.store.mutate(2, deleted=3)
    gone = {gid for _, gid in change.deleted}
    assert not gone & {order["id"] for order in await pages(shopify, 20)}
    assert shopify.store.deleted("Order") == gone
    assert (await shopify.ask("query($id: ID!) { order(id: $id) { id } }", id=gone.pop()))["data"] == {"order": None}


async def test_a_mutation_says_what_it_did(shopify: ShopifyBench) -> None:
    store = shopify.store
    kinds = tuple(store.tables)
    old = {node["id"]: node for kind in kinds for node in store.truth(kind)}
    shopify.clock.advance(hours(1))
    change = store.mutate(6, new=12, changed=9, deleted=2, voided=1)
    now = {node["id"]: node for kind in kinds for node in store.truth(kind)}
    assert {gid for _, gid in change.new} == now.keys() - old.keys()
    assert {gid for _, gid in change.deleted} == old.keys() - now.keys()
    assert {gid for _, gid in change.changed} == {gid for gid in now.keys() & old.keys() if now[gid] != old[gid]}
    # A sale moves the time of a level, not that of its item; what concerns payouts has no time of change.
    moved = [gid for kind, gid in change.changed if kind in ("Order", "Customer", "Product")]
    assert all(now[gid]["updatedAt"] > old[gid]["updatedAt"] for gid in moved)


async def test_a_foreign_cursor_is_an_error(shopify: ShopifyBench) -> None:
    cursor = (await shopify.ask(ORDERS, n=5))["data"]["orders"]["pageInfo"]["endCursor"]
    for variables in ({"q": "test:false"}, {"reverse": True}, {"after": "nonsense"}):
        body = await shopify.ask(ORDERS, **{"n": 5, "after": cursor} | variables)
        assert body["data"] is None
        assert body["errors"][0]["message"] == "Invalid cursor for current pagination sort."
        assert body["errors"][0]["path"] == ["orders"]


async def test_a_term_that_cannot_be_read_is_ignored_and_warned_of(shopify: ShopifyBench) -> None:
    for text, field, code in (
        ("updated_at:>=2026-11-18T00:00:00Z", "updated_at", "invalid_value"),
        ("updated_at:>='soon'", "updated_at", "invalid_value"),
        ("nonsense:1", "nonsense", "invalid_field"),
    ):
        body = await shopify.ask(ORDERS, n=30, q=text)
        assert len(body["data"]["orders"]["nodes"]) == 30
        search = body["extensions"]["search"]
        assert search[0]["path"] == ["orders"]
        assert (search[0]["warnings"][0]["field"], search[0]["warnings"][0]["code"]) == (field, code)
    assert "search" not in (await shopify.ask(ORDERS, n=30, q="updated_at:>='2026-01-01'"))["extensions"]


@pytest.mark.parametrize("arguments", ["first: 251", "last: 251", "first: -1", "", "first: 1, last: 1"])
async def test_a_page_has_a_size_from_0_to_250(shopify: ShopifyBench, arguments: str) -> None:
    root = f"orders({arguments})" if arguments else "orders"
    body = await shopify.ask(f"{{ {root} {{ nodes {{ id }} }} }}")
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_nobody_pages_past_25000_objects(shopify: ShopifyBench) -> None:
    template = shopify.store.truth("Customer")[0]
    base = 7_200_000_100_000
    many = [template | {"id": f"gid://shopify/Customer/{base + place}"} for place in range(25_010)]
    shopify.store.set_records("Customer", many)
    query = "query($after: String) { customers(first: 250, after: $after) { nodes { id } pageInfo { endCursor } } }"
    connection = shopify.store.connection("customers", "Customer", {"sortKey": "ID", "first": 250})
    last = type(connection)(
        [], [(base + 24_999, base + 24_999)], connection.scope, has_next=True, has_previous=True
    ).cursor(0)
    body = await shopify.ask(query, after=last)
    assert body["errors"][0]["extensions"]["code"] == "PAGINATION_LIMIT_EXCEEDED"
    fine = type(connection)(
        [], [(base + 24_749, base + 24_749)], connection.scope, has_next=True, has_previous=True
    ).cursor(0)
    assert len((await shopify.ask(query, after=fine))["data"]["customers"]["nodes"]) == 250


async def test_lines_of_an_order_have_pages_of_their_own(shopify: ShopifyBench) -> None:
    order = next(order for order in shopify.store.truth("Order") if len(order["lineItems"]) >= 3)
    query = "query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }"
    first = (await shopify.ask(query, id=order["id"]))["data"]["order"]["lineItems"]
    second = (await shopify.ask(query, id=order["id"], after=first["pageInfo"]["endCursor"]))["data"]["order"][
        "lineItems"
    ]
    assert first["pageInfo"]["hasNextPage"]
    assert [node["id"] for node in first["nodes"] + second["nodes"]] == [line["id"] for line in order["lineItems"]][:4]


async def test_fields_outside_the_granted_scopes_are_denied(shopify: ShopifyBench) -> None:
    grant = shopify.app.oauth.grant(SHOP, scopes=("read_products",))
    shopify.client.headers["X-Shopify-Access-Token"] = grant.access_token
    body = await shopify.ask("{ orders(first: 1) { nodes { id } } }")
    error = body["errors"][0]
    assert (error["extensions"]["code"], error["path"]) == ("ACCESS_DENIED", ["orders"])
    assert "read_orders" in error["extensions"]["requiredAccess"]
    assert (await shopify.ask("{ products(first: 1) { nodes { id } } }"))["data"]["products"]["nodes"]
    scopes = await shopify.ask("{ currentAppInstallation { accessScopes { handle } } }")
    assert scopes["data"]["currentAppInstallation"]["accessScopes"] == [{"handle": "read_products"}]


async def test_without_read_all_orders_only_sixty_days_are_seen(shopify: ShopifyBench) -> None:
    shopify.store.mutate(1, new=5)
    few = tuple(scope for scope in SCOPES if scope != "read_all_orders")
    everything = await pages(shopify, 20)
    shopify.client.headers["X-Shopify-Access-Token"] = shopify.app.oauth.grant(SHOP, scopes=few).access_token
    recent = await pages(shopify, 20)
    limit = (shopify.clock.now() - hours(24 * 60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert 5 <= len(recent) < len(everything)
    assert {order["id"] for order in recent} == {order["id"] for order in everything if order["createdAt"] >= limit}


async def test_after_a_rest_only_what_changes_then_is_new(shopify: ShopifyBench) -> None:
    shopify.store.mutate(1, new=5)
    since = f"updated_at:>='{(shopify.clock.now() - timedelta(minutes=10)).strftime('%Y-%m-%dT%H:%M:%SZ')}'"
    before = await pages(shopify, 20, q=since)
    assert len(before) >= 4
    shopify.app.mutate(SHOP, rest=900)
    assert await pages(shopify, 20, q=since) == []
    shopify.app.mutate(SHOP, seed=2, new=3)
    after = await pages(shopify, 20, q=since)
    assert after
    assert not {order["id"] for order in after} & {order["id"] for order in before}


async def test_what_graphql_refuses(shopify: ShopifyBench) -> None:
    assert "foo" in (await shopify.ask("{ foo }"))["errors"][0]["message"]
    assert "Syntax Error" in (await shopify.ask("{ shop {"))["errors"][0]["message"]
    assert "$n" in (await shopify.ask(ORDERS))["errors"][0]["message"]
    bad = await shopify.client.post(f"/{SHOP}/admin/api/2026-10/graphql.json", content=b"{nonsense")
    assert (bad.status_code, bad.json()) == (400, {"errors": "Bad Request"})


async def test_a_mutation_changes_and_is_seen(shopify: ShopifyBench) -> None:
    gid = min(shopify.store.ids("Order"))
    query = 'mutation Tag($id: ID!) { tagsAdd(id: $id, tags: ["late"]) { node { id ... on Order { tags } } userErrors { message } } }'
    body = await shopify.ask(query, id=gid)
    assert body["data"]["tagsAdd"]["node"] == {"id": gid, "tags": ["late"]}
    await pages(shopify, 20)
    assert [(entry.operation, entry.entity, entry.effects) for entry in shopify.app.journal.mutating()] == [
        ("mutation", "tagsAdd", ("changed tags",))
    ]
