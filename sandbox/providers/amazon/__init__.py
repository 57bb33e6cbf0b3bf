"""The Amazon stand-in: Login with Amazon, Seller Central's consent page, and the Sellers API of three regions."""

from sandbox.providers.amazon.app import Amazon
from sandbox.providers.amazon.sellers import REGIONS, Seller

__all__ = ["REGIONS", "Amazon", "Seller"]
