"""Shopify: orders with lines, products with variants, customers, by cursor over the GraphQL Admin API."""
