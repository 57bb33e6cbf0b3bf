"""Generates Temerity Goods' shop: a year of orders, the same bytes for the same seed, size and date."""

import zlib
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.providers import catalogue
from sandbox.providers.shopify.fates import cancel, fulfil, ordered, refund
from sandbox.providers.shopify.make import FIRST, Maker, worth
from sandbox.providers.shopify.offers import offers
from sandbox.providers.shopify.payouts import by_day, entries
from sandbox.providers.shopify.stock import item_of, locations
from sandbox.providers.shopify.store import Node, Store, text_of
from storage.facts.clock import Clock, aware

HISTORY = timedelta(days=365)
FIRST_ORDER_NAME = 1001


def generate(
    seed: int, orders: int, *, as_of: datetime, clock: Clock, domain: str = catalogue.SHOP,
    customers: int | None = None, name: str = catalogue.COMPANY,
) -> Store:  # fmt: skip
    """Return a shop that has been open for a year up to `as_of`, with so many orders."""
    end = int(aware(as_of).timestamp())
    start = end - int(HISTORY.total_seconds())
    store = Store(domain, name, clock)
    store.about = _about(domain, name, start)
    maker = Maker(Random(seed))
    for which in range(len(catalogue.PRODUCTS)):
        nodes = maker.product(which, datetime.fromtimestamp(start + which * 3607, UTC))
        maker.variants += nodes[1:]
        store.put([*nodes, *map(item_of, nodes[1:])])
    store.put(locations(datetime.fromtimestamp(start, UTC)))
    people = customers if customers is not None else max(10, orders // 3)
    for which in range(people):
        created = datetime.fromtimestamp(start + 86_400 + which * 997 % 20_000_000, UTC)
        maker.customers.append(maker.customer(FIRST["Customer"] + which, created))
    found = _orders(maker, orders, start, end)
    store.put(maker.customers)
    store.put(found)
    booked = entries(found)
    store.put([*booked, *by_day(booked, datetime.fromtimestamp(end, UTC))])
    store.put(offers(orders, maker.variants, maker.customers, datetime.fromtimestamp(end, UTC)))
    return store


def _orders(maker: Maker, count: int, start: int, end: int) -> list[Node]:
    """Return orders in order of time; updates the maker's customers as they buy."""
    draw = maker.random
    moments = sorted(start + 21_000_000 + int(draw.random() * (end - start - 21_000_060)) for _ in range(count))
    made = []
    for which, moment in enumerate(moments):
        at = datetime.fromtimestamp(moment, UTC)
        buyer = draw.randrange(len(maker.customers))
        order = maker.order(FIRST["Order"] + which * 1024, FIRST_ORDER_NAME + which, at, maker.customers[buyer])
        maker.customers[buyer] = ordered(maker.customers[buyer], worth(order["totalPriceSet"]), at)
        later = datetime.fromtimestamp(min(end, moment + 86_400 + int(draw.random() * 400_000)), UTC)
        fate = draw.random()
        if fate < 0.02:
            order = cancel(order, later)
        elif fate < 0.85:
            order = fulfil(order, later)
            if draw.random() < 0.06:
                order = refund(order, datetime.fromtimestamp(min(end, int(later.timestamp()) + 700_000), UTC))
        made.append(order)
    return made


def shop_number(domain: str) -> int:
    """Return the number of a shop, the same for the same domain."""
    return 61_230_000_001 + (0 if domain == catalogue.SHOP else 1 + zlib.crc32(domain.encode()))


def _about(domain: str, name: str, start: int) -> Node:
    opened = text_of(datetime.fromtimestamp(start, UTC))
    return {
        "__typename": "Shop",
        "id": f"gid://shopify/Shop/{shop_number(domain)}",
        "name": name,
        "email": "finance@temeritygoods.example",
        "contactEmail": "hello@temeritygoods.example",
        "myshopifyDomain": domain,
        "currencyCode": "USD",
        "ianaTimezone": catalogue.ZONE,
        "timezoneOffset": "-0800",
        "taxesIncluded": False,
        "url": f"https://{domain}",
        # Not of the schema: whether the shop takes payments with Shopify Payments.
        "paid": True,
        "plan": {"displayName": "Advanced", "partnerDevelopment": False, "shopifyPlus": False},
        "createdAt": opened,
        "updatedAt": opened,
    }
