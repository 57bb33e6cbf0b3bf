"""Answers as pages of a browser: a history or a metric with its pictures, for one person, for 15 minutes."""
