"""Profiles of the product, as data: every version that was shipped stays."""
