"""A stand-in of a NetSuite account: it delivers files of saved searches to a folder."""

from sandbox.providers.netsuite.deliveries import AMERICAN, GERMAN, NetSuite, Style

__all__ = ["AMERICAN", "GERMAN", "NetSuite", "Style"]
