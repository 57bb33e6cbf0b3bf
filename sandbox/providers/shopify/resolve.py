"""How fields of the schema that are not simply in the record are read."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.providers.shopify import offers, payouts, stock
from sandbox.providers.shopify.errors import access_denied
from sandbox.providers.shopify.oauth import Grant
from sandbox.providers.shopify.paging import Connection, page, scope_of
from sandbox.providers.shopify.plan import Resolver
from sandbox.providers.shopify.sdl import CONNECTED
from sandbox.providers.shopify.store import Node, Store, text_of

Arguments = Mapping[str, Any]


def resolvers(store: Store, grant: Grant) -> dict[tuple[str, str], Resolver]:
    """Return the readers of one shop for one grant; root fields refuse what the grant's scopes do not allow."""
    found: dict[tuple[str, str], Resolver] = {}
    for root, kind, scope in (
        ("orders", "Order", "read_orders"),
        ("products", "Product", "read_products"),
        ("productVariants", "ProductVariant", "read_products"),
        ("customers", "Customer", "read_customers"),
    ):
        found["QueryRoot", root] = partial(_root, store, grant, root, kind, scope)
    for root, scope in (
        ("order", "read_orders"),
        ("refund", "read_orders"),
        ("product", "read_products"),
        ("customer", "read_customers"),
    ):
        found["QueryRoot", root] = partial(_single, store, grant, root, scope)
    for root, kind in (("ordersCount", "Order"), ("productsCount", "Product"), ("customersCount", "Customer")):
        found["QueryRoot", root] = partial(_count, store, kind)
    found["QueryRoot", "nodes"] = partial(_several, store, grant)
    found["QueryRoot", "shop"] = lambda _source, _arguments: store.about
    found["QueryRoot", "currentAppInstallation"] = lambda _source, _arguments: _installation(grant)
    found["Mutation", "appUninstall"] = lambda _source, _arguments: {"userErrors": []}
    found["Mutation", "tagsAdd"] = partial(_tags_add, store)
    for name in CONNECTED:
        found[f"{name}Connection", "nodes"] = lambda source, _arguments: source.nodes
        found[f"{name}Connection", "edges"] = lambda source, _arguments: source.edges
        found[f"{name}Connection", "pageInfo"] = lambda source, _arguments: source.page_info
    for owner, field in (
        ("Order", "lineItems"),
        ("Order", "shippingLines"),
        ("Order", "discountApplications"),
        ("Refund", "refundLineItems"),
        ("Refund", "refundShippingLines"),
    ):
        found[owner, field] = partial(_nested, field)
    for owner, field in (
        ("Order", "customer"),
        ("LineItem", "variant"),
        ("LineItem", "product"),
        ("ProductVariant", "product"),
    ):
        found[owner, field] = partial(_referred, store, field)
    for owner, field in (
        ("Order", "refunds"),
        ("Order", "transactions"),
        ("LineItem", "taxLines"),
        ("Product", "options"),
    ):
        found[owner, field] = partial(_first, field)
    found["Product", "variants"] = partial(_variants, store)
    found["Product", "variantsCount"] = lambda source, _arguments: {
        "count": len(source["variants"]),
        "precision": "EXACT",
    }
    found["Product", "description"] = lambda source, arguments: source["description"][: arguments.get("truncateAt")]
    found["Customer", "orders"] = partial(_orders_of, store)
    found["Customer", "lastOrder"] = partial(_last_order, store)
    found |= stock.resolvers(store, _require, grant) | payouts.resolvers(store, _require, grant)
    return found | offers.resolvers(store, _require, grant)


def _root(
    store: Store, grant: Grant, field: str, kind: str, scope: str, _source: Any, arguments: Arguments
) -> Connection:
    _require(grant, field, scope)
    recent_only = kind == "Order" and "read_all_orders" not in grant.scopes
    return store.connection(field, kind, arguments, recent_only=recent_only)


def _single(store: Store, grant: Grant, field: str, scope: str, _source: Any, arguments: Arguments) -> Node | None:
    _require(grant, field, scope)
    return store.get(str(arguments["id"]))


def _several(store: Store, grant: Grant, _source: Any, arguments: Arguments) -> list[Node | None]:
    """Return records by their ids: refunds and items of stock are asked for in this way."""
    gids = [str(gid) for gid in arguments["ids"]]
    for kind in {gid.split("/")[3] for gid in gids}:
        _require(grant, "nodes", "read_orders" if kind == "Refund" else "read_inventory")
    return [store.get(gid) for gid in gids]


def _count(store: Store, kind: str, _source: Any, arguments: Arguments) -> Node:
    found = store.count(kind, arguments.get("query"))
    limit = arguments.get("limit")
    capped = limit is not None and found > limit
    return {"count": limit if capped else found, "precision": "AT_LEAST" if capped else "EXACT"}


def _installation(grant: Grant) -> Node:
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in grant.scopes]
    return {"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}


def _tags_add(store: Store, _source: Any, arguments: Arguments) -> Node:
    node = store.get(str(arguments["id"]))
    if node is None:
        return {"node": None, "userErrors": [{"field": ["id"], "message": "Resource not found"}]}
    tags = list(dict.fromkeys([*node["tags"], *arguments["tags"]]))
    node = node | {"tags": tags, "updatedAt": text_of(store.clock.now())}
    store.put([node])
    return {"node": node, "userErrors": []}


def _nested(field: str, source: Any, arguments: Arguments) -> Connection:
    items = source[field][::-1] if arguments.get("reverse") else source[field]
    places = [(place, place) for place in range(len(items))]
    return page(
        field, places, dict(enumerate(items)), scope_of(source["id"], field, arguments.get("reverse")), arguments
    )


def _referred(store: Store, field: str, source: Any, _arguments: Arguments) -> Node | None:
    return store.get(source[field])


def _first(field: str, source: Any, arguments: Arguments) -> Any:
    return source[field][: arguments.get("first")]


def _variants(store: Store, source: Any, arguments: Arguments) -> Connection:
    nodes = [node for gid in source["variants"] if (node := store.get(gid)) is not None]
    return _nested("variants", {"id": source["id"], "variants": nodes}, arguments)


def _orders_of(store: Store, source: Any, arguments: Arguments) -> Connection:
    narrowed = f"customer_id:{source['legacyResourceId']} {arguments.get('query') or ''}".strip()
    return store.connection("orders", "Order", {**arguments, "query": narrowed})


def _last_order(store: Store, source: Any, _arguments: Arguments) -> Mapping[str, Any] | None:
    arguments = {"query": f"customer_id:{source['legacyResourceId']}", "sortKey": "ID", "first": 1, "reverse": True}
    return next(iter(store.connection("orders", "Order", arguments).nodes), None)


def _require(grant: Grant, field: str, scope: str) -> None:
    if scope not in grant.scopes and scope.replace("read_", "write_") not in grant.scopes:
        raise access_denied(field, scope)
