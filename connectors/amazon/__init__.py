"""Amazon's Selling Partner API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.grants import Grants


def make_connector() -> "Connector":
    """Return what reads it; it brings Arrow."""
    from connectors.amazon.connector import AmazonConnector

    return AmazonConnector()


def make_grants() -> "Grants":
    """Return how people connect it."""
    from connectors.amazon.grant import AmazonGrants

    return AmazonGrants()
