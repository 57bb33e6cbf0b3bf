"""Benchmarks against peers, run by hand and as a smoke in CI."""
