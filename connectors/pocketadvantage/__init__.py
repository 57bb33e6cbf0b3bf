"""PocketAdvantage, with which files and orders are exchanged: over a file server, and from a view of its database."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.grants import Grants


def make_connector() -> "Connector":
    """Return what proves a connection; nothing is collected over it."""
    from connectors.pocketadvantage.connector import PocketAdvantageConnector

    return PocketAdvantageConnector()


def make_grants() -> "Grants":
    """Return how people connect it."""
    from connectors.pocketadvantage.grant import PocketAdvantageGrants

    return PocketAdvantageGrants()
