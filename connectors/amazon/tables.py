"""Amazon's ready tables: what each SQL file reads."""

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.amazon"
_ORDERS, _ITEMS = "raw_amazon_orders", "raw_amazon_order_items"

READY = (
    ReadyTable("amazon_orders", sql(_PACKAGE, "orders"), parent=_ORDERS, key="order_id", lines=(_ITEMS,)),
    ReadyTable("amazon_order_lines", sql(_PACKAGE, "order_lines"), parent=_ORDERS, key="order_id", lines=(_ITEMS,)),
)
