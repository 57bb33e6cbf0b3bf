"""Metrics: numbers that calculate themselves from the ready tables of a QuickBooks source after each of its runs."""
