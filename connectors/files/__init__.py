"""Delivered files, of whatever provider: where they lie, how they are unpacked, and their rows of text."""
