"""The providers that exist; a new one is added here and nowhere else."""

from connectors.base import Connector
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.shopify.connector import ShopifyConnector
from storage.facts.sources import Provider

CONNECTORS: dict[Provider, Connector] = {
    Provider.SHOPIFY: ShopifyConnector(),
    Provider.QUICKBOOKS: QuickBooksConnector(),
}


def connector_for(provider: Provider) -> Connector:
    """Return the connector of a provider; KeyError for one that is not built."""
    return CONNECTORS[provider]
