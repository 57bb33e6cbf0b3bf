"""The QuickBooks Online stand-in: the query API, reports and OAuth of a generated company."""

from sandbox.providers.quickbooks.app import QuickBooks
from sandbox.providers.quickbooks.books import Books, Change
from sandbox.providers.quickbooks.generate import Size, generate

__all__ = ["Books", "Change", "QuickBooks", "Size", "generate"]
