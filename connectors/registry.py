"""The providers that exist; a new one is added here and nowhere else.

A connector is imported and made when it is first asked for: it brings Arrow, which a process without runs never needs.
"""

from collections.abc import Callable, Mapping
from functools import cache

from connectors.base import Connector
from connectors.grants import Grants
from storage.facts.sources import Provider


def _shopify() -> Connector:
    from connectors.shopify.connector import ShopifyConnector

    return ShopifyConnector()


def _amazon() -> Connector:
    from connectors.amazon.connector import AmazonConnector

    return AmazonConnector()


def _quickbooks() -> Connector:
    from connectors.quickbooks.connector import QuickBooksConnector

    return QuickBooksConnector()


def _netsuite() -> Connector:
    from connectors.netsuite.connector import NetSuiteConnector

    return NetSuiteConnector()


_MAKE: Mapping[Provider, Callable[[], Connector]] = {
    Provider.SHOPIFY: _shopify,
    Provider.QUICKBOOKS: _quickbooks,
    Provider.AMAZON: _amazon,
    Provider.NETSUITE: _netsuite,
}


@cache
def connector_for(provider: Provider) -> Connector:
    """Return the connector of a provider; KeyError for one that is not built."""
    return _MAKE[provider]()


def _shopify_grants() -> Grants:
    from connectors.shopify.grant import ShopifyGrants

    return ShopifyGrants()


def _amazon_grants() -> Grants:
    from connectors.amazon.grant import AmazonGrants

    return AmazonGrants()


def _quickbooks_grants() -> Grants:
    from connectors.quickbooks.grant import QuickBooksGrants

    return QuickBooksGrants()


def _netsuite_grants() -> Grants:
    from connectors.netsuite.grant import NetSuiteGrants

    return NetSuiteGrants()


#: How each provider's consent is made, in the order of the catalogue; one that is not here cannot be connected yet.
GRANTS: Mapping[Provider, Callable[[], Grants]] = {
    Provider.QUICKBOOKS: _quickbooks_grants,
    Provider.SHOPIFY: _shopify_grants,
    Provider.AMAZON: _amazon_grants,
    Provider.NETSUITE: _netsuite_grants,
}


@cache
def grants_for(provider: Provider) -> Grants:
    """Return the consent of a provider; KeyError for one that a person cannot connect. Brings no Arrow."""
    return GRANTS[provider]()
