"""What a shop has in stock: items, their levels at each location, and how orders move them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.providers.shopify.money import gid
from sandbox.providers.shopify.oauth import Grant
from sandbox.providers.shopify.paging import Connection, page, scope_of
from sandbox.providers.shopify.plan import Resolver
from sandbox.providers.shopify.store import Node, Store, number, text_of

_PLACES = (("Portland warehouse", "Portland", "OR"), ("Alder Street shop", "Portland", "OR"))
_FIRST = 71_000_000_001
_ONE_IN = 4


def locations(at: datetime) -> list[Node]:
    """Return where the shop keeps its goods."""
    made = text_of(at)
    return [
        {
            "__typename": "Location",
            "id": gid("Location", _FIRST + which),
            "legacyResourceId": str(_FIRST + which),
            "name": name,
            "address": {"city": city, "provinceCode": state, "countryCode": "US"},
            "isActive": True,
            "isFulfillmentService": False,
            "fulfillsOnlineOrders": which == 0,
            "shipsInventory": True,
            "createdAt": made,
            "updatedAt": made,
            "deactivatedAt": None,
        }
        for which, (name, city, state) in enumerate(_PLACES)
    ]


def item_of(variant: Node) -> Node:
    """Return the stock of a variant, spread over the locations."""
    item, there = variant["inventoryItem"], variant["inventoryQuantity"] // _ONE_IN
    spread = (variant["inventoryQuantity"] - there, there)
    levels = [
        {
            "__typename": "InventoryLevel",
            "id": f"{gid('InventoryLevel', _FIRST + which)}?inventory_item_id={number(item['id'])}",
            "item": item["id"],
            "location": gid("Location", _FIRST + which),
            "isActive": True,
            "createdAt": item["createdAt"],
            "updatedAt": item["updatedAt"],
            "quantities": {"available": count, "committed": 0, "incoming": 0, "on_hand": count, "reserved": 0},
        }
        for which, count in enumerate(spread)
    ]
    more = {"countryCodeOfOrigin": "US", "harmonizedSystemCode": None, "inventoryLevels": levels}
    return {"__typename": "InventoryItem", **item, **more}


def sold(store: Store, orders: Iterable[Node], at: datetime) -> list[Node]:
    """Return the stock that new orders took from the first location; the item itself is not touched by that."""
    items: dict[str, Node] = {}
    for order in orders:
        for line in order["lineItems"]:
            variant = store.get(line["variant"])
            key = variant["inventoryItem"]["id"] if variant else ""
            item = items.get(key) or store.get(key)
            if item is not None:
                items[key] = _taken(item, line["quantity"], at)
    return list(items.values())


def _taken(item: Node, count: int, at: datetime) -> Node:
    first, *others = item["inventoryLevels"]
    counts = first["quantities"]
    counts = counts | {"available": counts["available"] - count, "committed": counts["committed"] + count}
    return item | {"inventoryLevels": [first | {"quantities": counts, "updatedAt": text_of(at)}, *others]}


def resolvers(store: Store, require: Any, grant: Grant) -> dict[tuple[str, str], Resolver]:
    """Return the readers of stock; `require` refuses what the grant does not allow."""
    return {
        ("QueryRoot", "inventoryItems"): partial(_items, store, partial(require, grant)),
        ("QueryRoot", "locations"): partial(_locations, store, partial(require, grant)),
        ("QueryRoot", "location"): partial(_one, store, partial(require, grant), "location"),
        ("QueryRoot", "inventoryItem"): partial(_one, store, partial(require, grant), "inventoryItem"),
        ("InventoryItem", "inventoryLevels"): _levels_of_item,
        ("Location", "inventoryLevels"): partial(_levels_of_location, store),
        ("InventoryLevel", "item"): lambda source, _arguments: store.get(source["item"]),
        ("InventoryLevel", "location"): lambda source, _arguments: store.get(source["location"]),
        ("InventoryLevel", "quantities"): _quantities,
    }


def _items(store: Store, require: Any, _source: Any, arguments: Mapping[str, Any]) -> Connection:
    require("inventoryItems", "read_inventory")
    return store.connection("inventoryItems", "InventoryItem", {**arguments, "sortKey": "ID"})


def _locations(store: Store, require: Any, _source: Any, arguments: Mapping[str, Any]) -> Connection:
    require("locations", "read_inventory")
    return store.connection("locations", "Location", {**arguments, "sortKey": "ID"})


def _one(store: Store, require: Any, field: str, _source: Any, arguments: Mapping[str, Any]) -> Node | None:
    require(field, "read_inventory")
    return store.get(str(arguments["id"]))


def _levels_of_item(source: Any, arguments: Mapping[str, Any]) -> Connection:
    return _cut(source["inventoryLevels"], source["id"], arguments)


def _levels_of_location(store: Store, source: Any, arguments: Mapping[str, Any]) -> Connection:
    test = store.search("InventoryLevel", arguments.get("query") or "").test
    every = (level for item in store.truth("InventoryItem") for level in item["inventoryLevels"])
    found = [level for level in every if level["location"] == source["id"] and test(level)]
    return _cut(found, source["id"], arguments)


def _cut(levels: list[Node], owner: str, arguments: Mapping[str, Any]) -> Connection:
    places = [(place, place) for place in range(len(levels))]
    scope = scope_of(owner, "inventoryLevels", arguments.get("query"))
    return page("inventoryLevels", places, dict(enumerate(levels)), scope, arguments)


def _quantities(source: Any, arguments: Mapping[str, Any]) -> list[Node]:
    return [
        {"id": f"gid://shopify/InventoryQuantity/{name}", "name": name, "quantity": source["quantities"][name]}
        | {"updatedAt": source["updatedAt"]}
        for name in arguments["names"]
    ]
