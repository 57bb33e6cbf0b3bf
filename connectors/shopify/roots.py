"""Shopify's three streams as root fields of the schema.

First pages are sized by Shopify's published costs (an object 1 point, a connection times ``first``); later ones by what
the shop really charged.
"""

from connectors.shopify import bulk_documents
from connectors.shopify.connection import Root
from connectors.shopify.documents import customers, orders, products
from connectors.shopify.lists import Inner
from connectors.shopify.refunds import with_refunds
from connectors.shopify.shapes import CUSTOMERS, ORDERS, PRODUCTS

ROOTS = (
    Root(
        shape=ORDERS,
        field="orders",
        name="Orders",
        document=orders.ORDERS,
        first=5,
        count_name="OrderCount",
        count_document=orders.ORDER_COUNT,
        count_field="ordersCount",
        keys_name="OrderKeys",
        keys_document=orders.ORDER_KEYS,
        whole_scope="read_all_orders",
        edition="2",
        bulk=bulk_documents.ORDERS,
        dated="created_at",
        inners=(
            Inner("lineItems", "lines", 5, "OrderLines", orders.ORDER_LINES, "order"),
            Inner("shippingLines", "shipping", 1, "OrderShipping", orders.ORDER_SHIPPING, "order", more=20),
            Inner("discountApplications", "discounts", 2, "OrderDiscounts", orders.ORDER_DISCOUNTS, "order"),
        ),
        beside=with_refunds,
    ),
    Root(
        shape=PRODUCTS,
        field="products",
        name="Products",
        document=products.PRODUCTS,
        first=20,
        count_name="ProductCount",
        count_document=products.PRODUCT_COUNT,
        count_field="productsCount",
        keys_name="ProductKeys",
        keys_document=products.PRODUCT_KEYS,
        bulk=bulk_documents.PRODUCTS,
        dated="created_at",
        inners=(Inner("variants", "lines", 10, "ProductVariants", products.PRODUCT_VARIANTS, "product", more=100),),
    ),
    Root(
        shape=CUSTOMERS,
        field="customers",
        name="Customers",
        document=customers.CUSTOMERS,
        first=200,
        count_name="CustomerCount",
        count_document=customers.CUSTOMER_COUNT,
        count_field="customersCount",
        keys_name="CustomerKeys",
        keys_document=customers.CUSTOMER_KEYS,
        bulk=bulk_documents.CUSTOMERS,
        dated="customer_date",
    ),
)
