"""PocketAdvantage (Inventiv): files that are handed to it, and orders that are read from it."""
