"""Mirrors the tree, plus scenarios, contracts, golden files and faults."""
