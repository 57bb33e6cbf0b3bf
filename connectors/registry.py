"""The providers that exist: each member of `Provider` is the package of its name, and nothing else names one.

The package has ``make_connector()`` and, where people may connect it themselves, ``make_grants()``. A connector is
imported and made when it is first asked for: it brings Arrow, which a process without runs never needs.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from connectors.base import Connector
from connectors.grants import Grants
from storage.facts.sources import Provider


@cache
def connector_for(provider: Provider) -> Connector:
    """Return the connector of a provider."""
    made: Callable[[], Connector] = import_module(f"connectors.{provider}").make_connector
    return made()


@cache
def grants_for(provider: Provider) -> Grants:
    """Return the consent of a provider; KeyError for one that a person cannot connect. Brings no Arrow."""
    made: Callable[[], Grants] | None = getattr(import_module(f"connectors.{provider}"), "make_grants", None)
    if made is None:
        raise KeyError(provider)
    return made()
