"""QuickBooks Online: name lists, transactions with lines, and two reports, by query over the accounting API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.grants import Grants


def make_connector() -> "Connector":
    """Return what reads it; it brings Arrow."""
    from connectors.quickbooks.connector import QuickBooksConnector

    return QuickBooksConnector()


def make_grants() -> "Grants":
    """Return how people connect it."""
    from connectors.quickbooks.grant import QuickBooksGrants

    return QuickBooksGrants()
