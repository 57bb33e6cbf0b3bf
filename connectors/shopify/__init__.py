"""Shopify: orders with lines, products with variants, customers, by cursor over the GraphQL Admin API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.grants import Grants


def make_connector() -> "Connector":
    """Return what reads it; it brings Arrow."""
    from connectors.shopify.connector import ShopifyConnector

    return ShopifyConnector()


def make_grants() -> "Grants":
    """Return how people connect it."""
    from connectors.shopify.grant import ShopifyGrants

    return ShopifyGrants()
