"""What Shopify's webhooks say. Only the body is signed: what the headers say must not contradict it.

Topics whose body does not name the shop (orders, scopes) may cause a re-read and nothing else, so that a body that was
caught elsewhere and sent again under other headers changes nothing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.shopify.entry import DOMAIN
from connectors.shopify.requests import from_body
from connectors.webhooks import ForgedError, UnusableError
from storage.facts.ids import derived_id
from storage.facts.webhooks import Event

UNINSTALLED = "app/uninstalled"
DATA_REQUEST = "customers/data_request"
REDACT_CUSTOMER = "customers/redact"
REDACT_SHOP = "shop/redact"
#: Topics after which the shop is read again; the streams are orders, products and customers.
REREAD = frozenset(
    {
        "app/scopes_update", "refunds/create",
        "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
        "orders/partially_fulfilled", "orders/edited", "orders/delete",
        "products/create", "products/update", "products/delete",
        "customers/create", "customers/update", "customers/delete", "customers/enable", "customers/disable",
        "inventory_levels/connect", "inventory_levels/update", "inventory_levels/disconnect",
    }
)  # fmt: skip
#: Topics about one customer -> the key of the body with their orders.
PRIVATE: Mapping[str, str] = {DATA_REQUEST: "orders_requested", REDACT_CUSTOMER: "orders_to_redact"}
_TOPIC = re.compile(r"[a-z_]{1,40}/[a-z_]{1,40}", re.ASCII)
_ID = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
#: topic -> the key of the body that names the shop, and the keys that tell this body from another topic's
_SHAPES: Mapping[str, tuple[str, frozenset[str]]] = {
    UNINSTALLED: ("myshopify_domain", frozenset({"id"})),
    DATA_REQUEST: ("shop_domain", frozenset({"customer", "orders_requested", "data_request"})),
    REDACT_CUSTOMER: ("shop_domain", frozenset({"customer", "orders_to_redact"})),
    REDACT_SHOP: ("shop_domain", frozenset({"shop_id"})),
}
#: keys of other topics' bodies, which name the shop in the same way
_OTHERS = frozenset({"customer", "orders_requested", "orders_to_redact", "data_request"})

Header = Callable[[bytes], bytes]


def read(header: Header, body: Any, text: str) -> list[Event]:
    """Return the event of a signed body; none for a topic that means nothing to us.

    Raises UnusableError, or ForgedError when the headers say another shop or topic than the body.
    """
    topic, shop = header(b"x-shopify-topic").decode("latin-1"), header(b"x-shopify-shop-domain").decode("latin-1")
    if not _TOPIC.fullmatch(topic) or not DOMAIN.fullmatch(shop):
        raise UnusableError("no topic or no shop")
    if not isinstance(body, dict):
        raise UnusableError("not an object")
    if topic in REREAD:
        return [Event(_event_id(header, shop, topic, text), topic, shop)]
    if topic not in _SHAPES:
        return []
    _agrees(topic, shop, body)
    return [Event(_event_id(header, shop, topic, text), topic, shop, text)]


def _agrees(topic: str, shop: str, body: Mapping[str, Any]) -> None:
    names_shop, needed = _SHAPES[topic]
    if body.get(names_shop) != shop:
        raise ForgedError("the body is about another shop")
    if not needed <= body.keys() or (_OTHERS - needed) & body.keys():
        raise ForgedError("the body is of another topic")
    if topic in PRIVATE:
        from_body(body, PRIVATE[topic])


def _event_id(header: Header, shop: str, topic: str, text: str) -> str:
    """Return the event's own id; one event may come under several topics. Without an id the body is its own name."""
    given = (header(b"x-shopify-event-id") or header(b"x-shopify-webhook-id")).decode("latin-1")
    if given and not _ID.fullmatch(given):
        raise UnusableError("event id")
    return derived_id("whk", shop, topic, given or text)
