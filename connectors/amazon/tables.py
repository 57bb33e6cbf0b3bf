"""Amazon's ready tables: what each SQL file reads."""

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.amazon"
_SETTLEMENTS, _LINES = "raw_amazon_settlements", "raw_amazon_settlement_lines"
_TRANSACTIONS = "raw_amazon_transactions"
_INVENTORY, _RETURNS = "raw_amazon_inventory", "raw_amazon_returns"
_ORDERS, _ITEMS = "raw_amazon_orders", "raw_amazon_order_items"

READY = (
    ReadyTable("amazon_orders", sql(_PACKAGE, "orders"), parent=_ORDERS, key="order_id", lines=(_ITEMS,)),
    ReadyTable("amazon_order_lines", sql(_PACKAGE, "order_lines"), parent=_ORDERS, key="order_id", lines=(_ITEMS,)),
    ReadyTable("amazon_settlements", sql(_PACKAGE, "settlements"), parent=_SETTLEMENTS, key="settlement_id"),
    ReadyTable(
        "amazon_settlement_lines",
        sql(_PACKAGE, "settlement_lines"),
        parent=_LINES,
        key="settlement_line_id",
        lookups={_SETTLEMENTS: "settlement_id"},
    ),
    ReadyTable("amazon_inventory", sql(_PACKAGE, "inventory"), parent=_INVENTORY, key="inventory_id"),
    ReadyTable("amazon_returns", sql(_PACKAGE, "returns"), parent=_RETURNS, key="return_id"),
    ReadyTable(
        "amazon_sales_and_traffic",
        sql(_PACKAGE, "sales_and_traffic"),
        parent="raw_amazon_sales_and_traffic",
        key="sales_and_traffic_id",
    ),
    ReadyTable("amazon_transactions", sql(_PACKAGE, "transactions"), parent=_TRANSACTIONS, key="transaction_id"),
    ReadyTable(
        "amazon_transaction_breakdowns",
        sql(_PACKAGE, "transaction_breakdowns"),
        parent=_TRANSACTIONS,
        key="transaction_id",
        lines=("raw_amazon_transaction_breakdowns",),
    ),
)
