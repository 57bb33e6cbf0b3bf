"""The GraphQL documents, for Admin API 2026-10. A test checks them against the published schema and our scopes.

Only what finance needs is asked for: no names, addresses, mail or phone of customers (Shopify's "level 2" protected
data), so that an app without that approval reads everything.
"""
