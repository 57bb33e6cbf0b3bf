"""What a shop offers and has not sold yet: draft orders, abandoned checkouts, discounts of every kind."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from sandbox.providers import catalogue
from sandbox.providers.shopify.make import Purse, decimal, worth
from sandbox.providers.shopify.money import gid
from sandbox.providers.shopify.oauth import Grant
from sandbox.providers.shopify.paging import Connection, page, scope_of
from sandbox.providers.shopify.plan import Resolver
from sandbox.providers.shopify.store import Node, Store, text_of

DRAFT, CHECKOUT, DISCOUNT = "DraftOrder", "AbandonedCheckout", "DiscountNode"
SCOPES = {DRAFT: "read_draft_orders", CHECKOUT: "read_orders", DISCOUNT: "read_discounts"}
_FIRST = 5_300_000_001
_MOST = 200
#: kind -> what it takes off
_KINDS: tuple[tuple[str, str, Node], ...] = (
    ("DiscountCodeBasic", "WELCOME10", {"percentage": 0.1}),
    ("DiscountCodeBasic", "TAKE5", {"amount": "5.0"}),
    ("DiscountCodeBxgy", "SECONDHALF", {"percentage": 0.5, "quantity": "1"}),
    ("DiscountCodeFreeShipping", "SHIPFREE", {"shipping": "15.0"}),
    ("DiscountCodeApp", "LOYALTY", {}),
    ("DiscountAutomaticBasic", "Autumn sale", {"percentage": 0.1}),
    ("DiscountAutomaticBxgy", "Three for two", {"percentage": 1.0, "quantity": "1"}),
    ("DiscountAutomaticFreeShipping", "Free over 50", {"shipping": None}),
    ("DiscountAutomaticApp", "Volume prices", {}),
)


def offers(orders: int, variants: Sequence[Node], customers: Sequence[Node], end: datetime) -> list[Node]:
    """Return drafts and checkouts of the last weeks, as many as suit a shop with so many orders, and its discounts."""
    draw = Random(f"{orders}/offers")
    many = min(_MOST, max(4, orders // 20))
    found = [discount(which, end - timedelta(days=90 - which)) for which in range(len(_KINDS))]
    for which in range(many):
        at, buyer = end - timedelta(hours=7 * (many - which)), draw.choice(customers)
        found.append(draft(which, at, draw.sample(list(variants), 1 + which % 3), buyer))
        found.append(checkout(which, at, draw.sample(list(variants), 1 + which % 2), buyer))
    return found


def draft(which: int, at: datetime, variants: Iterable[Node], buyer: Node) -> Node:
    """Return a draft order: lines less a discount over all of it for every second one, shipping and no tax."""
    purse, id_ = Purse(euro=which % 5 == 4), _FIRST + which
    lines = [_draft_line(id_ * 10 + place, variant, purse) for place, variant in enumerate(variants)]
    gross = sum(worth(line["originalTotalSet"]) for line in lines)
    off = gross // 10 if which % 2 else 0
    applied: Node = {"title": "Regular", "description": "By hand", "value": 10.0, "valueType": "PERCENTAGE"}
    made, currency = text_of(at), "EUR" if purse.euro else "USD"
    node: Node = {"__typename": DRAFT, "id": gid(DRAFT, id_), "legacyResourceId": str(id_), "name": f"#D{which + 1}"}
    node |= {"number": which + 1, "status": "OPEN", "ready": True, "createdAt": made, "updatedAt": made}
    node |= {"invoiceSentAt": None, "completedAt": None, "reserveInventoryUntil": None, "poNumber": None}
    node |= {"currencyCode": "USD", "presentmentCurrencyCode": currency, "taxesIncluded": False, "taxExempt": False}
    node |= {"tags": ["wholesale"] if which % 3 == 0 else [], "discountCodes": [], "order": None, "taxLines": []}
    node |= {"customer": buyer["id"], "lineItems": lines}
    node |= {"totalQuantityOfLineItems": sum(line["quantity"] for line in lines)}
    node |= {"appliedDiscount": applied | {"amountSet": purse.bag(off)} if off else None}
    node |= {"totalLineItemsPriceSet": purse.bag(gross), "totalDiscountsSet": purse.bag(off)}
    node |= {"subtotalPriceSet": purse.bag(gross - off), "totalShippingPriceSet": purse.bag(595)}
    return node | {"totalTaxSet": purse.bag(0), "totalPriceSet": purse.bag(gross - off + 595)}


def _draft_line(id_: int, variant: Node, purse: Purse) -> Node:
    quantity = 1 + id_ % 3
    price = int(Decimal(variant["price"]) * 100)
    node: Node = {"id": gid("DraftOrderLineItem", id_), "custom": False, "vendor": catalogue.COMPANY}
    node |= {"isGiftCard": False, "requiresShipping": True, "taxable": variant["taxable"], "taxLines": []}
    node |= {"originalTotalSet": purse.bag(price * quantity), "discountedTotalSet": purse.bag(price * quantity)}
    node |= {"originalUnitPriceSet": purse.bag(price), "totalDiscountSet": purse.bag(0)}
    return node | _goods(variant, quantity)


def checkout(which: int, at: datetime, variants: Iterable[Node], buyer: Node) -> Node:
    """Return a checkout that nobody finished."""
    purse, id_, made = Purse(euro=which % 4 == 3), _FIRST + which, text_of(at)
    lines = []
    for place, variant in enumerate(variants):
        price, quantity = int(Decimal(variant["price"]) * 100), 1 + (which + place) % 2
        line: Node = {"id": gid("AbandonedCheckoutLineItem", id_ * 10 + place), **_goods(variant, quantity)}
        line |= {"originalUnitPriceSet": purse.bag(price), "originalTotalPriceSet": purse.bag(price * quantity)}
        lines.append(line | {"discountedTotalPriceSet": purse.bag(price * quantity)})
    gross = sum(worth(line["originalTotalPriceSet"]) for line in lines)
    node: Node = {"__typename": CHECKOUT, "id": gid(CHECKOUT, id_), "name": f"#{id_}", "createdAt": made}
    node |= {"updatedAt": made, "completedAt": None, "taxesIncluded": False, "discountCodes": [], "taxLines": []}
    node |= {"customer": buyer["id"], "lineItems": lines, "totalDutiesSet": None, "totalTaxSet": purse.bag(0)}
    node |= {"totalLineItemsPriceSet": purse.bag(gross), "totalDiscountSet": purse.bag(0)}
    return node | {"subtotalPriceSet": purse.bag(gross), "totalPriceSet": purse.bag(gross)}


def _goods(variant: Node, quantity: int) -> Node:
    title = variant["displayName"].rpartition(" - ")[0]
    return {"title": title, "variantTitle": variant["title"], "sku": variant["sku"], "quantity": quantity,
            "product": variant["product"], "variant": variant["id"]}  # fmt: skip


def discount(which: int, at: datetime) -> Node:
    """Return a discount; all kinds take turns."""
    kind, title, wishes = _KINDS[which % len(_KINDS)]
    made, id_ = text_of(at), _FIRST + which
    inner: Node = {"__typename": kind, "title": title, "status": "ACTIVE", "createdAt": made, "updatedAt": made}
    inner |= {"startsAt": made, "endsAt": None, "asyncUsageCount": which * 3}
    inner |= {"discountClasses": ["SHIPPING" if "Shipping" in kind else "ORDER"]}
    inner |= {"combinesWith": {"orderDiscounts": False, "productDiscounts": which % 2 == 0, "shippingDiscounts": True}}
    if not kind.endswith("App"):
        inner["summary"] = f"{title}, {kind.removeprefix('Discount')}"
    if "Code" in kind:
        codes = [{"id": gid("DiscountRedeemCode", id_ * 10 + place), "code": f"{title}{'' if place == 0 else place}",
                  "asyncUsageCount": which} for place in range(1 + which % 3)]  # fmt: skip
        sales = {"amount": decimal(which * 1999), "currencyCode": "USD"}
        inner |= {"codes": codes, "codesCount": {"count": len(codes), "precision": "EXACT"}, "totalSales": sales}
        inner |= {"appliesOncePerCustomer": which % 2 == 0, "usageLimit": 500 if which % 2 else None}
    if kind.endswith(("Basic", "FreeShipping")):
        inner["minimumRequirement"] = _least(which)
    if "shipping" in wishes:
        most = wishes["shipping"]
        inner["maximumShippingPrice"] = {"amount": most, "currencyCode": "USD"} if most else None
    elif not kind.endswith("App"):
        inner["customerGets"] = {"value": _taken(wishes)}
    return {"__typename": DISCOUNT, "id": gid(DISCOUNT, id_), "discount": inner}


def _least(which: int) -> Node | None:
    if which % 3 == 0:
        return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": "2"}
    subtotal = {"amount": "50.0", "currencyCode": "USD"}
    return (
        {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": subtotal} if which % 3 == 1 else None
    )


def _taken(wishes: Node) -> Node:
    value: Node = {"__typename": "DiscountPercentage", "percentage": wishes.get("percentage")}
    if "amount" in wishes:
        money = {"amount": wishes["amount"], "currencyCode": "USD"}
        value = {"__typename": "DiscountAmount", "amount": money, "appliesOnEachItem": False}
    if "quantity" in wishes:
        return {"__typename": "DiscountOnQuantity", "quantity": {"quantity": wishes["quantity"]}, "effect": value}
    return value


def move_on(store: Store, seed: int, at: datetime) -> None:
    """Let drafts be paid and thrown away, checkouts be left and finished, discounts be made, ended and used."""
    draw = Random(f"{seed}/offers")
    with store.lock:
        variants, buyers = store.truth("ProductVariant"), store.truth("Customer")
        drafts, checkouts, discounts = (store.truth(kind) for kind in (DRAFT, CHECKOUT, DISCOUNT))
        # An order that nobody can delete any more: what that would do to its draft is not known.
        kept = [order["id"] for order in store.truth("Order") if order["refunds"] or order["cancelledAt"]]
        now, paid = {"updatedAt": text_of(at)}, draw.choice(kept) if kept else None
        sold = {"status": "COMPLETED", "completedAt": text_of(at), "order": paid}
        store.put(
            [
                draft(store.next_number(DRAFT, _FIRST) - _FIRST, at, draw.sample(variants, 2), draw.choice(buyers)),
                checkout(
                    store.next_number(CHECKOUT, _FIRST) - _FIRST, at, draw.sample(variants, 7), draw.choice(buyers)
                ),
                discount(store.next_number(DISCOUNT, _FIRST) - _FIRST, at),
                drafts[-1] | sold | now,
                checkouts[-1] | {"completedAt": text_of(at)} | now,
                _ended(discounts[-1], at),
            ]
        )
        for nodes in (drafts, checkouts, discounts):
            store.remove(nodes[0]["id"], at)


def used(store: Store, times: int) -> None:
    """Let every discount be used some times more: that moves no time of change."""
    with store.lock:
        for node in store.truth(DISCOUNT):
            inner = node["discount"]
            store.put([node | {"discount": inner | {"asyncUsageCount": inner["asyncUsageCount"] + times}}])


def _ended(node: Node, at: datetime) -> Node:
    ended = {"status": "EXPIRED", "endsAt": text_of(at), "updatedAt": text_of(at)}
    return node | {"discount": node["discount"] | ended}


def resolvers(store: Store, require: Any, grant: Grant) -> dict[tuple[str, str], Resolver]:
    """Return the readers of offers; `require` refuses what the grant does not allow."""
    found: dict[tuple[str, str], Resolver] = {}
    for field, kind in (("draftOrders", DRAFT), ("abandonedCheckouts", CHECKOUT), ("discountNodes", DISCOUNT)):
        found["QueryRoot", field] = partial(_nodes, store, partial(require, grant), field, kind)
        found["QueryRoot", f"{field}Count"] = partial(_count, store, partial(require, grant), field, kind)
    found["QueryRoot", "draftOrder"] = partial(_one, store, partial(require, grant), "draftOrder")
    found["QueryRoot", "node"] = partial(_one, store, partial(require, grant), "node")
    for owner in (DRAFT, CHECKOUT):
        found[owner, "lineItems"] = partial(_cut, "lineItems")
        found[owner, "customer"] = partial(_referred, store, "customer")
        for field in ("product", "variant"):
            found[f"{owner}LineItem", field] = partial(_referred, store, field)
    found[DRAFT, "order"] = partial(_referred, store, "order")
    for kind, _, _ in _KINDS:
        found[kind, "codes"] = partial(_cut, "codes")
    return found


def _nodes(store: Store, require: Any, field: str, kind: str, _source: Any, arguments: Mapping[str, Any]) -> Connection:
    require(field, SCOPES[kind])
    return store.connection(field, kind, arguments)


def _count(store: Store, require: Any, field: str, kind: str, _source: Any, arguments: Mapping[str, Any]) -> Node:
    require(f"{field}Count", SCOPES[kind])
    return {"count": store.count(kind, arguments.get("query")), "precision": "EXACT"}


def _one(store: Store, require: Any, field: str, _source: Any, arguments: Mapping[str, Any]) -> Node | None:
    id_ = str(arguments["id"])
    require(field, SCOPES.get(id_.split("/")[3], "read_orders"))
    return store.get(id_)


def _referred(store: Store, field: str, source: Any, _arguments: Mapping[str, Any]) -> Node | None:
    return store.get(source[field])


def _cut(field: str, source: Any, arguments: Mapping[str, Any]) -> Connection:
    items = source[field]
    places = [(place, place) for place in range(len(items))]
    scope = scope_of(source.get("id", source.get("title")), field)
    return page(field, places, dict(enumerate(items)), scope, arguments)
