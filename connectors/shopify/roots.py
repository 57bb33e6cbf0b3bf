"""Shopify's three streams as root fields of the schema.

First pages are sized by Shopify's published costs (an object 1 point, a connection times ``first``); later ones by what
the shop really charged.
"""

from connectors.shopify import documents
from connectors.shopify.connection import Root
from connectors.shopify.shapes import CUSTOMERS, ORDERS, PRODUCTS

ROOTS = (
    Root(
        shape=ORDERS,
        field="orders",
        name="Orders",
        document=documents.ORDERS,
        first=8,
        count_name="OrderCount",
        count_document=documents.ORDER_COUNT,
        count_field="ordersCount",
        keys_name="OrderKeys",
        keys_document=documents.ORDER_KEYS,
        whole_scope="read_all_orders",
        inner="lineItems",
        inner_first=5,
        inner_name="OrderLines",
        inner_document=documents.ORDER_LINES,
        inner_root="order",
    ),
    Root(
        shape=PRODUCTS,
        field="products",
        name="Products",
        document=documents.PRODUCTS,
        first=20,
        count_name="ProductCount",
        count_document=documents.PRODUCT_COUNT,
        count_field="productsCount",
        keys_name="ProductKeys",
        keys_document=documents.PRODUCT_KEYS,
        inner="variants",
        inner_first=10,
        inner_name="ProductVariants",
        inner_document=documents.PRODUCT_VARIANTS,
        inner_root="product",
    ),
    Root(
        shape=CUSTOMERS,
        field="customers",
        name="Customers",
        document=documents.CUSTOMERS,
        first=200,
        count_name="CustomerCount",
        count_document=documents.CUSTOMER_COUNT,
        count_field="customersCount",
        keys_name="CustomerKeys",
        keys_document=documents.CUSTOMER_KEYS,
    ),
)
