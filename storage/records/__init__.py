"""Queries and guarded changes, one module per subject; each takes a session and returns facts."""
