"""Shopify's webhooks: the body of each topic, and the headers that prove it."""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.providers.hooks import Hook
from sandbox.providers.shopify.generate import shop_number
from sandbox.providers.shopify.store import Store, text_of
from storage.facts.clock import Clock

#: What can be sent; the last three are the privacy topics that every app has to take.
TOPICS = ("app/uninstalled", "app/scopes_update", "customers/data_request", "customers/redact", "shop/redact")
_VERSION = "2026-10"
_MOST_ORDERS = 3


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a webhook is signed with, and what is known of the grant's scopes."""

    secret: str
    scopes: tuple[str, ...] = ()


def webhook(
    store: Store, topic: str, secrets: Secrets, clock: Clock, *, customer: str = "", event_id: str = ""
) -> Hook:
    """Return a webhook about a shop (ValueError for an unknown topic, KeyError for an unknown customer)."""
    body = msgspec.json.encode(_payload(store, topic, secrets, clock, customer))
    digest = hmac.new(secrets.secret.encode(), body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": store.domain,
        "X-Shopify-API-Version": _VERSION,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": event_id or str(uuid.uuid4()),
        "X-Shopify-Triggered-At": clock.now().isoformat().replace("+00:00", "000Z"),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
    }
    return Hook(topic, store.domain, body, headers)


def _payload(store: Store, topic: str, secrets: Secrets, clock: Clock, customer: str) -> dict[str, Any]:
    shop = {"shop_id": shop_number(store.domain), "shop_domain": store.domain}
    match topic:
        case "app/uninstalled":
            return _shop(store)
        case "app/scopes_update":
            now = list(secrets.scopes)
            asked = {"id": shop_number(store.domain), "previous": now, "current": now[:1]}
            return asked | {"updated_at": text_of(clock.now())}
        case "customers/data_request":
            who, orders = _customer(store, customer)
            return shop | {"orders_requested": orders, "customer": who, "data_request": {"id": 9999}}
        case "customers/redact":
            who, orders = _customer(store, customer)
            return shop | {"customer": who, "orders_to_redact": orders}
        case "shop/redact":
            return shop
        case _:
            raise ValueError(f"there is no topic {topic!r}; there is {', '.join(TOPICS)}")


def _shop(store: Store) -> dict[str, Any]:
    return {
        "id": shop_number(store.domain),
        "name": store.name,
        "email": store.about.get("email"),
        "domain": store.domain,
        "myshopify_domain": store.domain,
        "currency": store.about.get("currencyCode"),
        "iana_timezone": store.about.get("ianaTimezone"),
        "plan_name": "professional",
    }


def _customer(store: Store, customer: str) -> tuple[dict[str, Any], list[int]]:
    """Return a customer as REST shows one, and the numbers of some of their orders; without a name: who bought most."""
    found: dict[str, list[int]] = {}
    for order in store.truth("Order"):
        if order["customer"]:
            found.setdefault(order["customer"], []).append(_number(order["id"]))
    wanted = customer if customer.startswith("gid:") else f"gid://shopify/Customer/{customer}"
    chosen = wanted if customer else max(found, key=lambda who: len(found[who]))
    node = store.get(chosen)
    if node is None:
        raise KeyError(f"no customer {customer}")
    who = {"id": _number(chosen), "email": node.get("email"), "phone": node.get("phone")}
    return who, found.get(chosen, [])[:_MOST_ORDERS]


def _number(gid: str) -> int:
    return int(gid.rpartition("/")[2])
