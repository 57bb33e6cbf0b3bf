"""Shopify's privacy requests: whom they are about. Kept apart from Arrow: the web side reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.webhooks import UnusableError

_MOST_ORDERS = 20_000


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """A customer, and orders of theirs, by Shopify's global ids."""

    customer: str
    orders: tuple[str, ...]

    @property
    def customer_number(self) -> str:
        """The number in the shop's admin."""
        return self.customer.rpartition("/")[2]


def request_of(text: str, orders_key: str) -> PrivacyRequest:
    """Read the body of a request (UnusableError)."""
    try:
        body = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        raise UnusableError("not JSON") from None
    return from_body(body, orders_key)


def from_body(body: Any, orders_key: str) -> PrivacyRequest:
    """Take the request out of a body that was parsed (UnusableError)."""
    customer = body.get("customer") if isinstance(body, Mapping) else None
    number = customer.get("id") if isinstance(customer, Mapping) else None
    orders = body.get(orders_key) if isinstance(body, Mapping) else None
    numbers = [number, *orders] if isinstance(orders, list) and len(orders) <= _MOST_ORDERS else [None]
    if not all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in numbers):
        raise UnusableError("a privacy request without numbers")
    first, *rest = (str(each) for each in numbers)
    return PrivacyRequest(f"gid://shopify/Customer/{first}", tuple(f"gid://shopify/Order/{each}" for each in rest))
