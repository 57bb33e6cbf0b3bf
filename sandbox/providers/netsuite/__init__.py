"""A stand-in of a NetSuite account: it delivers files of saved searches to a folder, a bucket or a mailbox."""

from sandbox.providers.netsuite.bucket import Bucket
from sandbox.providers.netsuite.deliveries import AMERICAN, GERMAN, NetSuite, Style
from sandbox.providers.netsuite.mails import RECEIVER, RULES, SENDER, Mailed, good

__all__ = ["AMERICAN", "GERMAN", "RECEIVER", "RULES", "SENDER", "Bucket", "Mailed", "NetSuite", "Style", "good"]
