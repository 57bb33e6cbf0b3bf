"""The Shopify stand-in: the GraphQL Admin API and OAuth of a generated shop."""

from sandbox.providers.shopify.app import Shopify
from sandbox.providers.shopify.generate import generate
from sandbox.providers.shopify.store import Change, Store

__all__ = ["Change", "Shopify", "Store", "generate"]
