"""Shopify's ready tables: what each SQL file reads."""

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.shopify"
_ORDERS, _ORDER_LINES = "raw_shopify_orders", "raw_shopify_order_lines"
_PRODUCTS, _VARIANTS = "raw_shopify_products", "raw_shopify_product_variants"
_DRAFTS, _CHECKOUTS = "raw_shopify_draft_orders", "raw_shopify_abandoned_checkouts"
_CUSTOMERS = "raw_shopify_customers"

READY = (
    ReadyTable("shopify_orders", sql(_PACKAGE, "orders"), parent=_ORDERS, key="order_id"),
    ReadyTable(
        "shopify_order_lines", sql(_PACKAGE, "order_lines"), parent=_ORDERS, key="order_id", lines=(_ORDER_LINES,)
    ),
    ReadyTable("shopify_refunds", sql(_PACKAGE, "refunds"), parent=_ORDERS, key="order_id"),
    ReadyTable("shopify_transactions", sql(_PACKAGE, "transactions"), parent=_ORDERS, key="order_id"),
    ReadyTable("shopify_order_charges", sql(_PACKAGE, "order_charges"), parent=_ORDERS, key="order_id"),
    ReadyTable("shopify_products", sql(_PACKAGE, "products"), parent=_PRODUCTS, key="product_id", lines=(_VARIANTS,)),
    ReadyTable(
        "shopify_variants",
        sql(_PACKAGE, "variants"),
        parent=_PRODUCTS,
        key="product_id",
        lines=(_VARIANTS,),
        fits={"inventory_value": ("unit_cost", "inventory_quantity")},
    ),
    ReadyTable(
        "shopify_inventory",
        sql(_PACKAGE, "inventory"),
        parent="raw_shopify_inventory_items",
        key="inventory_item_id",
        lines=("raw_shopify_inventory_levels",),
        lookups={"raw_shopify_locations": "raw_shopify_inventory_levels.location_id"},
        fits={"inventory_value": ("unit_cost", "on_hand")},
    ),
    ReadyTable("shopify_payouts", sql(_PACKAGE, "payouts"), parent="raw_shopify_payouts", key="payout_id"),
    ReadyTable(
        "shopify_balance_transactions",
        sql(_PACKAGE, "balance_transactions"),
        parent="raw_shopify_balance_transactions",
        key="balance_transaction_id",
        lookups={"raw_shopify_payouts": "payout_id"},
    ),
    ReadyTable("shopify_draft_orders", sql(_PACKAGE, "draft_orders"), parent=_DRAFTS, key="draft_order_id"),
    ReadyTable(
        "shopify_draft_order_lines",
        sql(_PACKAGE, "draft_order_lines"),
        parent=_DRAFTS,
        key="draft_order_id",
        lines=("raw_shopify_draft_order_lines",),
    ),
    ReadyTable(
        "shopify_abandoned_checkouts", sql(_PACKAGE, "abandoned_checkouts"), parent=_CHECKOUTS, key="checkout_id"
    ),
    ReadyTable(
        "shopify_abandoned_checkout_lines",
        sql(_PACKAGE, "abandoned_checkout_lines"),
        parent=_CHECKOUTS,
        key="checkout_id",
        lines=("raw_shopify_abandoned_checkout_lines",),
    ),
    ReadyTable("shopify_discounts", sql(_PACKAGE, "discounts"), parent="raw_shopify_discounts", key="discount_id"),
    ReadyTable("shopify_customers", sql(_PACKAGE, "customers"), parent=_CUSTOMERS, key="customer_id"),
)
