"""Months of many organizations in minutes: a virtual clock, seeded dice, stand-ins with faults, and an oracle."""
