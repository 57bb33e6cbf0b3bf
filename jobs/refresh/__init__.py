"""Refreshes: asking for one, running it, ending it."""
