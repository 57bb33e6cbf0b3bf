"""Twins of what the Slack edge needs, by topic."""
