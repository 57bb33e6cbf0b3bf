"""NetSuite, which delivers: files of saved searches in a folder or a bucket."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.grants import Grants


def make_connector() -> "Connector":
    """Return what reads it; it brings Arrow."""
    from connectors.netsuite.connector import NetSuiteConnector

    return NetSuiteConnector()


def make_grants() -> "Grants":
    """Return how people connect it."""
    from connectors.netsuite.grant import NetSuiteGrants

    return NetSuiteGrants()
