"""A stand-in of a NetSuite account: it delivers files of saved searches to a folder or a bucket."""

from sandbox.providers.netsuite.bucket import Bucket
from sandbox.providers.netsuite.deliveries import AMERICAN, GERMAN, NetSuite, Style

__all__ = ["AMERICAN", "GERMAN", "Bucket", "NetSuite", "Style"]
